"""The pipeline of a device with an accelerometer alone: samples in, strides out, and null for the rest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ankled.daemon.errors import UsageError
from ankled.daemon.pipeline.base import DeviceState, Pipeline
from ankled.daemon.pipeline.quality import without_gyroscope
from ankled.daemon.pipeline.reps import make_rep
from ankled.kernels import acceleration, timebase
from ankled.kernels.results import GAP, STRIDE, ResultRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ankled.daemon.pipeline.context import Context, Numbers
    from ankled.daemon.records import Record
    from ankled.daemon.settings import DeviceSettings
    from ankled.drivers.samples import Samples

RUN_PER_MIN: Final = 140.0
"""Cadence from which a stride counts as running: where adults change from one to the other (Hum. Mov. Sci. 90 (2023)
103117, doi 10.1016/j.humov.2023.103117: 91 % of bouts told right). Ground contact, which would tell, is not known."""


class AccelerationPipeline(Pipeline):
    """Turns the specific force that one device measures into its records."""

    of_kernels = ("slug", "rate_hz", "acc_range_mps2")

    def __init__(
        self, device: DeviceSettings, context: Context, numbers: Numbers | None = None, *, set_rest_s: float = 10.0
    ) -> None:
        """Prepare the kernels; `set_rest_s` is the rest that closes a set."""
        super().__init__(device, context, numbers)
        self._chain = acceleration.Chain(
            self._rate_hz,
            set_rest_s=set_rest_s,
            timebase_params=timebase.Params(acc_range_mps2=device.acc_range_mps2 or math.inf),
        )

    def feed(self, samples: Samples) -> list[Record]:
        """Take in a block of samples and return what it completed, in the order it became known."""
        work = self._chain
        time_s = samples.time_s
        if time_s is None:
            message = f"device {samples.device}: samples need a time each"
            raise UsageError(message)
        # Samples vouches for its arrays, so the kernels may take them without a look.
        count = work.enter(work.state, work.out, time_s, samples.acc, 0)
        if not count:
            return []
        records = self._records(count)
        while count > acceleration.OUT_ROWS - acceleration.ROOM:
            first = int(work.state["next"][0])
            count = work.enter(work.state, work.out, time_s, samples.acc, first)
            records += self._records(count)
        return records

    def snapshot(self) -> DeviceState:
        """Return everything this object remembers; its numbers belong to whoever gave them."""
        return DeviceState(
            state=self._chain.state.tobytes(),
            ring=b"",
            open_set=self._open,
            last_end_s=self._last_end_s,
            watch=self._watch.state,
        )

    def restore(self, state: DeviceState) -> None:
        """Go on from a snapshot of a pipeline with the same settings."""
        self._chain.state[:] = np.frombuffer(state.state, dtype=acceleration.STATE)
        self._open = state.open_set
        self._last_end_s = state.last_end_s
        self._watch.state = state.watch

    def _finish(self, known_at_s: float | None = None) -> list[Record]:  # noqa: ARG002  (as its base has it)
        """Return nothing: what is not known to be a stride by now is none."""
        return []

    @property
    def _memory(self) -> NDArray[np.void]:
        """The state of the kernels."""
        return self._chain.state

    def _records(self, count: int) -> list[Record]:
        """Make records of the first `count` result rows."""
        rows = [ResultRow._make(row) for row in self._chain.out[:count].tolist()]
        records: list[Record] = []
        for index, row in enumerate(rows):
            if row.kind == STRIDE:
                # The first of a bout has no cadence; the one behind it, known at the same time, has.
                timed = rows[index + 1] if row.first else row
                if self.device.movement != "reps":
                    records += self._stride(row, 120.0 / (timed.end_s - timed.start_s))
            elif row.kind == GAP:
                records += self._event("interrupted", row.known_s, {"gap_s": row.gap_s})
            else:
                records += self._close("rest", row.known_s)
        return records

    def _stride(self, row: ResultRow, cadence_per_min: float) -> list[Record]:
        """Make the record of a stride, with what it raises."""
        whole = make_rep(row, self._place("stride", row.start_s), self.device, self.context, self._rate_hz)
        quality, reasons = without_gyroscope(whole.quality, whole.quality_reasons)
        rep = msgspec.structs.replace(
            whole,
            movement="run" if cadence_per_min >= RUN_PER_MIN else "walk",
            turn=None,
            quality=quality,
            quality_reasons=reasons,
        )
        return self._add(rep)
