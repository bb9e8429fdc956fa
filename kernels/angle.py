"""Range of motion and angular rate about the axis of the movement, over one closed stride or repetition."""

from __future__ import annotations

from math import atan2, ceil, degrees, floor, inf, nan, pi
from typing import TYPE_CHECKING, NamedTuple

from ankled.kernels.frames import perpendicular, up
from ankled.kernels.jit import kernel
from ankled.kernels.ring import GYR
from ankled.kernels.windows import extreme, inside, mean_and_rms, span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ABOUT_VERTICAL = 0.8
"""From this mean |u . p| on (axis within 37 deg of the vertical) gravity no longer shows the angle."""

_RATE = 0
_PART = 1


class Motion(NamedTuple):
    """Results of `measure`; `about_vertical` tells that the range is the integral of the gyroscope.

    `peak_rad_s` is never negative; `peak_at` is its sample position in the window. nan where an interval is empty.
    """

    rom_deg: float
    about_vertical: bool
    peak_rad_s: float
    peak_at: float
    mean_rad_s: float


@kernel
def _place(sine: float, cosine: float) -> float:
    """Return a number from -2 to 2 that rises with atan2(sine, cosine), for a fifth of its cost."""
    part = sine / (abs(sine) + abs(cosine) + 1e-300)
    if cosine >= 0.0:
        return part
    return 2.0 - part if sine >= 0.0 else -2.0 - part


@kernel
def inclination_range(
    window: NDArray[np.float64], i0: float, i1: float, p: NDArray[np.float64], part: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the range of the inclination about p, rad, between two positions, and the mean |u . p|.

    theta = atan2(u . e2, u . e1) with u the up vector in the sensor frame and e1, e2 perpendicular to p, counted from
    the first sample and unwrapped. Where u is along p theta is noise; the second value tells. `part` (n, 2) is work
    space: sine and cosine of theta, times the same factor.
    """
    e1x, e1y, e1z, e2x, e2y, e2z = perpendicular(p[0], p[1], p[2])
    first, last = floor(i0), ceil(i1)
    along = c0 = s0 = 0.0
    turns = 0
    for k in range(first, last + 1):
        ux, uy, uz = up(window[k])
        along += abs(ux * p[0] + uy * p[1] + uz * p[2])
        c, s = ux * e1x + uy * e1y + uz * e1z, ux * e2x + uy * e2y + uz * e2z
        if k == first:
            c0, s0 = c, s
        part[k, 0], part[k, 1] = s * c0 - c * s0, c * c0 + s * s0
    begin = _between(part, i0, 0)
    low, high, before = inf, -inf, 0.0
    low_k = high_k = low_turns = high_turns = 0
    for k in range(ceil(i0), floor(i1) + 1):
        here = _place(part[k, 0], part[k, 1])
        if here - before > 2.0:
            turns -= 1
        elif here - before < -2.0:
            turns += 1
        before = here
        here += 4.0 * turns
        if here > high:
            high, high_k, high_turns = here, k, turns
        if here < low:
            low, low_k, low_turns = here, k, turns
    end = _between(part, i1, turns)
    highest, lowest = max(begin, end), min(begin, end)
    if high >= low:
        highest = max(highest, atan2(part[high_k, 0], part[high_k, 1]) + 2.0 * pi * high_turns)
        lowest = min(lowest, atan2(part[low_k, 0], part[low_k, 1]) + 2.0 * pi * low_turns)
    return highest - lowest, along / (last + 1 - first)


@kernel
def _between(part: NDArray[np.float64], position: float, turns: int) -> float:
    """Return theta at a fractional position, from its two neighbours; the one inside the interval made `turns`."""
    k = floor(position)
    here = atan2(part[k, 0], part[k, 1]) + 2.0 * pi * turns
    if position == k:
        return here
    step = atan2(part[k + 1, 0], part[k + 1, 1]) + 2.0 * pi * turns - here
    step -= 2.0 * pi * floor(step / (2.0 * pi) + 0.5)
    return here + (position - k) * step


@kernel
def measure(
    window: NDArray[np.float64],
    i0: float,
    i1: float,
    j0: float,
    j1: float,
    p: NDArray[np.float64],
    rate_hz: float,
    scratch: NDArray[np.float64],
) -> Motion:
    """Measure range of motion over [i0, i1], peak angular rate in it, and mean angular rate over [j0, j1].

    `rom_deg` is the range of the segment's inclination about p (`inclination_range`), free of drift.
    For a movement about the vertical (mean |u . p| > 0.8) it is the range of the integral of gyr . p (trapezoids), as
    good as the gyroscope's bias over one repetition. `peak_rad_s` is the largest |gyr . p|, refined by a parabola;
    `mean_rad_s` the mean of |gyr . p| over [j0, j1]: the concentric phase of a repetition, the swing of a stride.

    Shapes: `window` (n, 12) rows of the history; positions are fractional samples of the window; `p` (3,), unit, sensor
    frame; `scratch` (m, 8), m >= n, overwritten. Units: deg, rad/s, Hz. Errors: none raised; an empty interval gives
    nan.

    ROM is the inclination of the segment, not the angle of a joint. Own definition.
    """
    n = window.shape[0]
    i0, i1 = inside(i0, n), inside(i1, n)
    if n == 0 or not i1 > i0:
        return Motion(nan, False, nan, nan, nan)
    rate = scratch[:, _RATE]
    for k in range(n):
        rate[k] = window[k, GYR] * p[0] + window[k, GYR + 1] * p[1] + window[k, GYR + 2] * p[2]
    rom, along = inclination_range(window, i0, i1, p, scratch[:, _PART : _PART + 2])
    about_vertical = along > ABOUT_VERTICAL
    if about_vertical:
        angle = scratch[:, _PART]
        angle[floor(i0)] = 0.0
        for k in range(floor(i0) + 1, ceil(i1) + 1):
            angle[k] = angle[k - 1] + 0.5 * (rate[k - 1] + rate[k]) / rate_hz
        rom = span(angle, i0, i1)
    peak_at, peak = extreme(rate, n, i0, i1)
    mean, _ = mean_and_rms(rate, n, j0, j1)
    return Motion(degrees(rom), about_vertical, abs(peak), peak_at, mean)
