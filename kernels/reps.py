"""Repetitions of any movement of the leg, found while it moves: no template, no exercise, no absolute rest angle.

The signal is the signed angle x of the leg about the movement axis. A repetition leaves the rest side (a valley of
x), reaches a peak and comes back. Turning points count when x has turned by a hysteresis that follows the range of
the last repetitions. The axis is kept fixed while it explains the motion; when a new movement needs another axis or
the other sign, the detector takes it and runs again over what it has not yet published, so that the first repetitions
of a set are late but not lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, radians
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import leg_angle, movement_axis
from ankled.kernels.jit import kernel
from ankled.kernels.phases import FOUND, NEAR, SLOW, describe

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 16
"""Repetitions that one step can report; more wait for the next step."""


@dataclass(frozen=True, slots=True)
class Params:
    """What counts as a repetition.

    min_range_deg: smallest range of motion.
    alone_range_deg: below this range a repetition is published only once a second like it has followed.
    hysteresis: turning back that makes a turning point, as a part of the range of the last repetitions.
    min_time_s, max_time_s: shortest and longest repetition.
    min_hold_s: shortest stillness at the far end that is a hold.
    memory_s: time constant with which the range of the last repetitions is forgotten.
    dwell_s, dwell_deg: the leg dwells when it stays within +-dwell_deg for dwell_s.
    look_back_s: how far back the detector runs again when the axis has changed.
    min_rate_deg_s: root mean square of the rate below which no axis is taken.
    turn_deg: the axis is replaced when the motion's axis is further away than this.
    min_correlation, min_lever_m, min_speed_mps: the sign is that of the vertical velocity where the correlation, the
        velocity gained per angular rate and the velocity itself all reach these; else the side that the leg rested on
        before the first excursion decides. A squat tilts the shank about the ankle: its lever is some 4 cm, and the
        scale error of an accelerometer makes as much.
    """

    min_range_deg: float = 3.0
    alone_range_deg: float = 8.0
    hysteresis: float = 0.25
    min_time_s: float = 0.3
    max_time_s: float = 30.0
    min_hold_s: float = 0.3
    memory_s: float = 10.0
    dwell_s: float = 1.0
    dwell_deg: float = 1.0
    look_back_s: float = 20.0
    min_rate_deg_s: float = 0.5
    turn_deg: float = 12.0
    min_correlation: float = 0.4
    min_lever_m: float = 0.06
    min_speed_mps: float = 0.02
    axis: movement_axis.Params = movement_axis.Params()


_HOME, _OUT, _BACK = 0, 1, 2
_SOLVE_S = 0.1
_SETTLE_S = 0.5
_SMOOTH_S = 0.1
_RETURN = 0.7
"""Part of the way out after which a fall is the way back."""
_PARTLY = 0.5
"""The same where the leg then stops or turns."""
_PAUSE_S = 0.2
_SLOWING = 0.15
"""Part of the peak rate on the way back below which the end is awaited for no longer than the pause."""
_ALIKE = 0.5
_CLEARLY = 1.5
_ANOTHER = 0.7
"""Cosine of the angle from which on another axis is another movement, which may have another rest side."""

STATE = np.dtype(
    [
        ("dt_s", "f8"),
        ("min_range", "f8"),
        ("alone_range", "f8"),
        ("hysteresis", "f8"),
        ("min_time", "f8"),
        ("max_time", "f8"),
        ("min_hold", "f8"),
        ("keep", "f8"),
        ("memory", "f8"),
        ("dwell_n", "i8"),
        ("dwell", "f8"),
        ("pause_n", "i8"),
        ("look_back", "i8"),
        ("min_rate", "f8"),
        ("same_axis", "f8"),
        ("min_correlation", "f8"),
        ("min_lever", "f8"),
        ("min_speed", "f8"),
        ("smooth", "f8"),
        ("solve_n", "i8"),
        ("until_solve", "i8"),
        ("settle_n", "i8"),
        ("motion", movement_axis.STATE),
        ("leg", leg_angle.STATE),
        ("has_axis", "i8"),
        ("open", "i8"),
        ("fixed_at", "i8"),
        ("first", "i8"),
        ("at", "i8"),
        ("mode", "i8"),
        ("x", "f8"),
        ("rate", "f8"),
        ("still_x", "f8"),
        ("still_n", "i8"),
        ("anchor_x", "f8"),
        ("valley_x", "f8"),
        ("valley", "i8"),
        ("peak_x", "f8"),
        ("peak", "i8"),
        ("low_x", "f8"),
        ("low", "i8"),
        ("fastest", "f8"),
        ("slow_n", "i8"),
        ("left", "i8"),
        ("rested", "i8"),
        ("inner_x", "f8"),
        ("inner_peak_x", "f8"),
        ("inner_mode", "i8"),
        ("inner_n", "i8"),
        ("range", "f8"),
        ("last_range", "f8"),
        ("last_end", "i8"),
        ("waiting", "i8"),
        ("n", "i8"),
        ("alone", FOUND),
        ("now", FOUND),
        ("found", FOUND, (MOST,)),
    ],
    align=True,
)


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state, shape (1,), for a grid of `rate_hz`."""
    state = np.zeros(1, STATE)
    state["dt_s"] = 1.0 / rate_hz
    state["min_range"] = radians(params.min_range_deg)
    state["alone_range"] = radians(params.alone_range_deg)
    state["hysteresis"] = params.hysteresis
    state["min_time"] = params.min_time_s * rate_hz
    state["max_time"] = params.max_time_s * rate_hz
    state["min_hold"] = params.min_hold_s * rate_hz
    state["memory"] = params.memory_s * rate_hz
    state["keep"] = 1.0 - 1.0 / (params.memory_s * rate_hz)
    state["dwell_n"] = max(1, round(params.dwell_s * rate_hz))
    state["dwell"] = radians(params.dwell_deg)
    state["pause_n"] = max(1, round(_PAUSE_S * rate_hz))
    state["look_back"] = round(params.look_back_s * rate_hz)
    state["min_rate"] = radians(params.min_rate_deg_s)
    state["same_axis"] = np.cos(radians(params.turn_deg))
    state["min_correlation"] = params.min_correlation
    state["min_lever"] = params.min_lever_m
    state["min_speed"] = params.min_speed_mps
    state["smooth"] = 1.0 - np.exp(-1.0 / (_SMOOTH_S * rate_hz))
    state["solve_n"] = max(1, round(_SOLVE_S * rate_hz))
    state["settle_n"] = round(_SETTLE_S * rate_hz)
    state["motion"] = movement_axis.init(params.axis, rate_hz)[0]
    state["leg"]["dt_s"] = 1.0 / rate_hz
    state["first"] = -1
    state["last_end"] = -1
    state["fixed_at"] = -(1 << 40)
    return state


@kernel
def _go_home(s: Any, k: int, x: float) -> None:
    """Wait for the next excursion from here."""
    s.mode = _HOME
    s.anchor_x = x
    s.valley_x = x
    s.valley = k


@kernel
def _rewind(s: Any, ring: NDArray[np.float64], k: int) -> None:
    """Start again at sample `k`."""
    s.at = k
    s.x = leg_angle.near(s.leg, ring[k % (ring.shape[0] // 2)], 0.0)
    s.rate = 0.0
    s.still_x = s.x
    s.still_n = 0
    s.waiting = 0
    s.range = 0.0
    if s.last_end >= 0:
        s.range = s.last_range * exp(-(k - s.last_end) / s.memory)
    _go_home(s, k, s.x)


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
def _take_axis(s: Any, ring: NDArray[np.float64], k: int, closing: int) -> int:
    """Compare the axis in use with the motion's; if they differ, take that and run again over what is open.

    The sign is that of the rest side: a new movement leaves it `open` until the first excursion from rest. Velocity
    overrules it when it speaks clearly, and only when an excursion is `closing`: of half an excursion it would speak
    too soon. Returns 1 if the detector was set back.
    """
    m = s.motion
    movement_axis.solve(m)
    if m.spread_rad_s < s.min_rate:
        return 0
    clear = closing != 0 and _sure(s, _CLEARLY)
    sign = 1.0
    if s.has_axis:
        dot = m.p[0] * s.leg.a[0] + m.p[1] * s.leg.a[1] + m.p[2] * s.leg.a[2]
        if abs(dot) >= s.same_axis and not (clear and dot < 0.0):
            return 0
        if not clear and dot < 0.0:
            sign = -1.0
        if clear:
            s.open = 0
        elif abs(dot) < _ANOTHER:
            s.open = 1
    else:
        s.open = 0 if clear else 1
    s.has_axis = 1
    s.fixed_at = k
    start = max(s.first, k - s.look_back)
    if s.last_end > start:
        start = s.last_end
    leg_angle.fix(s.leg, sign * m.p[0], sign * m.p[1], sign * m.p[2], ring[k % (ring.shape[0] // 2)])
    _rewind(s, ring, start)
    return 1


@kernel
def _publish(s: Any, k: int) -> None:
    """Report the repetition in `s.now`, or keep it until a second like it follows if it is small."""
    rom = s.now.rom_rad
    s.now.retroactive = 1 if s.at < k else 0
    known = s.last_end >= 0 and s.now.start - s.last_end < s.memory and rom > 0.3 * s.last_range
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
    """The leg is back: describe the excursion and publish it if it is a repetition."""
    if _take_axis(s, ring, k, 1):
        return
    m = s.motion
    sure = _sure(s, 1.0)
    valley = max(s.valley, k - ring.shape[0] // 2 + 1)
    describe(s.now, s.leg, ring, valley, s.valley_x, s.peak, s.peak_x, end, x_end, k, s.min_hold)
    time = s.now.end - s.now.start
    if s.min_time <= time <= s.max_time and s.now.rom_rad >= s.min_range:
        s.now.sign_confidence = m.correlation if sure else 0.0
        s.now.share = m.share
        if not sure and not s.leg.by_gyro:
            s.now.phases_ok = 0
        _publish(s, k)
        # The next repetition is measured about the axis as known by now; the sign stays.
        sign = 1.0 if m.p[0] * s.leg.a[0] + m.p[1] * s.leg.a[1] + m.p[2] * s.leg.a[2] >= 0.0 else -1.0
        row = ring[s.at % (ring.shape[0] // 2)]
        leg_angle.fix(s.leg, sign * m.p[0], sign * m.p[1], sign * m.p[2], row)
        s.x = leg_angle.near(s.leg, row, 0.0)
    _go_home(s, s.at, s.x)


@kernel
def _home(s: Any, k: int, hysteresis: float) -> None:
    """Follow the valley; leave it when the leg has turned away from it by the hysteresis."""
    if s.still_n >= s.dwell_n:
        s.anchor_x = s.x
        s.valley_x = s.x
        if s.still_n == 2 * s.dwell_n and s.at == k:
            movement_axis.rest(s.motion)
            s.open = 1
        s.valley = s.at - s.dwell_n  # since then the leg has not moved: an onset may be found as early as that
    if s.open:
        away = s.x - s.anchor_x
        if abs(away) < hysteresis:
            return
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
        s.mode = _OUT
        s.peak_x = s.x
        s.peak = s.at
        s.low_x = s.x
        s.low = s.at
        s.fastest = 0.0
        s.left = s.at
        s.rested = -1
        s.inner_n = 0


@kernel
def _inside(s: Any) -> int:
    """Count whole cycles that start and end where the leg came to rest far from the valley.

    One excursion with repetitions inside was no repetition but a change of posture before them. Returns 1 when two
    have been seen.
    """
    if s.rested < 0:
        if s.still_n >= s.dwell_n:
            s.rested = s.at
            s.inner_x = s.x
            s.inner_mode = 0
        return 0
    if s.inner_mode == 0:
        if s.still_n >= s.dwell_n or s.x < s.inner_x:
            s.inner_x = s.x
        if s.x - s.inner_x >= max(s.min_range, 0.5 * s.hysteresis * (s.inner_x - s.valley_x)):
            s.inner_mode = 1
            s.inner_peak_x = s.x
        return 0
    s.inner_peak_x = max(s.inner_peak_x, s.x)
    if s.inner_peak_x - s.x >= _RETURN * (s.inner_peak_x - s.inner_x):
        s.inner_mode = 0
        s.inner_x = s.x
        s.inner_n += 1
    return 1 if s.inner_n >= 2 else 0


@kernel
def _advance(s: Any, ring: NDArray[np.float64], row: NDArray[np.float64], k: int) -> None:
    """Take in the sample s.at, in `row`, where `k` is the newest."""
    s.x = leg_angle.after(s.leg, row, s.x)
    r = leg_angle.rate(s.leg, row)
    s.rate += s.smooth * (r - s.rate)
    if abs(s.x - s.still_x) > s.dwell:
        s.still_x = s.x
        s.still_n = 0
    else:
        s.still_n += 1
    s.range *= s.keep
    hysteresis = max(s.min_range, s.hysteresis * s.range)
    if s.mode == _HOME:
        _home(s, k, hysteresis)
        return
    if s.mode == _OUT:
        if s.x > s.peak_x:
            s.peak_x = s.x
            s.peak = s.at
            s.low_x = s.x
            s.low = s.at
            s.fastest = 0.0
        elif s.x < s.low_x:
            s.low_x = s.x
            s.low = s.at
        s.fastest = max(s.fastest, -s.rate)
        way = s.peak_x - s.valley_x
        if s.peak_x - s.x >= _RETURN * way:
            s.mode = _BACK
            s.slow_n = 0
        elif s.peak_x - s.low_x >= _PARTLY * way and (s.still_n >= s.pause_n or s.x - s.low_x >= hysteresis):
            _close(s, ring, k, s.low, s.low_x)
            return
        elif s.at - s.left > s.max_time:
            _rewind(s, ring, s.rested if s.rested >= 0 else s.at)
            return
        elif _inside(s):
            _rewind(s, ring, s.rested)
            return
    if s.mode == _BACK:
        s.fastest = max(s.fastest, -s.rate)
        s.slow_n += -s.rate <= _SLOWING * s.fastest
        if -s.rate <= SLOW * s.fastest or s.slow_n > s.pause_n:
            _close(s, ring, k, s.at, s.x)


@kernel
def step(s: Any, ring: NDArray[np.float64], k: int) -> int:
    """Take in sample `k`, just written to `ring`; return how many repetitions s.found now describes."""
    capacity = ring.shape[0] // 2
    row = ring[k % capacity]
    movement_axis.step(s.motion, row)
    if s.first < 0:
        s.first = k
        if s.has_axis:
            _rewind(s, ring, k)
    s.n = 0
    s.until_solve -= 1
    if s.until_solve <= 0 and k - s.fixed_at >= s.settle_n:
        s.until_solve = s.solve_n
        _take_axis(s, ring, k, 0)
    if s.has_axis:
        while s.at < k and s.n < MOST - 1:
            s.at += 1
            _advance(s, ring, row if s.at == k else ring[s.at % capacity], k)
    return s.n


@kernel
def flush(s: Any, ring: NDArray[np.float64], k: int) -> int:
    """End the stream after sample `k`: close a repetition whose leg is back, drop any other. Returns the count."""
    s.n = 0
    if s.has_axis and s.mode == _BACK:
        _close(s, ring, k, s.at, s.x)
    s.waiting = 0
    s.first = -1
    s.motion.velocity = 0.0
    return s.n
