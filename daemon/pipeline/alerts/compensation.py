"""`compensating_movement`: several repetitions in a row sway, or push sideways, far beyond the wearer's own usual."""

from __future__ import annotations

from math import inf, radians, sin
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.pipeline.alerts.baseline import Usual, median, usual
from ankled.daemon.pipeline.alerts.episode import IN_A_ROW, Episode
from ankled.daemon.pipeline.alerts.finding import Finding, leg, units

if TYPE_CHECKING:
    from ankled.daemon.records import Rep

_KEPT: Final = 24
"""Earlier repetitions that are remembered."""
_FEWEST: Final = 5
"""Of fewer comparable ones nobody knows what is usual."""
_SPEED: Final = 0.15
"""Comparable are repetitions whose mean velocity differs by no more than this share: who walks or lifts faster sways
and pushes more, and does not compensate."""
_EXCESS: Final = 0.6
_DEVIATIONS: Final = 4.0
_QUALITY: Final = 0.6
_UNFIT: Final = frozenset({"missing_samples", "clipped"})
_WORDS: Final = {
    "sway_range_deg": ("sideways sway", "deg"),
    "sway_rms_mps2": ("sideways acceleration", "m/s2 rms"),
    "lateral_force_rms_n": ("lateral force", "N rms"),
}
QUANTITIES: Final = tuple(_WORDS)
_NONE: Final = (inf,) * len(QUANTITIES)


class Moved(msgspec.Struct, array_like=True, frozen=True):
    """How fast a repetition was, and how much it moved sideways, in the order of the quantities."""

    velocity_rad_s: float
    sideways: tuple[float | None, ...]


class Compensation(msgspec.Struct, kw_only=True):
    """What is remembered: the last usual repetitions of movement `of`, and those that may be odd, of one set.

    No known repetition has less of a quantity than `least`: what is not far beyond that is not far beyond a median.
    """

    of: str = ""
    known: list[Moved] = []
    least: list[float] = msgspec.field(default_factory=lambda: list(_NONE))
    doubtful: list[Moved] = []
    episode: Episode = msgspec.field(default_factory=Episode)

    def begin(self, *, afresh: bool) -> None:
        """Begin a set. `afresh`: what is usual is another matter from here on."""
        self._settle()
        self.episode.end()
        if afresh:
            self.known, self.least = [], list(_NONE)

    def step(self, rep: Rep) -> Finding | None:
        """Take in a repetition; return what makes it the last of several odd ones in a row."""
        if rep.mean_velocity_rad_s is None or not fit(rep):
            return None
        # The range of sway is another quantity where the long axis is not known.
        of = f"{rep.movement} {'long_axis_unknown' in rep.quality_reasons}"
        if of != self.of:
            self.begin(afresh=True)
            self.of = of
        now = Moved(rep.mean_velocity_rad_s, (rep.sway_range_deg, rep.sway_rms_mps2, rep.lateral_force_rms_n))
        odd = self._odd(now, rep) if self._far(now) else None
        tells = self.episode.step(rep.id, odd=odd is not None)
        if odd is None:
            self._settle()
            self._keep(now)
            return None
        self.doubtful = [*self.doubtful, now][-IN_A_ROW:]
        return self._finding(rep, *odd) if tells else None

    def _far(self, now: Moved) -> bool:
        """Tell whether a quantity may be odd; for nearly all repetitions this is all that need be looked at."""
        return any(
            value is not None and value >= (1.0 + _EXCESS) * least
            for value, least in zip(now.sideways, self.least, strict=True)
        )

    def _odd(self, now: Moved, rep: Rep) -> tuple[int, Usual] | None:
        """Return the quantity, by its place, that lies furthest beyond the usual, and the usual; None if none does."""
        velocity, doubt = now.velocity_rad_s, _doubt(rep)
        near = [one for one in self.known[-_KEPT:] if abs(one.velocity_rad_s - velocity) <= _SPEED * velocity]
        found: list[tuple[float, int, Usual]] = []
        for place, value in enumerate(now.sideways):
            values = [other for one in near if (other := one.sideways[place]) is not None]
            if value is None or len(values) < _FEWEST:
                continue
            before = usual(values)
            if (
                before is not None
                and before.excess(value) >= _EXCESS
                and before.deviations(value) >= _DEVIATIONS
                and value - before.median >= doubt[place]
            ):
                found.append((before.excess(value), place, before))
        return max(found)[1:] if found else None

    def _keep(self, one: Moved) -> None:
        """Remember a repetition; now and then let go of those too far back."""
        self.known.append(one)
        fresh = [one]
        if len(self.known) > 2 * _KEPT:
            del self.known[:-_KEPT]
            self.least, fresh = list(_NONE), self.known
        for other in fresh:
            for place, value in enumerate(other.sideways):
                if value is not None and value < self.least[place]:
                    self.least[place] = value

    def _settle(self) -> None:
        """Take single odd repetitions for what they are: part of the wearer's spread."""
        if not self.episode.told:
            for one in self.doubtful:
                self._keep(one)
        self.doubtful = []

    def _finding(self, rep: Rep, place: int, before: Usual) -> Finding:
        """Return what to tell."""
        quantity = QUANTITIES[place]
        name, unit = _WORDS[quantity]
        shown = [one.sideways[place] for one in self.doubtful]
        value = median([one for one in shown if one is not None])
        last = units(rep, IN_A_ROW)
        return Finding(
            alert="compensating_movement",
            severity="warning",
            side=rep.side,
            set=rep.set,
            quantity=quantity,
            known_at_s=rep.known_at_s,
            about=list(self.episode.odd),
            message=(
                f"{leg(rep.side, rep.device)}, set {rep.set}: {name} {value / before.median:.1f} times the usual. "
                f"It was {value:.2g} {unit} in the last {last}, {before.median:.2g} {unit} in {before.number} before."
            ),
            evidence={
                "value": value,
                "usual": before.median,
                "usual_spread": before.spread,
                "usual_count": float(before.number),
                "excess_percent": 100.0 * before.excess(value),
                "threshold_percent": 100.0 * max(_EXCESS, _DEVIATIONS * before.spread / before.median),
                "count": float(IN_A_ROW),
            },
        )


def _doubt(rep: Rep) -> tuple[float, ...]:
    """Return by how much each quantity may change because the axes that were found are other ones than before.

    Strides are measured across the leg's own axis, and a walk that turns moves the axis that was found. Repetitions
    bring an axis of their own.
    """
    force_n = rep.lateral_force_uncertainty_n or 0.0
    if rep.kind == "rep":
        return 0.0, 0.0, force_n
    return (rep.rom_deg or 0.0) * sin(radians(rep.axis_uncertainty_deg or 0.0)), force_n / rep.mass_kg, force_n


def fit(rep: Rep) -> bool:
    """Tell whether a repetition is one among others: no beginning and no turn, told in time and to be trusted."""
    odd = rep.first or rep.turn or rep.retroactive
    return not odd and rep.quality >= _QUALITY and _UNFIT.isdisjoint(rep.quality_reasons)
