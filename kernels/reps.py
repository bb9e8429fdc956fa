"""Repetitions of any movement of the leg, found while it moves: no template, no exercise, no absolute rest angle.

The signal is the signed angle of the leg about the movement axis. A repetition leaves the rest side, reaches a peak
and comes back (excursion.py). The axis is kept fixed while it explains the motion; when a movement needs another axis
or the other sign, the detector takes it and runs again over what it has not yet published, so that the first
repetitions of a set may be late but are not lost.

The rest side decides which way is out: the first excursion after a dwell leaves it. The vertical velocity overrules
it where it speaks clearly: the weight rises on the way out. Small repetitions, and turns about the vertical, are
published only in company (company.py); the two crouches of a jump are one repetition (leaps.py).

Own method, after the recipe of turning points with hysteresis. Walking repeats too and is reported like anything
else: telling strides from repetitions takes the net displacement of a cycle, which is not looked at here.
"""

from __future__ import annotations

from math import ceil, exp
from typing import TYPE_CHECKING, Any

from ankled.kernels import company, leaps, leg_angle, movement_axis
from ankled.kernels.excursion import BACK, CLOSED, CLOSED_BEFORE, HOME, MISTAKEN, RESTED, advance, go_home
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.phases import FOUND, describe
from ankled.kernels.reps_state import MOST, STATE, Params, init

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FOUND", "MOST", "STATE", "Params", "afresh", "flush", "init", "resume", "step"]

_CLEARLY = 1.5
"""How much more evidence overrules the rest side than names the phases."""
_ANOTHER = 0.7
"""Cosine of the angle from which on another axis is another movement, which may have another rest side."""
_AT_ONCE = company.MOST + 2
"""Repetitions that one sample can report at most."""


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
    excursion is `closing`: of half an excursion it would speak too soon; and in a jump never: what rises is the body.
    Returns whether the detector was set back.
    """
    m = s.motion
    movement_axis.solve(m)
    if m.spread_rad_s < s.min_rate:
        return False
    oldest = max(s.first, k + 1 - ring.shape[0] // 2)
    clear = closing and _sure(s, _CLEARLY) and not leaps.near(s.leap, ring, oldest, s.valley, s.at)
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
    start = max(s.first, k - s.look_back, s.done)
    leg_angle.fix(s.leg, sign * m.p[0], sign * m.p[1], sign * m.p[2], ring[k % (ring.shape[0] // 2)])
    _rewind(s, ring, start)
    return True


@kernel
def _put(s: Any, found: Any) -> None:
    """Report a repetition."""
    s.found[s.n] = found
    s.n += 1


@kernel
def _publish(s: Any, k: int) -> None:
    """Report the repetition in `s.now`, or keep it until others like it have followed, where it needs company."""
    s.now.retroactive = 1 if s.at < k else 0
    lacks = company.needed(s.now, s.alone_range)
    if lacks > 0 and s.last_end >= 0 and company.known(s.last, s.now, s.memory):
        lacks = 0
    if s.waiting > 0:
        last = s.alone[s.waiting - 1]
        if s.now.start - last.end > s.memory or not company.alike(last, s.now):
            s.waiting = 0
    if s.waiting < lacks:
        s.alone[s.waiting] = s.now
        s.waiting += 1
        return
    for i in range(s.waiting):
        s.alone[i].retroactive = 1
        _put(s, s.alone[i])
    s.waiting = 0
    _put(s, s.now)
    rom = s.now.rom_rad
    s.last = s.now
    s.last_range = rom if s.range == 0.0 else 0.5 * (rom + s.range)
    s.range = s.last_range
    s.last_end = s.done = ceil(s.now.end)


@kernel
def _release(s: Any, k: int) -> None:
    """Publish the repetition that waited for a flight: there was none, or nobody landed."""
    s.leap.open = 0
    s.next = s.now
    s.now = s.held
    _publish(s, k)
    s.now = s.next


@kernel
def _join(s: Any) -> None:
    """Make one jump of the crouch in `s.held` and the landing in `s.now`; nothing in it tells its phases."""
    s.leap.open = 0
    higher = s.held.rom_rad > s.now.rom_rad
    end = s.now.end
    start = s.held.start
    if higher:
        s.now = s.held
    s.now.start = start
    s.now.end = end
    s.now.phases_ok = 0


@kernel
def _finish(s: Any, ring: NDArray[np.float64], k: int) -> None:
    """Publish the repetition in `s.now`, or let it wait for the other half of a jump."""
    oldest = max(s.first, k + 1 - ring.shape[0] // 2)
    landed = leaps.flies(s.leap, ring, max(oldest, int(s.now.start) - s.leap.land_n), int(s.now.peak))
    if s.leap.open:
        if landed:
            _join(s)
        else:
            _release(s, k)
    elif not landed and leaps.may_follow(s.leap, ring, oldest, s.at):
        leaps.wait(s.leap, s.at)
        s.held = s.now
        s.done = s.at
        return
    _publish(s, k)


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
        _finish(s, ring, k)
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
        while s.at < k and s.n < MOST - _AT_ONCE:
            s.at += 1
            if s.leap.open and s.at >= s.leap.until and not leaps.still_waits(s.leap, ring, s.at, s.mode != HOME):
                _release(s, k)
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
    if s.leap.open:
        _release(s, k)
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


@kernel
def afresh(s: Any, ring: NDArray[np.float64], k: int) -> None:
    """Begin anew at sample `k`, behind a walk: its steps tell nothing of the next movement, nor where that rests."""
    movement_axis.rest(s.motion)
    s.leap.open = 0
    s.done = k
    s.open = 1
    if s.has_axis:
        _rewind(s, ring, k)
