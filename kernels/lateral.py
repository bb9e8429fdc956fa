"""Lateral force per unit of mass over one closed stride or repetition."""

from __future__ import annotations

from math import ceil, isnan, nan, sqrt
from typing import TYPE_CHECKING, NamedTuple

from ankled.kernels.filters import lowpass
from ankled.kernels.frames import linear_acceleration
from ankled.kernels.jit import kernel
from ankled.kernels.ring import TIME
from ankled.kernels.windows import extreme, inside, mean_and_rms, mean_value, value_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BANDWIDTH_HZ = 20.0
_BANDWIDTH_PER_RATE = 0.4

_ACROSS = 3
"""Scratch column of the component along the leg's y; columns 0 to 2 hold the linear acceleration."""


class Lateral(NamedTuple):
    """Results per kilogram, along the leg's y axis (to the wearer's left); the caller applies mass and sign.

    nan where the interval of the field is empty. `peak_at` is a sample position in the window, `peak_time_s` the same
    instant in the time of the history. `rival` is the largest value of the other sign as a share of the peak, 0 to 1.
    """

    mean_mps2: float
    rms_mps2: float
    impulse_mps: float
    peak_mps2: float
    peak_at: float
    peak_time_s: float
    impact_mps2: float
    uncertainty_mps2: float
    rival: float


@kernel
def bandwidth(rate_hz: float) -> float:
    """Return the bandwidth of the lateral force, Hz: 20, or 0.4 of the rate if that is lower."""
    return min(_BANDWIDTH_HZ, _BANDWIDTH_PER_RATE * rate_hz)


@kernel
def _rival(across: NDArray[np.float64], samples: int, j0: float, j1: float, peak: float) -> float:
    """Return the largest value of the other sign than `peak` at j0 <= k < j1, as a share of it; nan without a peak."""
    if not abs(peak) > 0.0:
        return nan
    sign, other = (1.0 if peak > 0.0 else -1.0), 0.0
    for k in range(ceil(inside(j0, samples)), ceil(min(max(j1, 0.0), float(samples)))):
        other = min(other, sign * across[k])
    return min(1.0, -other / abs(peak))


@kernel
def measure(
    window: NDArray[np.float64],
    i0: float,
    i1: float,
    j0: float,
    j1: float,
    y_axis: NDArray[np.float64],
    axis_uncertainty_rad: float,
    comes_to_rest: bool,
    bandwidth_hz: float,
    rate_hz: float,
    scratch: NDArray[np.float64],
) -> Lateral:
    """Measure the lateral force of one stride or repetition, per kilogram.

    F / m = (a - g R(q)^T z) . e_y, all in the sensor frame, so no heading is needed; then a zero-phase low-pass
    (`filters.lowpass`) over the whole window. Over [i0, i1]: mean of |F|, root mean square, impulse = integral |F| dt
    (trapezoids). Over [j0, j1): the signed value with the largest |F|, refined by a parabola. `impact_mps2` is the
    signed peak of what [j0, j1) leaves of [i0, i1): for a stride the shock of the heel, when [j0, j1) is the swing.

    `comes_to_rest` says that the leg rests at i0 and at i1 and that y keeps its direction in between: a leg raised and
    lowered about its own y. Then the mean of F over [i0, i1] is nothing but the error of the inclination (0.1 deg make
    0.017 m/s2), and is removed.

    The sign of a peak says little when one of the other sign is nearly as large: `rival` tells.

    `uncertainty_mps2` is what an error of the axis does to the peak, to first order: e_y turned by a small angle d
    changes F / m by at most d times the linear acceleration perpendicular to e_y at that instant (same bandwidth).
    On 326 foot strides of walking the worst turn by 5 deg changed the peak by 1.02 times this (5th to 95th percentile
    0.93 to 1.65). It says too little where the peak falls on an instant without forward acceleration.

    Shapes: `window` (n, 12) rows of the history, with some samples more than [i0, i1] at either end when there are any;
    positions are fractional samples of the window, 0 <= i0 <= j0 <= j1 <= i1 <= n - 1; `y_axis` (3,), unit, sensor
    frame; `scratch` (m, 8), m >= 2 n, overwritten. Units: m/s2, m/s, s, rad, Hz. Range: 0 < bandwidth_hz < rate_hz / 2.
    Errors: none raised; an empty interval gives nan.

    This is the force that moves the weight, the inertial part only; it is not the load on the joint. Own definition.
    """
    n = window.shape[0]
    i0, i1 = inside(i0, n), inside(i1, n)
    if n == 0 or not i1 > i0:
        return Lateral(nan, nan, nan, nan, nan, nan, nan, nan, nan)
    for k in range(n):
        scratch[k, 0], scratch[k, 1], scratch[k, 2] = linear_acceleration(window[k])
    for column in range(3):
        lowpass(scratch, column, n, bandwidth_hz, rate_hz)
    ex, ey, ez = y_axis[0], y_axis[1], y_axis[2]
    for k in range(n):
        scratch[k, _ACROSS] = scratch[k, 0] * ex + scratch[k, 1] * ey + scratch[k, 2] * ez
    across = scratch[:, _ACROSS]
    if comes_to_rest:
        offset = mean_value(across, i0, i1)
        for k in range(n):
            across[k] -= offset

    mean, rms = mean_and_rms(across, n, i0, i1)
    peak_at, peak = extreme(across, n, j0, j1)
    _, early = extreme(across, n, i0, min(j0, i1))
    _, late = extreme(across, n, max(j1, i0), i1)
    impact = late if isnan(early) or abs(late) > abs(early) else early
    time = uncertainty = nan
    if not isnan(peak_at):
        time = value_at(window[:, TIME], peak_at)
        ax, ay, az = (
            value_at(scratch[:, 0], peak_at),
            value_at(scratch[:, 1], peak_at),
            value_at(scratch[:, 2], peak_at),
        )
        along = ax * ex + ay * ey + az * ez
        uncertainty = axis_uncertainty_rad * sqrt(max(0.0, ax * ax + ay * ay + az * az - along * along))
    rival = _rival(across, n, j0, j1, peak)
    return Lateral(mean, rms, mean * (i1 - i0) / rate_hz, peak, peak_at, time, impact, uncertainty, rival)
