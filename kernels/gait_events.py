"""Where the events of a stride lie in a window of history. All places are fractional samples of the window."""

from __future__ import annotations

from math import exp, sqrt
from typing import TYPE_CHECKING

from ankled.kernels import shocks
from ankled.kernels.jit import kernel
from ankled.kernels.ring import ACC, GYR

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOE_OFF_RISE = (0.25, 0.05)
"""Share of the last minimum that the swing rate has regained at toe-off, on a foot and on a shank.

On feet it is fitted to marked events. On shanks toe-off lies at the minimum (Aminian 2002 found no difference) or up to
some 29 ms behind it (Fadillioglu 2020): soon after it.
"""
CONTACT_SHARE = (0.5, 0.75)
"""Where initial contact lies between the zero crossing after mid-swing (0) and the deepest minimum after it (1).

On feet it is fitted to marked events. On shanks contact comes some 10 ms before the minimum (Aminian 2002; Fadillioglu
2020), which itself comes some 40 ms after the crossing.
"""
FOOT_PUSH = 1.1
"""On a foot the push-off turns faster than this share of the swing, on a shank it does not, in running only just.

A foot taken for a shank loses little of its stride length, for it hardly turns where its length begins and ends; a
runner's shank taken for a foot loses a tenth.
"""
CONTACT_SPAN_S = 0.15
"""How long after the zero crossing that minimum is sought: the foot has come down by then. What still falls is none."""
FAST_SHARE = 0.5
"""Share of its largest angular rate that a leg turns with from toe-off on where the swing rate does not tell it."""
_SHOCK = shocks.Params()
_MEAN_S, _SMOOTH_S, _DELAY_S = _SHOCK.shock_s, _SHOCK.shock_smooth_s, _SHOCK.delay_s
_SETTLE_S = 0.1
"""How long before the first place the filters of the shock begin."""


@kernel
def swing_rate(win: NDArray[np.float64], i: int, reach: int, left: NDArray[np.float64]) -> float:
    """Return the swing rate at sample `i`, rad/s, as the mean over `reach` samples on either side."""
    low = max(0, i - reach)
    high = min(win.shape[0], i + reach + 1)
    total = 0.0
    for j in range(low, high):
        total -= win[j, GYR] * left[0] + win[j, GYR + 1] * left[1] + win[j, GYR + 2] * left[2]
    return total / (high - low)


@kernel
def contact_after(
    win: NDArray[np.float64], peak: int, rate_hz: float, left: NDArray[np.float64], on_shank: bool
) -> float:
    """Return the initial contact after mid-swing at sample `peak`; -1: none."""
    n = win.shape[0]
    reach = int(0.01 * rate_hz + 0.5)
    i = max(peak, 0)
    before = swing_rate(win, i, reach, left)
    while before > 0.0:
        i += 1
        if i >= n:
            return -1.0
        here = swing_rate(win, i, reach, left)
        if here <= 0.0:
            break
        before = here
    if before <= 0.0:
        return -1.0
    here = swing_rate(win, i, reach, left)
    crossing = i - here / (here - before)
    stop = min(n - 2, int(crossing + CONTACT_SPAN_S * rate_hz))
    lowest = -1
    least = 0.0
    for j in range(i, stop + 1):
        after = swing_rate(win, j + 1, reach, left)
        if here <= least and after >= here:
            least = here
            lowest = j
        here = after
    if lowest < 0:
        lowest = max(i, stop)
    share = CONTACT_SHARE[1 if on_shank else 0]
    return crossing + share * (lowest - crossing)


@kernel
def toe_off_before(
    win: NDArray[np.float64], peak: int, rate_hz: float, left: NDArray[np.float64], on_shank: bool
) -> tuple[float, float]:
    """Return the toe-off before mid-swing at sample `peak`, and the swing rate of the minimum (rad/s); -1: none."""
    reach = int(0.01 * rate_hz + 0.5)
    i = min(peak, win.shape[0] - 1)
    while i > 0 and swing_rate(win, i, reach, left) > 0.0:
        i -= 1
    if i <= 0:
        return -1.0, 0.0
    lowest = i
    least = swing_rate(win, i, reach, left)
    stop = max(0, i - int(0.25 * rate_hz))
    for j in range(i, stop - 1, -1):
        here = swing_rate(win, j, reach, left)
        if here < least:
            least = here
            lowest = j
    level = (1.0 - TOE_OFF_RISE[1 if on_shank else 0]) * least
    j = lowest
    last = least
    while j < i + 1 and j + 1 < win.shape[0]:
        here = swing_rate(win, j + 1, reach, left)
        if here >= level:
            step = here - last
            return j + ((level - last) / step if step > 0.0 else 0.0), least
        last = here
        j += 1
    return float(lowest), least


@kernel
def on_shank(win: NDArray[np.float64], peak: int, peak_rad_s: float, rate_hz: float, left: NDArray[np.float64]) -> bool:
    """Tell from one swing, around sample `peak` with the rate `peak_rad_s` there, where on the leg the sensor sits."""
    _, least = toe_off_before(win, peak, rate_hz, left, False)
    return -least <= FOOT_PUSH * peak_rad_s


@kernel
def least_motion(win: NDArray[np.float64], first: int, last: int) -> int:
    """Return the sample in [first, last] where the leg turns least: the middle of stance."""
    best = first
    least = 1e300
    for j in range(first, last + 1):
        w2 = win[j, GYR] ** 2 + win[j, GYR + 1] ** 2 + win[j, GYR + 2] ** 2
        if w2 < least:
            least = w2
            best = j
    return best


@kernel
def shock(win: NDArray[np.float64], begin: float, end: float) -> float:
    """Return the largest specific force between two places of the window, m/s2."""
    largest = 0.0
    for j in range(max(0, int(begin)), min(win.shape[0], int(end) + 1)):
        largest = max(largest, win[j, ACC] ** 2 + win[j, ACC + 1] ** 2 + win[j, ACC + 2] ** 2)
    return sqrt(largest)


@kernel
def landing(win: NDArray[np.float64], first: int, last: int, rate_hz: float) -> tuple[float, float]:
    """Return where the hardest shock among samples [first, last] began, and its size, m/s2.

    The size is the root of the smoothed square of what is left of the specific force without its mean, as in `shocks`.
    """
    mean_gain = 1.0 - exp(-1.0 / (rate_hz * _MEAN_S))
    gain = 1.0 - exp(-1.0 / (rate_hz * _SMOOTH_S))
    begin = max(0, first - int(_SETTLE_S * rate_hz))
    mx, my, mz = win[begin, ACC], win[begin, ACC + 1], win[begin, ACC + 2]
    once = twice = largest = 0.0
    best = first
    for j in range(begin, min(last + 1, win.shape[0])):
        dx, dy, dz = win[j, ACC] - mx, win[j, ACC + 1] - my, win[j, ACC + 2] - mz
        mx += mean_gain * dx
        my += mean_gain * dy
        mz += mean_gain * dz
        once += gain * (dx * dx + dy * dy + dz * dz - once)
        twice += gain * (once - twice)
        if j >= first and twice > largest:
            largest = twice
            best = j
    return best - _DELAY_S * rate_hz, sqrt(largest)


@kernel
def fast_from(win: NDArray[np.float64], first: int, last: int) -> int:
    """Return the first sample in [first, last] from which the leg turns with half of its largest rate there."""
    largest = 0.0
    for j in range(first, last + 1):
        largest = max(largest, win[j, GYR] ** 2 + win[j, GYR + 1] ** 2 + win[j, GYR + 2] ** 2)
    least = FAST_SHARE * FAST_SHARE * largest
    j = first
    while j < last and win[j, GYR] ** 2 + win[j, GYR + 1] ** 2 + win[j, GYR + 2] ** 2 < least:
        j += 1
    return j
