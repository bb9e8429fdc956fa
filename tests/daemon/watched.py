"""A watch over one device, and repetitions made up for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ankled.daemon.pipeline.alerts.watch import Watch
from ankled.daemon.pipeline.context import Context, Numbers
from ankled.daemon.pipeline.open_set import OpenSet
from ankled.daemon.records import Rep
from ankled.daemon.settings import DeviceSettings
from tests.daemon.records import make

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.daemon.records import Alert

DEVICE = DeviceSettings(slug="left-ankle", side="left", athlete="kim")
NAMED = msgspec.structs.replace(DEVICE, exercise="leg raise")
WAVER = (1.0, 1.04, 0.97, 1.02, 0.95, 1.01, 0.99, 1.03, 0.96, 1.0, 1.02, 0.98)
"""Ordinary spread between repetitions."""


class Watched:
    """A watch, and the set that its repetitions are in."""

    def __init__(self, device: DeviceSettings = DEVICE) -> None:
        self.device = device
        self.numbers = Numbers()
        self.watch = Watch(Context(node="gym", session="monday", origin_ns=0), self.numbers)
        self.open: OpenSet | None = None
        self._count = 0

    def rep(self, number: int = 1, **given: object) -> list[Alert]:
        """Take in the next repetition of set `number`."""
        self._count += 1
        start_s = 4.0 * self._count
        fields: dict[str, object] = {
            "id": f"{self._count}", "device": self.device.slug, "side": "left", "kind": "rep", "first": None,
            "turn": None, "retroactive": False, "quality": 1.0, "quality_reasons": [], "set": number,
            "movement": self.device.exercise or "exercise", "start_s": start_s, "end_s": start_s + 2.0,
            "known_at_s": start_s + 2.1, "duration_s": 2.0, "rom_deg": 60.0, "mean_velocity_rad_s": 1.0,
            "sway_range_deg": 2.0, "sway_rms_mps2": 0.2, "lateral_force_rms_n": 0.3, "mass_kg": 1.0,
            "lateral_force_uncertainty_n": 0.02, "axis_uncertainty_deg": 2.0,
        }  # fmt: skip
        rep = make(Rep, **(fields | given))
        if self.open is None or self.open.number != number:
            self.open = OpenSet(number=number, of=rep.kind, rest_before_s=None)
        self.open.add(rep)
        return self.watch.rep(rep, self.open, self.device)

    def reps(self, name: str, values: Iterable[float], number: int = 1, **given: Any) -> list[Alert]:
        """Take in repetitions that differ in one field."""
        return [alert for value in values for alert in self.rep(number, **{name: value}, **given)]


def spread(value: float) -> list[float]:
    """Return ordinary repetitions about a value."""
    return [value * one for one in WAVER]
