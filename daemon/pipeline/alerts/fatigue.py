"""`fatigue`: the velocity of the running set has fallen, by a trend and not by a single slow repetition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ankled.daemon.pipeline.alerts.baseline import median
from ankled.daemon.pipeline.alerts.finding import Finding, leg, units
from ankled.daemon.pipeline.sets import FATIGUE_LOSS_PERCENT, FATIGUE_P
from ankled.kernels import trends

if TYPE_CHECKING:
    from ankled.daemon.pipeline.open_set import OpenSet
    from ankled.daemon.records import Rep

_FEWEST: Final = {"rep": 6, "stride": 24}
"""A walk may slow down for many reasons; only a long decline speaks of fatigue."""
_RECENT: Final = 3
"""So many in a row, by their median, are how fast the set was or is: a single quick repetition is no best."""
_EVERY: Final = 4
"""Strides are many and their trend is slow: every fourth is often enough to look at it."""


def fatigue(rep: Rep, open_set: OpenSet) -> Finding | None:
    """Return what the velocities of the set tell after its newest repetition."""
    values = open_set.velocity
    fall = _fall(open_set)
    if fall is None or not _gradual(values):
        return None
    best, now = fall
    slope, test = trends.theil_sen(values), trends.mann_kendall(values)
    if slope is None or test is None or slope.high >= 0.0 or test.p_value >= FATIGUE_P:
        return None
    # What the trend alone explains, and what it explains at the least.
    steps = len(values) - 1
    middle = median(values)
    loss, least = (100.0 * -one * steps / (middle - 0.5 * one * steps) for one in (slope.slope, slope.high))
    if loss < FATIGUE_LOSS_PERCENT or least < 0.5 * FATIGUE_LOSS_PERCENT:
        return None
    fallen = 100.0 * (1.0 - now / best)
    return Finding(
        alert="fatigue",
        severity="notice",
        side=rep.side,
        set=rep.set,
        quantity="mean_velocity_rad_s",
        known_at_s=rep.known_at_s,
        about=[rep.id],
        message=(
            f"{leg(rep.side, rep.device)}, set {rep.set}: velocity fell by {fallen:.0f} %, "
            f"from {best:.2f} to {now:.2f} rad/s. Trend over {units(rep, len(values))}: "
            f"{slope.slope:+.3f} rad/s each (95 %: {slope.low:+.3f} to {slope.high:+.3f})."
        ),
        evidence={
            "value": now,
            "best": best,
            "loss_percent": fallen,
            "threshold_percent": FATIGUE_LOSS_PERCENT,
            "trend_loss_percent": loss,
            "slope_per_rep": slope.slope,
            "slope_low": slope.low,
            "slope_high": slope.high,
            "p_value": test.p_value,
            "count": float(len(values)),
        },
    )


def _fall(open_set: OpenSet) -> tuple[float, float] | None:
    """Return the best velocity of several in a row and that of the last ones, where enough lies between them."""
    values, best = open_set.velocity, open_set.velocity_best
    if len(values) < _FEWEST[open_set.of] or (open_set.of == "stride" and open_set.count % _EVERY):
        return None
    now = median(values[-_RECENT:])
    bound = now / (1.0 - FATIGUE_LOSS_PERCENT / 100.0)
    if best is None or best < bound or best <= 0.0:
        return None
    best = max(median(values[place : place + _RECENT]) for place in range(len(values) - _RECENT + 1))
    return None if best < bound else (best, now)


def _gradual(values: list[float]) -> bool:
    """Tell whether a line fits the values better than a single step between two levels, by the sum of squares.

    A step is no fatigue: the wearer goes on at another pace, or the weight sits otherwise.
    """
    count = len(values)
    mean = sum(values) / count
    centred = [value - mean for value in values]
    middle = 0.5 * (count - 1)
    product = sum((place - middle) * value for place, value in enumerate(centred))
    by_line = product * product * 12.0 / (count * (count * count - 1.0))
    by_step = left = 0.0
    for place, value in enumerate(centred[:-1], 1):
        left += value
        by_step = max(by_step, left * left * count / (place * (count - place)))
    return by_line >= by_step
