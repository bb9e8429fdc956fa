"""How the weight sits on the leg while it walks: axes follow the strides, and a slip is noticed.

A weight that has turned by half a right angle still shows strides, whose own axes tell (see slip). One that has turned
further may show none: then the leg moves, no stride is found, and the axes that its motion speaks for now are tried as
they are before axes are known (see settling).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ankled.kernels import gait_axes, leg, settling, slip, stride_axes
from ankled.kernels.jit import kernel
from ankled.kernels.ring import window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STRAIGHT_DEG = 20.0
"""Largest change of heading of a stride that speaks about axes."""
_EARLY_S = 0.1
"""How long before its contacts a stride is looked at: the shock of one, cut in two, would tilt its mean force."""
_LOST_S = 3.0
"""A leg that moves for so long without a straight stride may carry a weight that has slipped."""
_LOOK_BACK_S = 6.0
"""What is looked at then."""
_ACTIVE = 0.3
"""Least share of it that the leg moved fast."""
_RATIO = 4.0
"""Least ratio of variances along y and x of axes that are worth a trial."""


@kernel
def stride(s: Any, found: Any, ring: NDArray[np.float64], oldest: int) -> bool:
    """Let the axes follow the stride `found` (gait.FOUND); return whether they were turned because of a slip."""
    leg.place(s.leg, found.swing_rate_rad_s, found.push_rate_rad_s)
    begin, end = found.previous_contact, found.contact
    if begin - _EARLY_S * s.rate_hz < oldest or abs(found.heading_deg) > _STRAIGHT_DEG:
        return False
    early = int(_EARLY_S * s.rate_hz)
    win = window(ring, int(begin) - early, int(end) - early)
    if not stride_axes.measure(s.seen, win, s.leg.left, s.rate_hz):
        return False
    s.last_straight = end
    verdict = slip.watch(s.slip, s.seen, end - begin, found.swing_rate_rad_s)
    if verdict == slip.FOLLOW:
        leg.follow(s.leg, s.seen, s.slip.spread_rad2)
        return False
    if verdict == slip.SUSPECT:
        leg.doubt(s.leg, s.slip.stray_rad)
        return False
    slip.carry(s.slip, s.leg, s.slip.new_left, s.slip.new_up)
    slip.accept(s.slip)
    leg.slipped(s.leg, s.slip.uncertainty_rad)
    return True


@kernel
def lost(  # noqa: PLR0911  (a suspicion is dropped as soon as one condition fails)
    s: Any, ring: NDArray[np.float64], k: int, oldest: int, scratch: NDArray[np.float64]
) -> bool:
    """Tell whether the leg walks, unseen, because the weight has slipped far; if so `s.leg` holds the new axes."""
    begin = max(oldest, int(s.last_straight) + 1, k + 1 - int(_LOOK_BACK_S * s.rate_hz))
    if s.slip.strides_n < slip.ESTABLISHED or k + 1 - begin < _LOST_S * s.rate_hz:
        return False
    if not stride_axes.measure(s.seen, window(ring, begin, k + 1), s.leg.left, s.rate_hz):
        return False
    if s.seen.active_share < _ACTIVE or s.seen.ratio < _RATIO:
        return False
    # Another posture and another gait tilt the sensor about y, too: such a turn is left to the strides.
    if slip.stray(s.slip, s.seen, 0.0) <= slip.LIMIT_RAD:
        return False
    gait_axes.restart(s.axes)
    for j in range(begin, k + 1):
        gait_axes.step(s.axes, ring[j % (ring.shape[0] // 2)])
    leg.take(s.tried, s.leg)
    if not settling.settles(s, ring, k, begin, scratch):
        return False
    across = s.seen.left[0] * s.tried.left[0] + s.seen.left[1] * s.tried.left[1] + s.seen.left[2] * s.tried.left[2]
    if across < 0.0:
        for i in range(3):
            s.seen.left[i] = -s.seen.left[i]
    if slip.stray(s.slip, s.seen, 0.0) <= slip.LIMIT_RAD:
        return False
    slip.moved(s.slip, s.seen)
    slip.carry(s.slip, s.leg, s.seen.left, s.seen.mean_up)
    leg.slipped(s.leg, s.slip.uncertainty_rad)
    slip.forget(s.slip)
    s.last_straight = k
    return True
