"""Excursions of a signed angle from a rest side and back: the turning points that make a repetition.

The detector is at HOME on the rest side and follows the valley, OUT once the angle has left the valley by the
hysteresis, and BACK once it has come most of the way down again, until the leg has slowed. Each call says what the
sample means; what follows from it is up to the caller.
"""

from __future__ import annotations

from typing import Any

from ankled.kernels import leg_angle
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.phases import SLOW

HOME, OUT, BACK = 0, 1, 2

NOTHING, RESTED, CLOSED, CLOSED_BEFORE, MISTAKEN = 0, 1, 2, 3, 4
"""What a sample can mean: nothing; the leg has just dwelt at home; the excursion ends here; it ended at the lowest
point since its peak; it was no repetition but a change of posture."""

_RETURN = 0.7
"""Part of the way out after which a fall is the way back."""
_PARTLY = 0.5
"""The same where the leg then stops or turns: the rest position may have moved."""
_SLOWING = 0.15
"""Part of the peak rate on the way back below which the end is awaited for no longer than a pause."""
_TO_COME = 0.5
"""What is to come of a way back at SLOWING, as a part of the time since its peak rate: a pause is no shorter."""
_INNER = 2
"""Whole cycles within an excursion that make it a change of posture."""


@kernel
def go_home(s: Any, k: int, x: float) -> None:
    """Wait for the next excursion from angle `x` at sample `k`."""
    s.mode = HOME
    s.anchor_x = x
    s.valley_x = x
    s.valley = k


@kernel
def _leave(s: Any) -> None:
    """Start an excursion."""
    s.mode = OUT
    s.left = s.at
    s.rested = -1
    s.inner_n = 0
    _peak(s)


@kernel
def _peak(s: Any) -> None:
    """Take this sample as the peak so far."""
    s.peak_x = s.x
    s.peak = s.at
    s.low_x = s.x
    s.low = s.at
    s.fastest = 0.0
    s.fast = s.at


@kernel
def _home(s: Any, hysteresis: float) -> int:
    """Follow the valley; leave it when the leg has turned away from it by the hysteresis."""
    meaning = NOTHING
    if s.still_n >= s.dwell_n:
        s.anchor_x = s.x
        s.valley_x = s.x
        s.valley = s.at - s.dwell_n  # since then the leg has not moved: an onset may be found as early as that
        if s.still_n == s.dwell_n:
            meaning = RESTED
    if s.open:
        away = s.x - s.anchor_x
        if abs(away) < hysteresis:
            return meaning
        if away < 0.0:
            leg_angle.flip(s.leg)
            s.x = -s.x
            s.rate = -s.rate
            s.still_x = -s.still_x
            s.anchor_x = -s.anchor_x
            s.valley_x = -s.valley_x
        s.open = 0
    elif s.x < s.valley_x:
        s.valley_x = s.x
        s.valley = s.at
    if s.x - s.valley_x >= hysteresis:
        _leave(s)
    return meaning


@kernel
def _repeats_inside(s: Any) -> bool:
    """Tell whether whole cycles have been seen that start and end where the leg came to rest far from the valley."""
    if s.rested < 0:
        if s.still_n >= s.dwell_n:
            s.rested = s.at
            s.inner_x = s.x
            s.inner_out = 0
        return False
    if not s.inner_out:
        if s.still_n >= s.dwell_n or s.x < s.inner_x:
            s.inner_x = s.x
        if s.x - s.inner_x >= max(s.min_range, 0.5 * s.hysteresis * (s.inner_x - s.valley_x)):
            s.inner_out = 1
            s.inner_peak_x = s.x
        return False
    s.inner_peak_x = max(s.inner_peak_x, s.x)
    if s.inner_peak_x - s.x >= _RETURN * (s.inner_peak_x - s.inner_x):
        s.inner_out = 0
        s.inner_x = s.x
        s.inner_n += 1
    return s.inner_n >= _INNER


@kernel
def _fall(s: Any) -> None:
    """Follow the lowest point since the peak, and the fastest rate on the way there."""
    if s.x < s.low_x:
        s.low_x = s.x
        s.low = s.at
    if -s.rate > s.fastest:
        s.fastest = -s.rate
        s.fast = s.at


@kernel
def _out(s: Any, hysteresis: float) -> int:
    """Follow the peak; look for the way back."""
    if s.x > s.peak_x:
        _peak(s)
    else:
        _fall(s)
    way = s.peak_x - s.valley_x
    if s.peak_x - s.x >= _RETURN * way:
        s.mode = BACK
        s.slow_n = 0
        s.patience_n = s.pause_n
        return _back(s)
    if s.peak_x - s.low_x >= _PARTLY * way and (s.still_n >= s.pause_n or s.x - s.low_x >= hysteresis):
        return CLOSED_BEFORE
    if s.at - s.left > s.max_time or _repeats_inside(s):
        return MISTAKEN
    return NOTHING


@kernel
def _back(s: Any) -> int:
    """Wait until the leg has slowed down, but no longer than a repetition lasts: the peak must stay within the ring."""
    if s.at - s.peak > s.max_time:
        s.rested = -1  # a rest on the way out lies even further back
        return MISTAKEN
    _fall(s)
    if -s.rate <= _SLOWING * s.fastest:
        if s.slow_n == 0:
            s.patience_n = max(s.pause_n, int(_TO_COME * (s.at - s.fast)))
        s.slow_n += 1
    if -s.rate <= SLOW * s.fastest or s.slow_n > s.patience_n:
        return CLOSED
    return NOTHING


@inlined
def advance(s: Any, x: float, rate: float) -> int:
    """Take in the angle `x`, rad, and its rate, rad/s, of sample s.at; return what it means.

    Hysteresis: the range of the last repetitions times `hysteresis`, at least the smallest range; the memory of that
    range fades, so that small repetitions after large ones are found.
    """
    s.x = x
    s.rate += s.smooth * (rate - s.rate)
    if abs(x - s.still_x) > s.dwell:
        s.still_x = x
        s.still_n = 0
    else:
        s.still_n += 1
    s.range *= s.keep
    hysteresis = max(s.min_range, s.hysteresis * s.range)
    if s.mode == HOME:
        return _home(s, hysteresis)
    if s.mode == OUT:
        return _out(s, hysteresis)
    return _back(s)
