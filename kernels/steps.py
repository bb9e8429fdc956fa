"""Was this motion of the leg a step? The events around it, and what they must show for it to be a stride.

A swing shows in the swing rate and gives both events. In a turn, and where the foot is put beside the other one, the
leg may hardly swing: then the motion from one rest to the next counts, if in a running bout it comes when the next
step is due, carries the leg somewhere, and ends with the shock of a landing. A foot that pivots on the ground turns
without that shock, or farther than a hip can turn a leg that is off the ground.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ankled.kernels import displacement
from ankled.kernels.gait_events import (
    contact_after,
    fast_from,
    landing,
    least_motion,
    on_shank,
    shock,
    toe_off_before,
)
from ankled.kernels.jit import kernel
from ankled.kernels.ring import window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PAUSE = 1.6
"""Two contacts this many strides apart belong to two bouts."""
_FEWEST = 8
"""Samples that a swing and its surroundings have at least."""
_LAG_S = 0.045
"""Delay of the low-pass that mid-swing is sought with."""
_FLAT_S = 0.1
"""How long after contact the leg has come to stand."""
_BEFORE_S = 0.5
"""How long before toe-off the middle of stance is sought."""
_SHOCK_BEFORE_S = 0.03
_SHOCK_AFTER_S = 0.08
"""Around contact, where the shock of landing lies."""
_LATE_S = 0.2
"""A contact that follows the shock of landing by more is none: the foot came down flat, or on its toes."""
_LATER_SHARE = 0.4
"""Share of a motion from rest to rest after which the shock that ends it is sought."""


class Carried(NamedTuple):
    """Where a swing carried the leg: `moved` by it, `stayed` says that the leg had stood still before, as in stance."""

    moved: displacement.Displacement
    landed: float
    stayed: bool


@kernel
def _timely(s: Any, toe_off: float, contact: float, between: float) -> bool:
    """Tell whether swing and stride are of a length that there is; all in samples."""
    swing_n = contact - toe_off
    if swing_n < s.shortest_swing_n or swing_n > s.longest_swing_n:
        return False
    return s.contact < 0.0 or between >= s.shortest_stride_n


@kernel
def _stance(s: Any, win: NDArray[np.float64], first: int, toe_off: float) -> float:
    """Return the middle of the stance before toe-off, after the landing before."""
    begin = max(0.0, toe_off - _BEFORE_S * s.rate_hz)
    if s.contact >= 0.0:
        begin = max(begin, s.landed - first)
    return float(least_motion(win, int(begin), max(int(begin), int(toe_off) - 1)))


@kernel
def _carried(
    s: Any,
    win: NDArray[np.float64],
    first: int,
    toe_off: float,
    contact: float,
    leg: Any,
    scratch: NDArray[np.float64],
) -> Carried:
    """Measure where the leg went from the stance before toe-off to the one after contact, and in the stance before."""
    stance = _stance(s, win, first, toe_off)
    landed = min(win.shape[0] - 1.0, contact + _FLAT_S * s.rate_hz)
    moved = displacement.measure(win, stance, landed, leg.up, leg.lever_m, s.rate_hz, scratch)
    stayed = False
    if s.contact >= 0.0 and first + contact - s.contact <= s.longest_stride_n and moved.horizontal_m > 0.0:
        back = displacement.measure(win, s.landed - first, stance, leg.up, leg.lever_m, s.rate_hz, scratch)
        stayed = not back.horizontal_m > s.most_return * moved.horizontal_m
    return Carried(moved, first + landed, stayed)


@kernel
def _take(
    s: Any,
    win: NDArray[np.float64],
    first: int,
    k: int,
    toe_off: float,
    contact: float,
    carried: Carried,
) -> int:
    """Write the step into `s.found`; return how many strides are complete, the first one with the second."""
    n = 1 if carried.stayed and s.waiting else 0
    f = s.found[n]
    between = first + contact - s.contact
    # A pause, or a step that turned on the spot, lies between two contacts that are much farther apart than the last.
    joined = carried.stayed and not (s.stride_n > 0.0 and between > PAUSE * s.stride_n)
    f.previous_contact = s.contact if joined else -1.0
    f.toe_off = first + toe_off
    f.contact = first + contact
    f.known = k
    f.travel_m = carried.moved.horizontal_m
    f.heading_deg = carried.moved.heading_deg
    f.residual_mps = carried.moved.residual_mps
    f.shock_mps2 = shock(win, contact - _SHOCK_BEFORE_S * s.rate_hz, contact + _SHOCK_AFTER_S * s.rate_hz)
    if joined:
        s.stride_n = between if s.stride_n == 0.0 else s.stride_n + 0.3 * (between - s.stride_n)
    s.contact = f.contact
    s.landed = carried.landed
    if carried.stayed:
        s.waiting = 0
        return n + 1
    s.waiting = 1
    s.stride_n = 0.0
    return 0


@kernel
def _landed_before(
    s: Any,
    win: NDArray[np.float64],
    first: int,
    peak: int,
    toe_off: float,
    contact: float,
    leg: Any,
    scratch: NDArray[np.float64],
) -> float:
    """Return `contact`, or where the leg had landed long before it: with a shock, and it stood still from then on."""
    earlier, size_mps2 = landing(win, max(0, peak), int(contact), s.rate_hz)
    if contact - earlier <= _LATE_S * s.rate_hz or size_mps2 < s.least_shock_mps2 or earlier <= toe_off:
        return contact
    stance = _stance(s, win, first, toe_off)
    moved = displacement.measure(win, stance, earlier + _FLAT_S * s.rate_hz, leg.up, leg.lever_m, s.rate_hz, scratch)
    return earlier if moved.residual_mps <= s.most_residual_mps else contact


@kernel
def of_swing(s: Any, ring: NDArray[np.float64], k: int, oldest: int, leg: Any, scratch: NDArray[np.float64]) -> int:
    """Judge the swing that has just ended; return how many strides of `s.found` are complete.

    It is a stride when the leg went somewhere in it and stayed there in the stance that follows.
    """
    first = max(oldest, int(s.contact) + 1, int(s.peak_k - s.longest_swing_n - s.longest_stride_n))
    if k + 1 - first < _FEWEST:
        return 0
    win = window(ring, first, k + 1)
    peak = s.peak_k - first - int(_LAG_S * s.rate_hz)
    # Until strides have shown where the sensor sits, each tells it by itself.
    shank = leg.lever_m > 0.0 if leg.strides_n > 0.0 else on_shank(win, peak, s.peak_rad_s, s.rate_hz, leg.left)
    contact = contact_after(win, peak, s.rate_hz, leg.left, shank)
    toe_off, dip = toe_off_before(win, peak, s.rate_hz, leg.left, shank)
    if contact < 0.0 or toe_off < 0.0:
        return 0
    contact = _landed_before(s, win, first, peak, toe_off, contact, leg, scratch)
    if not _timely(s, toe_off, contact, first + contact - s.contact):
        return 0
    carried = _carried(s, win, first, toe_off, contact, leg, scratch)
    if not carried.moved.horizontal_m >= s.least_travel_m:
        return 0
    f = s.found[1 if carried.stayed and s.waiting else 0]
    f.swing_rate_rad_s = s.peak_rad_s
    f.push_rate_rad_s = dip
    s.mean_peak_rad_s = s.peak_rad_s if s.mean_peak_rad_s == 0.0 else 0.75 * s.mean_peak_rad_s + 0.25 * s.peak_rad_s
    return _take(s, win, first, k, toe_off, contact, carried)


@kernel
def of_motion(s: Any, ring: NDArray[np.float64], k: int, leg: Any, scratch: NDArray[np.float64]) -> int:
    """Judge the motion that has just ended, in which no swing was seen; return how many strides are complete: 0 or 1.

    It must belong to a running bout, come when a step is due, and end with a landing that leaves the leg at rest.
    """
    first = int(s.contact) + 1
    win = window(ring, first, k + 1)
    begin, end = s.since_k - first, s.moved_k - first
    contact, size_mps2 = landing(win, begin + int(_LATER_SHARE * (end - begin)), k - first, s.rate_hz)
    between = first + contact - s.contact
    if size_mps2 < s.least_shock_mps2 or between < s.least_rhythm * s.stride_n or between > PAUSE * s.stride_n:
        return 0
    if not _timely(s, float(begin), contact, between):
        return 0
    toe_off = min(float(fast_from(win, begin, int(contact))), contact - s.shortest_swing_n)
    carried = _carried(s, win, first, float(begin), contact, leg, scratch)
    if not (carried.stayed and carried.moved.horizontal_m >= s.least_travel_m):
        return 0
    if carried.moved.residual_mps > s.most_residual_mps or abs(carried.moved.heading_deg) > s.most_turn_deg:
        return 0
    f = s.found[0]
    f.swing_rate_rad_s = 0.0
    f.push_rate_rad_s = 0.0
    return _take(s, win, first, k, toe_off, contact, carried)
