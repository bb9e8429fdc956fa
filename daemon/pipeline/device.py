"""The pipeline of one device: samples in, records out. It reads no clock and does no I/O."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from ankled.daemon.errors import UsageError
from ankled.daemon.pipeline import sets
from ankled.daemon.pipeline.context import Numbers
from ankled.daemon.pipeline.reps import Place, make_rep
from ankled.daemon.records import Event, Record
from ankled.kernels import bouts, chain, timebase
from ankled.kernels.results import GAP, REP, REST, STRIDE, ResultRow

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context
    from ankled.daemon.settings import DeviceSettings
    from ankled.drivers.samples import Samples

_OF_KERNELS = ("slug", "rate_hz", "movement", "mount", "acc_range_mps2", "gyr_range_rad_s")
"""Settings that the kernels are made with; the others are applied when a record is written."""
_MOVEMENTS = {"auto": bouts.AUTO, "gait": bouts.GAIT, "reps": bouts.REPS}


class DeviceState(msgspec.Struct, kw_only=True):
    """All that a device pipeline remembers but its numbers. `state` and `ring` are the kernels' memory as bytes."""

    state: bytes
    ring: bytes
    open_set: sets.OpenSet | None
    last_end_s: float | None


class DevicePipeline:
    """Turns the samples of one device into its records."""

    def __init__(
        self, device: DeviceSettings, context: Context, numbers: Numbers | None = None, *, set_rest_s: float = 10.0
    ) -> None:
        """Prepare the kernels. The rate must be known: from the configuration, the driver or the recording.

        `numbers` goes on counting where a pipeline of the same device left off.
        """
        if device.rate_hz is None:
            message = f"device {device.slug}: rate_hz is not known; give it in the configuration"
            raise UsageError(message)
        self.device = device
        self.context = context
        self._rate_hz = device.rate_hz
        self._numbers = Numbers() if numbers is None else numbers
        mount = device.mount
        self._chain = chain.Chain(
            device.rate_hz,
            movement=_MOVEMENTS[device.movement],
            set_rest_s=set_rest_s,
            left=mount.left if mount else None,
            up=mount.up if mount else None,
            timebase_params=timebase.Params(
                acc_range_mps2=device.acc_range_mps2 or math.inf, gyr_range_rad_s=device.gyr_range_rad_s or math.inf
            ),
        )
        self._open: sets.OpenSet | None = None
        self._last_end_s: float | None = None

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

    def tick(self, now_s: float) -> list[Record]:
        """Close what is open if the device has been silent for longer than the rest that ends a set.

        First what is under way, so that its last repetition does not turn up after the set, when samples come again.
        """
        if now_s - self.time_s < self.set_rest_s:
            return []
        work = self._chain
        count = chain.finish(work.state, work.ring, work.scratch, work.out)
        work.out["known_s"][:count] = now_s
        return self._records(count) + self._close("rest", now_s)

    def stop(self, now_s: float, closed_by: Literal["stop", "request"] = "stop") -> list[Record]:
        """Close everything, for good."""
        work = self._chain
        records = self._records(chain.finish(work.state, work.ring, work.scratch, work.out))
        return records + self._close(closed_by, max(now_s, self.time_s))

    def can_become(self, device: DeviceSettings) -> bool:
        """Tell whether `change` can take these settings: the kernels' memory holds under them too."""
        return all(getattr(device, name) == getattr(self.device, name) for name in _OF_KERNELS)

    def change(self, device: DeviceSettings, now_s: float) -> list[Record]:
        """Take other settings: a set has one mass and one side, so the open one is closed."""
        records = self._close("request", max(now_s, self.time_s))
        self.device = device
        return records

    @property
    def time_s(self) -> float:
        """The session time of the last sample taken in, or of the end it showed; minus infinity before the first.

        The clock of a sensor may run a little ahead of the host's, and an end lie a fraction of a sample ahead of it.
        """
        base = self._chain.state["timebase"]
        last_s = float(base["new_s"][0]) if base["started"][0] else -math.inf
        return last_s if self._last_end_s is None else max(last_s, self._last_end_s)

    @property
    def set_rest_s(self) -> float:
        """How long a rest closes a set, s."""
        return float(self._chain.state["rest_s"][0])

    @set_rest_s.setter
    def set_rest_s(self, seconds: float) -> None:
        self._chain.state["rest_s"] = seconds

    @property
    def counts(self) -> dict[str, int]:
        """What happened to the samples: gaps, missing, repeated, out of order, not finite, clipped."""
        base = self._chain.state["timebase"]
        names = ("gaps_n", "missing_n", "repeated_n", "backwards_n", "not_finite_n", "clipped_n")
        return {name.removesuffix("_n"): int(base[name][0]) for name in names}

    def snapshot(self) -> DeviceState:
        """Return everything this object remembers; its numbers belong to whoever gave them."""
        return DeviceState(
            state=self._chain.state.tobytes(),
            ring=self._chain.ring.tobytes(),
            open_set=self._open,
            last_end_s=self._last_end_s,
        )

    def restore(self, state: DeviceState) -> None:
        """Go on from a snapshot of a pipeline with the same settings."""
        work = self._chain
        work.state[:] = np.frombuffer(state.state, dtype=chain.STATE)
        work.ring[:] = np.frombuffer(state.ring).reshape(work.ring.shape)
        self._open = state.open_set
        self._last_end_s = state.last_end_s

    def _records(self, count: int) -> list[Record]:
        """Make records of the first `count` result rows."""
        records: list[Record] = []
        for row in map(ResultRow._make, self._chain.out[:count].tolist()):
            kind = row.kind
            if kind in (STRIDE, REP):
                records += self._repetition(row)
            elif kind == REST:
                records += self._close("rest", row.known_s)
            else:
                records.append(self._event(row))
        return records

    def _repetition(self, row: ResultRow) -> list[Record]:
        """Make the record of a stride or repetition, and that of the set which it ends, if it does."""
        of: Literal["stride", "rep"] = "stride" if row.kind == STRIDE else "rep"
        records: list[Record] = []
        if self._open is not None and self._open.of != of:
            records += self._close("movement", row.known_s)
        start_s = row.start_s
        if self._open is None:
            rest_s = None if self._last_end_s is None else max(0.0, start_s - self._last_end_s)
            self._open = sets.OpenSet(number=self._numbers.next("set"), of=of, rest_before_s=rest_s, reps=[])
        reps = self._open.reps
        place = Place(
            seq=self._numbers.next_seq(),
            counter=self._numbers.next(of),
            set=self._open.number,
            number=len(reps) + 1,
            previous_start_s=reps[-1].start_s if reps else None,
            previous_end_s=self._last_end_s,
        )
        rep = make_rep(row, place, self.device, self.context, self._rate_hz)
        reps.append(rep)
        self._last_end_s = rep.end_s
        return [*records, rep]

    def _close(self, closed_by: sets.ClosedBy, known_at_s: float) -> list[Record]:
        """Close the open set, if there is one."""
        if self._open is None:
            return []
        record = sets.close(self._open, closed_by, known_at_s, self._numbers.next_seq(), self.device, self.context)
        self._open = None
        return [record]

    def _event(self, row: ResultRow) -> Event:
        """Make the record of a gap or of axes that settled."""
        interrupted = row.kind == GAP
        detail: dict[str, float | str] = (
            {"gap_s": row.gap_s}
            if interrupted
            else {
                "axis_ratio": row.axis_ratio,
                "confidence": row.axis_confidence,
                "uncertainty_deg": math.degrees(row.axis_uncertainty_rad),
            }
        )
        return Event(
            id=f"{self.context.session}/{self.device.slug}/event/{self._numbers.next('event')}",
            seq=self._numbers.next_seq(),
            session=self.context.session,
            node=self.context.node,
            device=self.device.slug,
            event="interrupted" if interrupted else "axis_settled",
            known_at_s=row.known_s,
            detail=detail,
        )
