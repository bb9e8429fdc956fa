"""The pipeline of a device with accelerometer and gyroscope."""

from __future__ import annotations

import math
from struct import Struct
from typing import TYPE_CHECKING, Literal

import numpy as np

from ankled.daemon.errors import UsageError
from ankled.daemon.pipeline.axes import told
from ankled.daemon.pipeline.base import DeviceState, Pipeline
from ankled.daemon.pipeline.moment import Look
from ankled.daemon.pipeline.reps import make_rep
from ankled.daemon.pipeline.standing import make_standing
from ankled.kernels import chain, timebase
from ankled.kernels.constants import AUTO, GAIT, REPS
from ankled.kernels.results import GAP, REP, REST, RESULT, SLIP, STANDING, STRIDE, ResultRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ankled.daemon.pipeline.context import Context, Numbers
    from ankled.daemon.records import Record
    from ankled.daemon.settings import DeviceSettings
    from ankled.drivers.samples import Samples

_ROW = Struct("=" + "".join({"i": "q", "f": "d"}[RESULT[name].kind] for name in ResultRow._fields))
"""A result row as it lies in memory: read so, it takes a third of the time that numpy needs."""
_MOVEMENTS = {"auto": AUTO, "gait": GAIT, "reps": REPS}


class DevicePipeline(Pipeline):
    """Turns the samples of one device into its records."""

    of_kernels = ("slug", "rate_hz", "movement", "mount", "stored_axes", "acc_range_mps2", "gyr_range_rad_s")

    def __init__(
        self, device: DeviceSettings, context: Context, numbers: Numbers | None = None, *, set_rest_s: float = 10.0
    ) -> None:
        """Prepare the kernels; `set_rest_s` is the rest that closes a set."""
        super().__init__(device, context, numbers)
        mount = device.mount or device.stored_axes
        self._chain = chain.Chain(
            self._rate_hz,
            movement=_MOVEMENTS[device.movement],
            set_rest_s=set_rest_s,
            left=mount.left if mount else None,
            up=mount.up if mount else None,
            stored=device.mount is None and mount is not None,
            timebase_params=timebase.Params(
                acc_range_mps2=device.acc_range_mps2 or math.inf, gyr_range_rad_s=device.gyr_range_rad_s or math.inf
            ),
        )
        self._rows = self._chain.out.view(np.uint8).data

    def feed(self, samples: Samples) -> list[Record]:
        """Take in a block of samples and return what it completed, in the order it became known."""
        work = self._chain
        time_s = samples.time_s
        gyr = samples.gyr
        if time_s is None or gyr is None:
            message = f"device {samples.device}: samples need a time and an angular rate each"
            raise UsageError(message)
        # Samples vouches for its arrays, so the kernels may take them without a look.
        count = work.enter(work.state, work.ring, work.scratch, work.out, time_s, samples.acc, gyr, 0)
        if not count:
            return []
        records = self._records(count)
        while count > chain.OUT_ROWS - chain.ROOM:
            first = int(work.state["next"][0])
            count = work.enter(work.state, work.ring, work.scratch, work.out, time_s, samples.acc, gyr, first)
            records += self._records(count)
        return records

    def look(self) -> Look:
        """Return what looks at the moment from now on; it alters nothing."""
        return Look(self._chain.state, self._chain.ring, self._rate_hz)

    def snapshot(self) -> DeviceState:
        """Return everything this object remembers; its numbers belong to whoever gave them."""
        work = self._chain
        return DeviceState(
            state=work.state.tobytes(),
            ring=work.ring.tobytes(),
            open_set=self._open,
            last_end_s=self._last_end_s,
            watch=self._watch.state,
        )

    def restore(self, state: DeviceState) -> None:
        """Go on from a snapshot of a pipeline with the same settings."""
        work = self._chain
        work.state[:] = np.frombuffer(state.state, dtype=chain.STATE)
        work.ring[:] = np.frombuffer(state.ring).reshape(work.ring.shape)
        self._open = state.open_set
        self._last_end_s = state.last_end_s
        self._watch.state = state.watch

    def _finish(self, known_at_s: float | None = None) -> list[Record]:
        """End what is under way and return what counts of it."""
        work = self._chain
        count = chain.finish(work.state, work.ring, work.scratch, work.out)
        if known_at_s is not None:
            work.out["known_s"][:count] = known_at_s
        return self._records(count)

    @property
    def _memory(self) -> NDArray[np.void]:
        """The state of the kernels."""
        return self._chain.state

    def _records(self, count: int) -> list[Record]:
        """Make records of the first `count` result rows."""
        records: list[Record] = []
        for place in range(0, count * _ROW.size, _ROW.size):
            row = ResultRow._make(_ROW.unpack_from(self._rows, place))
            kind = row.kind
            if kind in (STRIDE, REP):
                records += self._repetition(row)
            elif kind == REST:
                records += self._close("rest", row.known_s)
            elif kind == STANDING:
                records.append(make_standing(row, self._numbers, self.device, self.context, self._rate_hz))
            elif kind == GAP:
                records += self._event("interrupted", row.known_s, {"gap_s": row.gap_s})
            else:
                records += self._event("slip" if kind == SLIP else "axis_settled", row.known_s, told(row))
        return records

    def _repetition(self, row: ResultRow) -> list[Record]:
        """Make the record of a stride or repetition, and that of the set which it ends, if it does."""
        of: Literal["stride", "rep"] = "stride" if row.kind == STRIDE else "rep"
        records: list[Record] = []
        if self._open is not None and self._open.of != of:
            records += self._close("movement", row.known_s)
        rep = make_rep(row, self._place(of, row.start_s), self.device, self.context, self._rate_hz)
        return [*records, *self._add(rep)]
