"""Strides of one leg: mid-swing, initial contact and toe-off from the swing rate, on a shank or on a foot.

The swing rate is -gyr . y (y: the leg's left). Mid-swing is its maximum above a threshold that follows the last
swings. Initial contact (IC) lies between the zero crossing that follows and the deepest minimum soon after it; toe-off
(TO) where the last minimum before the swing has begun to rise. A candidate becomes a stride when the leg went somewhere
in its swing and stayed there in the stance that follows: the displacements, by zero-velocity update, are what tells a
step from a leg swung or lifted in place. So the first stride of a bout is published together with the second.

Steps that hardly swing the leg, as in a turn on the spot, are sought from rest to rest: see `steps`, which judges.

Features after Aminian et al. 2002 (doi 10.1016/S0021-9290(01)00231-8) and Salarian et al. 2004
(doi 10.1109/TBME.2004.827933). Deviations: the places of the two events between their features, which make their mean
error vanish on feet; the deepest minimum instead of the first, which jitters less; the tests by displacement.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import gait_axes, lowpass, steps
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.ring import GYR

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Params:
    """What counts as a stride.

    lowpass_hz: bandwidth of the swing rate that mid-swing is sought in.
    threshold_rad_s: least swing rate of a first stride.
    relative_threshold: least swing rate of a later one, as a share of the running mean of the last swings.
    settle_s: how long after the swing rate's zero crossing its features are read.
    restless_rad_s: angular rate below which the leg rests.
    still_s: how long it rests before a motion counts as ended.
    rest_s: how long it rests between two motions: less is a halt amid one.
    shortest_swing_s, longest_swing_s: what lies between toe-off and contact.
    shortest_stride_s, longest_stride_s: what lies between two contacts of one leg; beyond, a new bout begins.
    least_travel_m: horizontal displacement of a swing.
    most_return: displacement in stance, as a share of that of the swing after it.
    least_shock_mps2: size of the shock (see gait_events.landing) that shows a landing by itself.
    most_residual_mps: velocity that a leg which has landed may seem to have.
    least_rhythm: least time from contact to contact of a step without a swing, in strides.
    most_turn_deg: how far a hip can turn the leg while it is off the ground.
    """

    lowpass_hz: float = 5.0
    threshold_rad_s: float = 1.0
    relative_threshold: float = 0.3
    settle_s: float = 0.12
    restless_rad_s: float = 1.0
    still_s: float = 0.06
    rest_s: float = 0.2
    shortest_swing_s: float = 0.12
    longest_swing_s: float = 1.5
    shortest_stride_s: float = 0.35
    longest_stride_s: float = 2.5
    least_travel_m: float = 0.12
    most_return: float = 0.5
    least_shock_mps2: float = 8.0
    most_residual_mps: float = 1.2
    least_rhythm: float = 0.7
    most_turn_deg: float = 150.0


FOUND = np.dtype(
    [
        ("previous_contact", "f8"),
        ("toe_off", "f8"),
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
"""One stride in grid indices. `previous_contact` is -1 for the first of a bout; the rates are 0 without a swing."""

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
        ("least_shock_mps2", "f8"),
        ("most_residual_mps", "f8"),
        ("least_rhythm", "f8"),
        ("most_turn_deg", "f8"),
        ("restless_rad_s", "f8"),
        ("still_n", "i8"),
        ("rest_n", "i8"),
        ("since_k", "i8"),
        ("moved_k", "i8"),
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
"""The leg moves since `since_k` and moved at `moved_k` last."""

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
    state["least_shock_mps2"] = params.least_shock_mps2
    state["most_residual_mps"] = params.most_residual_mps
    state["least_rhythm"] = params.least_rhythm
    state["most_turn_deg"] = params.most_turn_deg
    state["restless_rad_s"] = params.restless_rad_s
    state["still_n"] = ceil(params.still_s * rate_hz)
    state["rest_n"] = ceil(params.rest_s * rate_hz)
    state["contact"] = -1.0
    return array


@kernel
def forget(s: Any) -> None:
    """Forget the running stride, and how fast the swings of its bout were: the stream had a gap."""
    s.mode = _WAITING
    s.contact = -1.0
    s.waiting = 0
    s.mean_peak_rad_s = 0.0


@kernel
def _wait(s: Any, swing: float, ring: NDArray[np.float64], k: int, leg: Any, scratch: NDArray[np.float64]) -> int:
    """Wait for the next swing, with the swing rate `swing`, or for the end of a motion without one."""
    if swing > max(s.threshold_rad_s, s.relative_threshold * s.mean_peak_rad_s):
        s.mode = _SWINGING
        s.peak_rad_s = swing
        s.peak_k = k
    elif s.contact >= 0.0:
        if k - s.contact > s.longest_stride_n:
            s.contact = -1.0
            s.waiting = 0
            s.mean_peak_rad_s = 0.0
        elif k - s.moved_k == s.still_n and s.since_k > s.contact and s.stride_n > 0.0:
            return steps.of_motion(s, ring, k, leg, scratch)
    return 0


@inlined
def step(s: Any, ring: NDArray[np.float64], k: int, oldest: int, leg: Any, scratch: NDArray[np.float64]) -> int:
    """Take in sample `k`, just written to `ring`; return how many strides of `s.found` it completes, 0 to 2.

    `oldest` is the first sample that may be looked at, `leg` the record of the leg's axes (leg.STATE).
    """
    left = leg.left
    row = k % (ring.shape[0] // 2)
    wx, wy, wz = ring[row, GYR], ring[row, GYR + 1], ring[row, GYR + 2]
    if wx * wx + wy * wy + wz * wz > s.restless_rad_s * s.restless_rad_s:
        if k - s.moved_k > s.rest_n:
            s.since_k = k
        s.moved_k = k
    swing = lowpass.lowpass(s.filter, 0, -(wx * left[0] + wy * left[1] + wz * left[2]))
    lowpass.advance(s.filter)
    if s.mode == _WAITING:
        return _wait(s, swing, ring, k, leg, scratch)
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
    return steps.of_swing(s, ring, k, oldest, leg, scratch)


@kernel
def restart(s: Any, other: Any) -> None:
    """Make state `s` equal to `other`."""
    lowpass.copy(s.filter, other.filter)
    s.since_k = other.since_k
    s.moved_k = other.moved_k
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
    a.contact = b.contact
    a.known = b.known
    a.travel_m = b.travel_m
    a.heading_deg = b.heading_deg
    a.residual_mps = b.residual_mps
    a.swing_rate_rad_s = b.swing_rate_rad_s
    a.push_rate_rad_s = b.push_rate_rad_s
    a.shock_mps2 = b.shock_mps2
