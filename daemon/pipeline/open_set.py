"""The set that is open: what its repetitions add up to so far. Its size does not grow with their number."""

from __future__ import annotations

from math import inf, sqrt
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ankled.daemon.pipeline.habit import Habit
from ankled.kernels import trends

if TYPE_CHECKING:
    from ankled.daemon.records import Rep

_AVERAGED: Final = (
    "cadence_per_min",
    "contact_time_s",
    "duration_s",
    "lateral_force_impulse_n_s",
    "lateral_force_peak_n",
    "quality",
    "rom_deg",
    "sway_rms_mps2",
)
"""Fields of a repetition that a set has the mean or the sum of."""
_averaged: Final = attrgetter(*_AVERAGED)


class Spread(msgspec.Struct, array_like=True):
    """A running standard deviation: `squares` sums the squared distances from the mean (Welford 1962)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Take in a value."""
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self.squares += step * (value - self.mean)

    @property
    def deviation(self) -> float:
        """Return the standard deviation of at least one value."""
        return sqrt(self.squares / self.count)


class OpenSet(msgspec.Struct, kw_only=True):
    """A set that goes on: its number, what it is of, and what it adds up to; `counts` and `totals` by averaged field.

    `velocity` and `rom` hold the last values that a trend looks back on. Of strides the newest waits in `waiting`:
    walks begin and end slowly, and that is no fatigue, so only strides amid others speak of velocity.
    """

    number: int
    of: Literal["stride", "rep"]
    rest_before_s: float | None
    count: int = 0
    start_s: float = inf
    end_s: float = -inf
    last_start_s: float | None = None
    movements: dict[str, int] = {}
    counts: list[int] = msgspec.field(default_factory=lambda: [0] * len(_AVERAGED))
    totals: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(_AVERAGED))
    stride_time: Spread = msgspec.field(default_factory=Spread)
    rom: list[float] = []
    velocity: list[float] = []
    velocity_count: int = 0
    velocity_total: float = 0.0
    velocity_best: float | None = None
    waiting: float | None = None
    habit: Habit = msgspec.field(default_factory=Habit)

    def add(self, rep: Rep) -> None:
        """Take in the next stride or repetition."""
        self.count += 1
        self.start_s = min(self.start_s, rep.start_s)
        self.end_s = max(self.end_s, rep.end_s)
        self.last_start_s = rep.start_s
        self.movements[rep.movement] = self.movements.get(rep.movement, 0) + 1
        for place, value in enumerate(_averaged(rep)):
            if value is not None:
                self.counts[place] += 1
                self.totals[place] += value
        if rep.rom_deg is not None:
            _keep(self.rom, rep.rom_deg)
        if not rep.first:
            self.habit.add(rep)
        if self.of == "rep":
            self._steady(rep.mean_velocity_rad_s)
            return
        self._steady(self.waiting)
        amid = not rep.first and not rep.turn
        self.waiting = rep.mean_velocity_rad_s if amid else None
        if amid:
            self.stride_time.add(rep.duration_s)

    def mean(self, name: str) -> float | None:
        """Return the mean of a field over the repetitions that have it, None if none has."""
        place = _AVERAGED.index(name)
        return self.totals[place] / self.counts[place] if self.counts[place] else None

    def total(self, name: str) -> float | None:
        """Return the sum of a field over the repetitions that have it, None if none has."""
        place = _AVERAGED.index(name)
        return self.totals[place] if self.counts[place] else None

    @property
    def movement(self) -> str:
        """Return the movement that most of the repetitions had; of several the first in the alphabet."""
        return max(sorted(self.movements), key=self.movements.__getitem__)

    def _steady(self, velocity: float | None) -> None:
        """Take in a velocity that speaks of the set."""
        if velocity is None:
            return
        _keep(self.velocity, velocity)
        self.velocity_count += 1
        self.velocity_total += velocity
        self.velocity_best = velocity if self.velocity_best is None else max(self.velocity_best, velocity)


def _keep(values: list[float], value: float) -> None:
    """Append a value, and let go of those that no trend looks back on."""
    values.append(value)
    del values[: -trends.WINDOW]
