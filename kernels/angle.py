"""Range of motion and angular rate about the axis of the movement, over one closed stride or repetition."""

from __future__ import annotations

from math import atan2, ceil, degrees, floor, nan, pi
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

_ANGLE = 0
_RATE = 1


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
def inclination(
    window: NDArray[np.float64], first: int, last: int, p: NDArray[np.float64], angle: NDArray[np.float64]
) -> float:
    """Write the unwrapped inclination about p, rad, of samples [first, last) to `angle`; return the mean |u . p|.

    theta = atan2(u . e2, u . e1) with u the up vector in the sensor frame and e1, e2 perpendicular to p. Where u is
    along p theta is noise; the return value tells.
    """
    e1x, e1y, e1z, e2x, e2y, e2z = perpendicular(p[0], p[1], p[2])
    along = previous = 0.0
    for k in range(first, last):
        ux, uy, uz = up(window[k])
        theta = atan2(ux * e2x + uy * e2y + uz * e2z, ux * e1x + uy * e1y + uz * e1z)
        if k > first:
            theta -= 2.0 * pi * floor((theta - previous) / (2.0 * pi) + 0.5)
        angle[k] = previous = theta
        along += abs(ux * p[0] + uy * p[1] + uz * p[2])
    return along / (last - first)


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

    `rom_deg` is the range of the segment's inclination about p (`inclination`), drift-free because gravity shows it.
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
    angle, rate = scratch[:, _ANGLE], scratch[:, _RATE]
    for k in range(n):
        rate[k] = window[k, GYR] * p[0] + window[k, GYR + 1] * p[1] + window[k, GYR + 2] * p[2]
    first, last = floor(i0), ceil(i1) + 1
    about_vertical = inclination(window, first, last, p, angle) > ABOUT_VERTICAL
    if about_vertical:
        angle[first] = 0.0
        for k in range(first + 1, last):
            angle[k] = angle[k - 1] + 0.5 * (rate[k - 1] + rate[k]) / rate_hz
    peak_at, peak = extreme(rate, n, i0, i1)
    mean, _ = mean_and_rms(rate, n, j0, j1)
    return Motion(degrees(span(angle, i0, i1)), about_vertical, abs(peak), peak_at, mean)
