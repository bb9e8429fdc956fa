"""Repetitions of any movement of the leg, found while it moves: no template, no exercise, no absolute rest angle.

The signal is the signed angle of the leg about the movement axis. A repetition leaves the rest side, reaches a peak
and comes back (excursion.py). The axis is kept fixed while it explains the motion; when a movement needs another axis
or the other sign, the detector takes it and runs again over what it has not yet published, so that the first
repetitions of a set may be late but are not lost.

The rest side decides which way is out: the first excursion after a dwell leaves it. The vertical velocity overrules
it where it speaks clearly: the weight rises on the way out. Small repetitions are published only in company.

Own method, after the recipe of turning points with hysteresis. Walking repeats too and is reported like anything
else: telling strides from repetitions takes the net displacement of a cycle, which is not looked at here.
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Any

from ankled.kernels import leg_angle, movement_axis
from ankled.kernels.excursion import BACK, CLOSED, CLOSED_BEFORE, MISTAKEN, RESTED, advance, go_home
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.phases import FOUND, describe
from ankled.kernels.reps_state import MOST, STATE, Params, init

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FOUND", "MOST", "STATE", "Params", "flush", "init", "step"]

_CLEARLY = 1.5
"""How much more evidence overrules the rest side than names the phases."""
_ANOTHER = 0.7
"""Cosine of the angle from which on another axis is another movement, which may have another rest side."""
_KNOWN = 0.3
"""Part of the last range from which on a small repetition belongs to the same set."""
_ALIKE = 0.5
"""Ratio of range within which two small repetitions are company for each other."""


@kernel
def _rewind(s: Any, ring: NDArray[np.float64], k: int) -> None:
    """Start again, at home, at sample `k`."""
    s.at = k
    s.x = leg_angle.near(s.leg, ring[k % (ring.shape[0] // 2)], 0.0)
    s.rate = 0.0
    s.still_x = s.x
    s.still_n = 0
    s.waiting = 0
    s.range = 0.0
    if s.last_end >= 0:
        s.range = s.last_range * exp(-(k - s.last_end) / s.memory)
    go_home(s, k, s.x)


@kernel
def _sure(s: Any, factor: float) -> bool:
    """Tell whether the vertical velocity says which way lifts, with `factor` times the least evidence."""
    m = s.motion
    return (
        m.correlation >= factor * s.min_correlation
        and m.speed_mps >= factor * s.min_speed
        and m.lever_m >= factor * s.min_lever
    )


@kernel
def _along(s: Any) -> float:
    """Return the cosine between the axis in use and that of the motion, whose positive sense lifts."""
    return s.motion.p[0] * s.leg.a[0] + s.motion.p[1] * s.leg.a[1] + s.motion.p[2] * s.leg.a[2]


@kernel
def _take_axis(s: Any, ring: NDArray[np.float64], k: int, closing: bool) -> bool:
    """Compare the axis in use with the motion's; if they differ, take that and run again over what is open.

    A new movement leaves the sign `open` until the first excursion from rest. Velocity may overrule it only when an
    excursion is `closing`: of half an excursion it would speak too soon. Returns whether the detector was set back.
    """
    m = s.motion
    movement_axis.solve(m)
    if m.spread_rad_s < s.min_rate:
        return False
    clear = closing and _sure(s, _CLEARLY)
    sign = 1.0
    if s.has_axis:
        dot = _along(s)
        if abs(dot) >= s.same_axis and not (clear and dot < 0.0):
            return False
        if not clear and dot < 0.0:
            sign = -1.0
        if clear:
            s.open = 0
        elif abs(dot) < _ANOTHER:
            s.open = 1
    else:
        s.open = 1
    s.has_axis = 1
    s.fixed_at = k
    start = max(s.first, k - s.look_back, s.last_end)
    leg_angle.fix(s.leg, sign * m.p[0], sign * m.p[1], sign * m.p[2], ring[k % (ring.shape[0] // 2)])
    _rewind(s, ring, start)
    return True


@kernel
def _publish(s: Any, k: int) -> None:
    """Report the repetition in `s.now`, or keep it until a second like it follows if it is small."""
    rom = s.now.rom_rad
    s.now.retroactive = 1 if s.at < k else 0
    known = s.last_end >= 0 and s.now.start - s.last_end < s.memory and rom > _KNOWN * s.last_range
    again = s.waiting and s.now.start - s.alone.end < s.memory and _ALIKE * rom < s.alone.rom_rad < rom / _ALIKE
    if rom < s.alone_range and not known and not again:
        s.alone = s.now
        s.waiting = 1
        return
    if again:
        s.alone.retroactive = 1
        s.found[s.n] = s.alone
        s.n += 1
    s.waiting = 0
    s.found[s.n] = s.now
    s.n += 1
    s.last_range = rom if s.range == 0.0 else 0.5 * (rom + s.range)
    s.range = s.last_range
    s.last_end = s.at


@kernel
def _close(s: Any, ring: NDArray[np.float64], k: int, end: int, x_end: float) -> None:
    """Take the leg as back: describe the excursion and publish it if it is a repetition."""
    sure = _sure(s, 1.0) and _along(s) > 0.0
    describe(s.now, s.leg, ring, s.valley, s.valley_x, s.peak, s.peak_x, end, x_end, k, s.min_hold)
    if s.min_time <= s.now.end - s.now.start <= s.max_time and s.now.rom_rad >= s.min_range:
        s.now.sign_confidence = s.motion.correlation if sure else 0.0
        s.now.share = s.motion.share
        if not sure and not s.leg.by_gyro:
            s.now.phases_ok = 0
        _publish(s, k)
        # The next repetition is measured about the axis as known by now; the sign stays.
        sign = 1.0 if _along(s) >= 0.0 else -1.0
        p = s.motion.p
        row = ring[s.at % (ring.shape[0] // 2)]
        leg_angle.fix(s.leg, sign * p[0], sign * p[1], sign * p[2], row)
        s.x = leg_angle.near(s.leg, row, 0.0)
        s.still_x = s.x
        s.still_n = 0
    go_home(s, s.at, s.x)


@kernel
def _act(s: Any, ring: NDArray[np.float64], k: int, meaning: int) -> None:
    """Do what follows from the meaning of sample s.at, where `k` is the newest."""
    if meaning == RESTED:
        if s.at == k >= s.kept:
            movement_axis.rest(s.motion)
            s.open = 1
    elif meaning == MISTAKEN:
        _rewind(s, ring, s.rested if s.rested >= 0 else s.at)
    elif not _take_axis(s, ring, k, True):
        if meaning == CLOSED:
            _close(s, ring, k, s.at, s.x)
        elif meaning == CLOSED_BEFORE:
            _close(s, ring, k, s.low, s.low_x)


@inlined
def step(s: Any, ring: NDArray[np.float64], k: int) -> int:
    """Take in sample `k`, just written to `ring`; return how many repetitions s.found[0..] now describes.

    `s` is a record of STATE, `ring` the history (2 * capacity, WIDTH) of ring.py; `k` rises by one from call to call,
    but for the call after `flush`. Positions in the records are grid indices; see phases.FOUND.
    """
    capacity = ring.shape[0] // 2
    here = k % capacity
    movement_axis.step(s.motion, ring[here])
    if s.first < 0:
        s.first = k
        if s.has_axis:
            _rewind(s, ring, k)
    s.n = 0
    s.until_solve -= 1
    if s.until_solve <= 0 and k - s.fixed_at >= s.settle_n:
        s.until_solve = s.solve_n
        _take_axis(s, ring, k, False)
    if s.has_axis:
        while s.at < k and s.n < MOST - 1:
            s.at += 1
            row = ring[here if s.at == k else s.at % capacity]
            meaning = advance(s, leg_angle.after(s.leg, row, s.x), leg_angle.rate(s.leg, row))
            if meaning:
                _act(s, ring, k, meaning)
    return s.n


@kernel
def flush(s: Any, ring: NDArray[np.float64], k: int) -> int:
    """End the stream after sample `k`, or interrupt it before a gap; return the count as `step` does.

    A repetition whose leg is on its last third of the way back is closed, any other is dropped, and nothing before
    the gap is looked at again.
    """
    s.n = 0
    if s.has_axis and s.mode == BACK:
        _close(s, ring, k, s.at, s.x)
    s.waiting = 0
    s.first = -1
    movement_axis.interrupt(s.motion)
    return s.n


@kernel
def resume(s: Any, k: int, gap_n: float) -> None:
    """Go on after a gap of `gap_n` periods behind sample `k`, for which `flush` was called.

    Amid a set the leg may now be anywhere in a repetition. So the rest side stays what it was, for as long as a set is
    remembered: where it dwells first may be the far end.
    """
    if s.last_end >= 0 and k - s.last_end + gap_n < s.memory:
        s.open = 0
        s.kept = int(k + s.memory)
