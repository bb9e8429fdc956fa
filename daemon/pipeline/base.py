"""What the pipelines of devices have in common: settings, sets, events and what they remember."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from ankled.daemon.errors import UsageError
from ankled.daemon.pipeline import sets
from ankled.daemon.pipeline.alerts.watch import Watch, WatchState
from ankled.daemon.pipeline.context import Numbers
from ankled.daemon.pipeline.open_set import OpenSet
from ankled.daemon.pipeline.quality import unlike_others
from ankled.daemon.pipeline.reps import Place
from ankled.daemon.records import Event, Record, Rep

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ankled.daemon.pipeline.context import Context
    from ankled.daemon.settings import DeviceSettings
    from ankled.drivers.samples import Samples

_COUNTS = ("gaps_n", "missing_n", "repeated_n", "backwards_n", "not_finite_n", "clipped_n")


class DeviceState(msgspec.Struct, kw_only=True):
    """All that a device pipeline remembers but its numbers. `state` and `ring` are the kernels' memory as bytes."""

    state: bytes
    ring: bytes
    open_set: OpenSet | None
    last_end_s: float | None
    watch: WatchState


class Pipeline(ABC):
    """The pipeline of one device: samples in, records out. It reads no clock and does no I/O."""

    of_kernels: ClassVar[tuple[str, ...]]
    """Settings that the kernels are made with; the others are applied when a record is written."""

    def __init__(self, device: DeviceSettings, context: Context, numbers: Numbers | None = None) -> None:
        """Begin with no set open. The rate must be known: from the configuration, the driver or the recording.

        `numbers` goes on counting where a pipeline of the same device left off.
        """
        if device.rate_hz is None:
            message = f"device {device.slug}: rate_hz is not known; give it in the configuration"
            raise UsageError(message)
        self.device = device
        self.context = context
        self._rate_hz = device.rate_hz
        self._numbers = Numbers() if numbers is None else numbers
        self._open: OpenSet | None = None
        self._last_end_s: float | None = None
        self._watch = Watch(context, self._numbers)

    @abstractmethod
    def feed(self, samples: Samples) -> list[Record]:
        """Take in a block of samples and return what it completed, in the order it became known."""

    @abstractmethod
    def snapshot(self) -> DeviceState:
        """Return everything this object remembers; its numbers belong to whoever gave them."""

    @abstractmethod
    def restore(self, state: DeviceState) -> None:
        """Go on from a snapshot of a pipeline with the same settings."""

    @abstractmethod
    def _finish(self, known_at_s: float | None = None) -> list[Record]:
        """End what is under way and return what counts of it, known by then or else by the last sample."""

    @property
    @abstractmethod
    def _memory(self) -> NDArray[np.void]:
        """The state of the kernels."""

    def tick(self, now_s: float) -> list[Record]:
        """Close what is open if the device has been silent for longer than the rest that ends a set.

        First what is under way, so that its last repetition does not turn up after the set, when samples come again.
        """
        if now_s - self.time_s < self.set_rest_s:
            return []
        return self._finish(now_s) + self._close("rest", now_s)

    def stop(self, now_s: float, closed_by: Literal["stop", "request"] = "stop") -> list[Record]:
        """Close everything, for good."""
        records = self._finish()
        return records + self._close(closed_by, max(now_s, self.time_s))

    def mark(self, now_s: float) -> list[Record]:
        """Close the open set: somebody says that it is over. What is under way counts to the next one."""
        return self._close("request", max(now_s, self.time_s))

    def can_become(self, device: DeviceSettings) -> bool:
        """Tell whether `change` can take these settings: the kernels' memory holds under them too."""
        return all(getattr(device, name) == getattr(self.device, name) for name in self.of_kernels)

    def change(self, device: DeviceSettings, now_s: float) -> list[Record]:
        """Take other settings: a set has one mass and one side, so the open one is closed."""
        records = self._close("request", max(now_s, self.time_s))
        self.device = device
        self._watch.forget()
        return records

    @property
    def time_s(self) -> float:
        """The session time of the last sample taken in, or of the end it showed; minus infinity before the first.

        The clock of a sensor may run a little ahead of the host's, and an end lie a fraction of a sample ahead of it.
        """
        base = self._memory["timebase"]
        last_s = float(base["new_s"][0]) if base["started"][0] else -math.inf
        return last_s if self._last_end_s is None else max(last_s, self._last_end_s)

    @property
    def open_set(self) -> OpenSet | None:
        """The set that is open; not to be altered."""
        return self._open

    @property
    def set_rest_s(self) -> float:
        """How long a rest closes a set, s."""
        return float(self._memory["rest_s"][0])

    @set_rest_s.setter
    def set_rest_s(self, seconds: float) -> None:
        self._memory["rest_s"] = seconds

    @property
    def counts(self) -> dict[str, int]:
        """What happened to the samples: gaps, missing, repeated, out of order, not finite, clipped."""
        base = self._memory["timebase"]
        return {name.removesuffix("_n"): int(base[name][0]) for name in _COUNTS}

    def _place(self, of: Literal["stride", "rep"], start_s: float) -> Place:
        """Return where the next stride or repetition stands, in a new set if none is open."""
        if self._open is None:
            rest_s = None if self._last_end_s is None else max(0.0, start_s - self._last_end_s)
            self._open = OpenSet(number=self._numbers.next("set"), of=of, rest_before_s=rest_s)
        return Place(
            seq=self._numbers.next_seq(),
            counter=self._numbers.next(of),
            set=self._open.number,
            number=self._open.count + 1,
            previous_start_s=self._open.last_start_s,
            previous_end_s=self._last_end_s,
        )

    def _add(self, rep: Rep) -> list[Record]:
        """Count a stride or repetition to the open set; return it with the alerts that it raises."""
        self._last_end_s = rep.end_s
        if self._open is None:
            return [rep]
        rep = unlike_others(rep, self._open.habit)
        self._open.add(rep)
        return [rep, *self._watch.rep(rep, self._open, self.device)]

    def _close(self, closed_by: sets.ClosedBy, known_at_s: float) -> list[Record]:
        """Close the open set, if there is one."""
        if self._open is None:
            return []
        record = sets.close(self._open, closed_by, known_at_s, self._numbers.next_seq(), self.device, self.context)
        self._open = None
        return [record]

    def _event(
        self,
        event: Literal["interrupted", "axis_settled", "slip"],
        known_at_s: float,
        detail: dict[str, float | str],
    ) -> list[Record]:
        """Return the record of something that happened to the stream, with the alert that it raises."""
        made = Event(
            id=f"{self.context.session}/{self.device.slug}/event/{self._numbers.next('event')}",
            seq=self._numbers.next_seq(),
            session=self.context.session,
            node=self.context.node,
            device=self.device.slug,
            event=event,
            known_at_s=known_at_s,
            detail=detail,
        )
        return [made, *self._watch.slip(made, self._open, self.device)] if event == "slip" else [made]
