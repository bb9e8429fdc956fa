"""`low_range`: several repetitions in a row fall short of the range of motion that was asked for, or was the usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.pipeline.alerts.baseline import median
from ankled.daemon.pipeline.alerts.episode import IN_A_ROW, Episode
from ankled.daemon.pipeline.alerts.finding import Finding, leg, units

if TYPE_CHECKING:
    from ankled.daemon.records import Rep

_FIRST: Final = 10
"""So many repetitions, the first ones, say what range is usual: later ones may be tired already."""
_FEWEST: Final = 4
SHORT: Final = 0.2
"""Short is what falls below the usual, or below the target, by more than this share."""


class LowRange(msgspec.Struct, kw_only=True):
    """What is remembered: the ranges of the first repetitions, and the last short ones."""

    first_deg: list[float] = []
    short_deg: list[float] = []
    episode: Episode = msgspec.field(default_factory=Episode)

    def begin(self, *, afresh: bool) -> None:
        """Begin a set. `afresh`: what is usual is another matter from here on."""
        self.episode.end()
        self.short_deg = []
        if afresh:
            self.first_deg = []

    def step(self, rep: Rep, target_deg: float | None) -> Finding | None:
        """Take in a repetition; return what makes it the last of several short ones in a row."""
        range_deg = rep.rom_deg
        if range_deg is None or rep.kind != "rep":
            return None
        enough = len(self.first_deg) >= _FEWEST
        wanted_deg = target_deg if target_deg is not None else median(self.first_deg) if enough else 0.0
        short = range_deg < (1.0 - SHORT) * wanted_deg
        self.short_deg = [*self.short_deg, range_deg][-IN_A_ROW:] if short else []
        if not short and len(self.first_deg) < _FIRST:
            self.first_deg = [*self.first_deg, range_deg]
        if not self.episode.step(rep.id, odd=short):
            return None
        value_deg = median(self.short_deg)
        lacks_percent = 100.0 * (1.0 - value_deg / wanted_deg)
        usual = target_deg is None
        than, was = (
            ("usual", f"{wanted_deg:.0f} deg before") if usual else ("the target", f"is to be {wanted_deg:.0f} deg")
        )
        return Finding(
            alert="low_range",
            severity="notice",
            side=rep.side,
            set=rep.set,
            quantity="rom_deg",
            known_at_s=rep.known_at_s,
            about=list(self.episode.odd),
            message=(
                f"{leg(rep.side, rep.device)}, set {rep.set}: range of motion {lacks_percent:.0f} % less than {than}. "
                f"It was {value_deg:.0f} deg in the last {units(rep, IN_A_ROW)}, and {was}."
            ),
            evidence={
                "value": value_deg,
                "usual" if usual else "target": wanted_deg,
                "usual_count": float(len(self.first_deg)),
                "shortfall_percent": lacks_percent,
                "threshold_percent": 100.0 * SHORT,
                "count": float(IN_A_ROW),
            },
        )
