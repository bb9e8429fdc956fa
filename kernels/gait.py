"""Strides of one leg: mid-swing, initial contact and toe-off from the swing rate, on a shank or on a foot.

The swing rate is -gyr . y (y: the leg's left). Mid-swing is its maximum above a threshold that follows the last
swings. Initial contact (IC) lies between the zero crossing that follows and the first minimum after it; toe-off (TO)
where the last minimum before the swing has begun to rise. A candidate becomes a stride when the leg went somewhere in
its swing and stayed there in the stance that follows: the displacements, by zero-velocity update, are what tells a
step from a leg swung or lifted in place. So the first stride of a bout is published together with the second.

Features after Aminian et al. 2002 (doi 10.1016/S0021-9290(01)00231-8) and Salarian et al. 2004
(doi 10.1109/TBME.2004.827933). Deviations: the places of the two events between their features, which make their mean
error vanish on feet; the tests by displacement.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import displacement, gait_axes, lowpass
from ankled.kernels.gait_events import contact_after, least_motion, shock, toe_off_before
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.ring import GYR, window

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Params:
    """What counts as a stride.

    lowpass_hz: bandwidth of the swing rate that mid-swing is sought in.
    threshold_rad_s: least swing rate of a first stride.
    relative_threshold: least swing rate of a later one, as a share of the running mean of the last swings.
    settle_s: how long after the swing rate's zero crossing its features are read.
    shortest_swing_s, longest_swing_s: what lies between toe-off and contact.
    shortest_stride_s, longest_stride_s: what lies between two contacts of one leg; beyond, a new bout begins.
    least_travel_m: horizontal displacement of a swing.
    most_return: displacement in stance, as a share of that of the swing after it.
    """

    lowpass_hz: float = 5.0
    threshold_rad_s: float = 1.0
    relative_threshold: float = 0.3
    settle_s: float = 0.08
    shortest_swing_s: float = 0.12
    longest_swing_s: float = 1.5
    shortest_stride_s: float = 0.35
    longest_stride_s: float = 2.5
    least_travel_m: float = 0.12
    most_return: float = 0.5


FOUND = np.dtype(
    [
        ("previous_contact", "f8"),
        ("toe_off", "f8"),
        ("mid_swing", "f8"),
        ("contact", "f8"),
        ("known", "i8"),
        ("travel_m", "f8"),
        ("heading_deg", "f8"),
        ("residual_mps", "f8"),
        ("swing_rate_rad_s", "f8"),
        ("push_rate_rad_s", "f8"),
        ("shock_mps2", "f8"),
    ],
    align=True,
)
"""One stride in grid indices. `previous_contact` is -1 for the first of a bout."""

STATE = np.dtype(
    [
        ("filter", lowpass.bank_dtype(1)),
        ("rate_hz", "f8"),
        ("threshold_rad_s", "f8"),
        ("relative_threshold", "f8"),
        ("settle_n", "i8"),
        ("shortest_swing_n", "f8"),
        ("longest_swing_n", "f8"),
        ("shortest_stride_n", "f8"),
        ("longest_stride_n", "f8"),
        ("least_travel_m", "f8"),
        ("most_return", "f8"),
        ("mode", "i8"),
        ("peak_rad_s", "f8"),
        ("peak_k", "i8"),
        ("crossing_k", "i8"),
        ("mean_peak_rad_s", "f8"),
        ("stride_n", "f8"),
        ("contact", "f8"),
        ("landed", "f8"),
        ("waiting", "i8"),
        ("found", FOUND, (2,)),
    ],
    align=True,
)

_FEWEST = 8
"""Samples that a swing and its surroundings have at least."""
_LAG_S = 0.045
"""Delay of the low-pass that mid-swing is sought with."""
_FLAT_S = 0.1
"""How long after contact the leg has come to stand."""
_SHOCK_BEFORE_S = 0.03
_SHOCK_AFTER_S = 0.08
"""Around contact, where the shock of landing lies."""
_PAUSE = 1.6
"""Two contacts this many strides apart belong to two bouts."""
_WAITING = 0
_SWINGING = 1
_LANDING = 2


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state before the first sample, shape (1,), for a grid of `rate_hz`."""
    array = np.zeros(1, STATE)
    state: Any = array[0]
    lowpass.init_bank(
        state["filter"],
        sqrt(2.0) / (2.0 * pi * min(params.lowpass_hz, gait_axes.LOWPASS_SHARE * rate_hz)),
        1.0 / rate_hz,
    )
    state["rate_hz"] = rate_hz
    state["threshold_rad_s"] = params.threshold_rad_s
    state["relative_threshold"] = params.relative_threshold
    state["settle_n"] = ceil(params.settle_s * rate_hz)
    state["shortest_swing_n"] = params.shortest_swing_s * rate_hz
    state["longest_swing_n"] = params.longest_swing_s * rate_hz
    state["shortest_stride_n"] = params.shortest_stride_s * rate_hz
    state["longest_stride_n"] = params.longest_stride_s * rate_hz
    state["least_travel_m"] = params.least_travel_m
    state["most_return"] = params.most_return
    state["contact"] = -1.0
    return array


@kernel
def forget(s: Any) -> None:
    """Forget the running stride, and how fast the swings of its bout were: the stream had a gap."""
    s.mode = _WAITING
    s.contact = -1.0
    s.waiting = 0
    s.mean_peak_rad_s = 0.0


@inlined
def step(s: Any, ring: NDArray[np.float64], k: int, oldest: int, leg: Any, scratch: NDArray[np.float64]) -> int:
    """Take in sample `k`, just written to `ring`; return how many strides of `s.found` it completes, 0 to 2.

    `oldest` is the first sample that may be looked at, `leg` the record of the leg's axes (leg.STATE).
    """
    left = leg.left
    row = k % (ring.shape[0] // 2)
    raw = -(ring[row, GYR] * left[0] + ring[row, GYR + 1] * left[1] + ring[row, GYR + 2] * left[2])
    swing = lowpass.lowpass(s.filter, 0, raw)
    lowpass.advance(s.filter)
    if s.mode == _WAITING:
        if swing > max(s.threshold_rad_s, s.relative_threshold * s.mean_peak_rad_s):
            s.mode = _SWINGING
            s.peak_rad_s = swing
            s.peak_k = k
        elif s.contact >= 0.0 and k - s.contact > s.longest_stride_n:
            s.contact = -1.0
            s.waiting = 0
            s.mean_peak_rad_s = 0.0
        return 0
    if s.mode == _SWINGING:
        if swing > s.peak_rad_s:
            s.peak_rad_s = swing
            s.peak_k = k
        if swing <= 0.0:
            s.mode = _LANDING
            s.crossing_k = k
        elif k - s.peak_k > s.longest_swing_n:
            s.mode = _WAITING
        return 0
    if k - s.crossing_k < s.settle_n:
        return 0
    s.mode = _WAITING
    return _judge(s, ring, k, oldest, leg, scratch)


@kernel
def _judge(  # noqa: PLR0911  (a swing is refused as soon as one condition fails)
    s: Any, ring: NDArray[np.float64], k: int, oldest: int, leg: Any, scratch: NDArray[np.float64]
) -> int:
    """Find the events around the swing that has just ended and decide whether it was a stride."""
    left = leg.left
    first = max(oldest, int(s.contact) + 1, int(s.peak_k - s.longest_swing_n - s.longest_stride_n))
    if k + 1 - first < _FEWEST:
        return 0
    win = window(ring, first, k + 1)
    peak = s.peak_k - first - int(_LAG_S * s.rate_hz)
    contact = contact_after(win, peak, s.rate_hz, left)
    toe_off, dip = toe_off_before(win, peak, s.rate_hz, left)
    if contact < 0.0 or toe_off < 0.0:
        return 0
    swing_n = contact - toe_off
    if swing_n < s.shortest_swing_n or swing_n > s.longest_swing_n:
        return 0
    follows = s.contact >= 0.0
    if follows and first + contact - s.contact < s.shortest_stride_n:
        return 0
    begin = max(0.0, toe_off - 0.5 * s.rate_hz)
    if follows:
        begin = max(begin, s.landed - first)
    stance = float(least_motion(win, int(begin), max(int(begin), int(toe_off) - 1)))
    landed = min(win.shape[0] - 1.0, contact + _FLAT_S * s.rate_hz)
    moved = displacement.measure(win, stance, landed, leg.up, leg.lever_m, s.rate_hz, scratch)
    if not moved.horizontal_m >= s.least_travel_m:
        return 0
    stayed = False
    if follows and first + contact - s.contact <= s.longest_stride_n:
        back = displacement.measure(win, s.landed - first, stance, leg.up, leg.lever_m, s.rate_hz, scratch)
        stayed = not back.horizontal_m > s.most_return * moved.horizontal_m
    n = 1 if stayed and s.waiting else 0
    f = s.found[n]
    between = first + contact - s.contact
    # A pause, or a step that turned on the spot, lies between two contacts that are much farther apart than the last.
    joined = stayed and not (s.stride_n > 0.0 and between > _PAUSE * s.stride_n)
    f.previous_contact = s.contact if joined else -1.0
    f.toe_off = first + toe_off
    f.mid_swing = first + float(peak)
    f.contact = first + contact
    f.known = k
    f.travel_m = moved.horizontal_m
    f.heading_deg = moved.heading_deg
    f.residual_mps = moved.residual_mps
    f.swing_rate_rad_s = s.peak_rad_s
    f.push_rate_rad_s = dip
    f.shock_mps2 = shock(win, contact - _SHOCK_BEFORE_S * s.rate_hz, contact + _SHOCK_AFTER_S * s.rate_hz)
    if joined:
        s.stride_n = between if s.stride_n == 0.0 else s.stride_n + 0.3 * (between - s.stride_n)
    s.contact = f.contact
    s.landed = first + landed
    s.mean_peak_rad_s = s.peak_rad_s if s.mean_peak_rad_s == 0.0 else 0.75 * s.mean_peak_rad_s + 0.25 * s.peak_rad_s
    if stayed:
        s.waiting = 0
        return n + 1
    s.waiting = 1
    s.stride_n = 0.0
    return 0


@kernel
def restart(s: Any, other: Any) -> None:
    """Make state `s` equal to `other`."""
    lowpass.copy(s.filter, other.filter)
    s.mode = other.mode
    s.peak_rad_s = other.peak_rad_s
    s.peak_k = other.peak_k
    s.crossing_k = other.crossing_k
    s.mean_peak_rad_s = other.mean_peak_rad_s
    s.stride_n = other.stride_n
    s.contact = other.contact
    s.landed = other.landed
    s.waiting = other.waiting
    a, b = s.found[0], other.found[0]
    a.previous_contact = b.previous_contact
    a.toe_off = b.toe_off
    a.mid_swing = b.mid_swing
    a.contact = b.contact
    a.known = b.known
    a.travel_m = b.travel_m
    a.heading_deg = b.heading_deg
    a.residual_mps = b.residual_mps
    a.swing_rate_rad_s = b.swing_rate_rad_s
    a.push_rate_rad_s = b.push_rate_rad_s
    a.shock_mps2 = b.shock_mps2
