"""The pipeline of a device with an accelerometer alone: samples in, strides out, and null for the rest.

It has the outside of `DevicePipeline`, and its records have the same fields. It reads no clock and does no I/O.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import numpy as np

from ankled.daemon.errors import UsageError
from ankled.daemon.pipeline import sets
from ankled.daemon.pipeline.context import Numbers
from ankled.daemon.pipeline.device import DeviceState
from ankled.daemon.pipeline.quality import without_gyroscope
from ankled.daemon.pipeline.reps import Place, make_rep
from ankled.daemon.records import Event, Record, Rep
from ankled.kernels import acceleration, timebase
from ankled.kernels.results import GAP, STRIDE, ResultRow

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context
    from ankled.daemon.settings import DeviceSettings
    from ankled.drivers.samples import Samples

RUN_PER_MIN: Final = 140.0
"""Cadence from which a stride counts as running: where adults change from one to the other (Hum. Mov. Sci. 90 (2023)
103117, doi 10.1016/j.humov.2023.103117: 91 % of bouts told right). Ground contact, which would tell, is not known."""
_OF_KERNELS = ("slug", "rate_hz", "acc_range_mps2")
"""Settings that the kernels are made with; the others are applied when a record is written."""


class AccelerationPipeline:
    """Turns the specific force that one device measures into its records."""

    def __init__(
        self, device: DeviceSettings, context: Context, numbers: Numbers | None = None, *, set_rest_s: float = 10.0
    ) -> None:
        """Prepare the kernels. The rate must be known: from the configuration or the driver.

        `numbers` goes on counting where a pipeline of the same device left off.
        """
        if device.rate_hz is None:
            message = f"device {device.slug}: rate_hz is not known; give it in the configuration"
            raise UsageError(message)
        self.device = device
        self.context = context
        self._rate_hz = device.rate_hz
        self._numbers = Numbers() if numbers is None else numbers
        self._chain = acceleration.Chain(
            device.rate_hz,
            set_rest_s=set_rest_s,
            timebase_params=timebase.Params(acc_range_mps2=device.acc_range_mps2 or math.inf),
        )
        self._open: sets.OpenSet | None = None
        self._last_end_s: float | None = None

    def feed(self, samples: Samples) -> list[Record]:
        """Take in a block of samples and return what it completed, in the order it became known."""
        work = self._chain
        time_s = samples.time_s
        if time_s is None:
            message = f"device {samples.device}: samples need a time each"
            raise UsageError(message)
        # Samples vouches for its arrays, so the kernels may take them without a look.
        records = self._records(work.enter(work.state, work.out, time_s, samples.acc, 0))
        while (first := int(work.state["next"][0])) < len(time_s):
            records += self._records(work.enter(work.state, work.out, time_s, samples.acc, first))
        return records

    def tick(self, now_s: float) -> list[Record]:
        """Close the set if the device has been silent for longer than the rest that ends one."""
        return self._close("rest", now_s) if now_s - self.time_s >= self.set_rest_s else []

    def stop(self, now_s: float, closed_by: Literal["stop", "request"] = "stop") -> list[Record]:
        """Close everything, for good. What is not known to be a stride by now is none."""
        return self._close(closed_by, max(now_s, self.time_s))

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
        """The session time of the last sample taken in, or of the end it showed; minus infinity before the first."""
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
        state = self._chain.state.tobytes()
        return DeviceState(state=state, ring=b"", open_set=self._open, last_end_s=self._last_end_s)

    def restore(self, state: DeviceState) -> None:
        """Go on from a snapshot of a pipeline with the same settings."""
        self._chain.state[:] = np.frombuffer(state.state, dtype=acceleration.STATE)
        self._open = state.open_set
        self._last_end_s = state.last_end_s

    def _records(self, count: int) -> list[Record]:
        """Make records of the first `count` result rows."""
        rows = [ResultRow._make(row) for row in self._chain.out[:count].tolist()]
        records: list[Record] = []
        for index, row in enumerate(rows):
            if row.kind == STRIDE:
                # The first of a bout has no cadence; the one behind it, known at the same time, has.
                timed = rows[index + 1] if row.first else row
                if self.device.movement != "reps":
                    records.append(self._stride(row, 120.0 / (timed.end_s - timed.start_s)))
            elif row.kind == GAP:
                records.append(self._interrupted(row))
            else:
                records += self._close("rest", row.known_s)
        return records

    def _stride(self, row: ResultRow, cadence_per_min: float) -> Rep:
        """Make the record of a stride."""
        if self._open is None:
            rest_s = None if self._last_end_s is None else max(0.0, row.start_s - self._last_end_s)
            self._open = sets.OpenSet(number=self._numbers.next("set"), of="stride", rest_before_s=rest_s, reps=[])
        reps = self._open.reps
        place = Place(
            seq=self._numbers.next_seq(),
            counter=self._numbers.next("stride"),
            set=self._open.number,
            number=len(reps) + 1,
            previous_start_s=reps[-1].start_s if reps else None,
            previous_end_s=self._last_end_s,
        )
        whole = make_rep(row, place, self.device, self.context, self._rate_hz)
        quality, reasons = without_gyroscope(whole.quality, whole.quality_reasons)
        rep = msgspec.structs.replace(
            whole,
            movement="run" if cadence_per_min >= RUN_PER_MIN else "walk",
            turn=None,
            quality=quality,
            quality_reasons=reasons,
        )
        reps.append(rep)
        self._last_end_s = rep.end_s
        return rep

    def _close(self, closed_by: sets.ClosedBy, known_at_s: float) -> list[Record]:
        """Close the open set, if there is one."""
        if self._open is None:
            return []
        record = sets.close(self._open, closed_by, known_at_s, self._numbers.next_seq(), self.device, self.context)
        self._open = None
        return [record]

    def _interrupted(self, row: ResultRow) -> Event:
        """Make the record of a gap."""
        return Event(
            id=f"{self.context.session}/{self.device.slug}/event/{self._numbers.next('event')}",
            seq=self._numbers.next_seq(),
            session=self.context.session,
            node=self.context.node,
            device=self.device.slug,
            event="interrupted",
            known_at_s=row.known_s,
            detail={"gap_s": row.gap_s},
        )
