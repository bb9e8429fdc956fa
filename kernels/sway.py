"""Sway of the leg across the plane of its movement, over one closed stride or repetition."""

from __future__ import annotations

from math import asin, atan2, ceil, cos, degrees, floor, nan, sin, sqrt
from typing import TYPE_CHECKING, NamedTuple

from ankled.kernels.filters import lowpass
from ankled.kernels.frames import linear_acceleration, perpendicular, to_earth, to_sensor
from ankled.kernels.jit import kernel
from ankled.kernels.windows import inside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BANDWIDTH_HZ = 10.0
_BANDWIDTH_PER_RATE = 0.4
_GRID_HZ = 100.0
_GRID_TOLERANCE_HZ = 1.0
_STENCIL = 6

_TOWARDS = 1
"""First of three scratch columns with the mean axis of the movement in the sensor; column 0 has the acceleration."""


class Sway(NamedTuple):
    """Results of `measure`; `from_leg_axis` tells which range `range_deg` is. nan where there is nothing to measure."""

    rms_mps2: float
    jerk_rms_mps3: float
    range_deg: float
    from_leg_axis: bool
    bandwidth_hz: float


@kernel
def bandwidth(rate_hz: float) -> float:
    """Return the bandwidth of the sway, Hz: 10, or 0.4 of the rate if that is lower."""
    return min(_BANDWIDTH_HZ, _BANDWIDTH_PER_RATE * rate_hz)


@kernel
def smooth_value(signal: NDArray[np.float64], samples: int, position: float) -> float:
    """Return `signal` at a fractional position by the polynomial through the six samples around it (Lagrange)."""
    nearest = floor(position + 0.5)
    if position == nearest:
        return signal[nearest]
    points = min(_STENCIL, samples)
    first = min(max(floor(position) - (points - 1) // 2, 0), samples - points)
    total = 0.0
    for k in range(points):
        weight = signal[first + k]
        for other in range(points):
            if other != k:
                weight *= (position - first - other) / (k - other)
        total += weight
    return total


@kernel
def _on_grid(signal: NDArray[np.float64], samples: int, position: float) -> float:
    """Return `smooth_value` within the window and nan outside."""
    return smooth_value(signal, samples, position) if 0.0 <= position <= samples - 1 else nan


@kernel
def _rms_and_jerk(
    signal: NDArray[np.float64], samples: int, i0: float, i1: float, rate_hz: float
) -> tuple[float, float]:
    """Root mean square about the mean, and of the derivative, of `signal` on the 100 Hz grid."""
    native = abs(rate_hz - _GRID_HZ) <= _GRID_TOLERANCE_HZ
    step = 1.0 if native else rate_hz / _GRID_HZ
    start = float(ceil(i0)) if native else i0
    count = floor((i1 - start) / step) + 1
    if count < 1 or start > i1:
        return nan, nan
    # Seven neighbours on the grid, moved along: each is computed once.
    a, b = _on_grid(signal, samples, start - 3.0 * step), _on_grid(signal, samples, start - 2.0 * step)
    c, here = _on_grid(signal, samples, start - step), smooth_value(signal, samples, start)
    e, f = _on_grid(signal, samples, start + step), _on_grid(signal, samples, start + 2.0 * step)
    origin = here
    total = squares = jerks = 0.0
    differences = 0
    for k in range(count):
        g = _on_grid(signal, samples, start + (k + 3) * step)
        jerk = (45.0 * (e - c) - 9.0 * (f - b) + (g - a)) * rate_hz / (60.0 * step)
        if jerk == jerk:  # noqa: PLR0124  (not nan: all neighbours lie in the window)
            jerks += jerk * jerk
            differences += 1
        total += here - origin
        squares += (here - origin) * (here - origin)
        a, b, c, here, e, f = b, c, here, e, f, g
    mean = total / count
    return sqrt(max(0.0, squares / count - mean * mean)), sqrt(jerks / differences) if differences else nan


@kernel
def _largest_tilt_deg(towards: NDArray[np.float64], first: int, last: int, p: NDArray[np.float64]) -> float:
    """Range of the tilt towards P0 of that line across `p` in the sensor that tilts most, deg.

    `towards` (n, 3): P0 in the sensor frame. The line is the principal direction of its part across p.
    """
    e1x, e1y, e1z, e2x, e2y, e2z = perpendicular(p[0], p[1], p[2])
    s1 = s2 = s11 = s12 = s22 = 0.0
    for k in range(first, last):
        a = towards[k, 0] * e1x + towards[k, 1] * e1y + towards[k, 2] * e1z
        b = towards[k, 0] * e2x + towards[k, 1] * e2y + towards[k, 2] * e2z
        s1, s2, s11, s12, s22 = s1 + a, s2 + b, s11 + a * a, s12 + a * b, s22 + b * b
    n = last - first
    s11, s12, s22 = s11 - s1 * s1 / n, s12 - s1 * s2 / n, s22 - s2 * s2 / n
    principal = 0.5 * atan2(2.0 * s12, s11 - s22)
    c, s = cos(principal), sin(principal)
    return _tilt_deg(towards, first, last, c * e1x + s * e2x, c * e1y + s * e2y, c * e1z + s * e2z)


@kernel
def _tilt_deg(towards: NDArray[np.float64], first: int, last: int, x: float, y: float, z: float) -> float:
    """Range of the tilt of the sensor's direction (x, y, z) towards P0, deg."""
    low, high = 1.0, -1.0
    for k in range(first, last):
        along = towards[k, 0] * x + towards[k, 1] * y + towards[k, 2] * z
        low, high = min(low, along), max(high, along)
    return degrees(asin(min(1.0, high)) - asin(max(-1.0, low)))


@kernel
def _range_deg(
    window: NDArray[np.float64],
    first: int,
    last: int,
    p: NDArray[np.float64],
    z_leg: NDArray[np.float64],
    has_up: bool,
    scratch: NDArray[np.float64],
) -> float:
    """Range of the tilt towards the mean axis of the movement, of the leg's long axis or of what tilts most, deg."""
    if last <= first:
        return nan
    x = y = z = 0.0
    for k in range(first, last):
        ax, ay, az = to_earth(window[k], p[0], p[1], p[2])
        x, y, z = x + ax, y + ay, z + az
    norm = sqrt(x * x + y * y + z * z)
    if norm < 0.5 * (last - first):
        return nan  # the axis points everywhere: it is not the axis of this movement
    x, y, z = x / norm, y / norm, z / norm
    towards = scratch[:, _TOWARDS : _TOWARDS + 3]
    for k in range(first, last):
        towards[k, 0], towards[k, 1], towards[k, 2] = to_sensor(window[k], x, y, z)
    if has_up:
        return _tilt_deg(towards, first, last, z_leg[0], z_leg[1], z_leg[2])
    return _largest_tilt_deg(towards, first, last, p)


@kernel
def measure(
    window: NDArray[np.float64],
    i0: float,
    i1: float,
    p: NDArray[np.float64],
    z_leg: NDArray[np.float64],
    has_up: bool,
    rate_hz: float,
    scratch: NDArray[np.float64],
) -> Sway:
    """Measure the sway of one stride or repetition across the plane of its movement.

    The movement turns about p, so its plane is perpendicular to p, and sway is what happens along p:

    * `rms_mps2`: root mean square of (a - g R(q)^T z) . p over [i0, i1], mean removed, after a zero-phase low-pass
      (`filters.lowpass`) at 10 Hz (0.4 of the rate if that is lower);
    * `jerk_rms_mps3`: root mean square of its derivative, by central differences of the sixth order, exact to 0.1 %
      up to 10 Hz and to 2 % at 20 Hz. Both on a 100 Hz grid: samples whose rate differs by more than 1 Hz are
      interpolated (six-point Lagrange) after the low-pass, because jerk depends on bandwidth;
    * `range_deg`: range of asin((R z_leg) . P0), the tilt of the leg's long axis towards P0, the normalised mean of
      R p in earth axes. The heading of R may drift between repetitions, not noticeably within one. Without a known
      long axis (`has_up` false, `from_leg_axis` false): that of the direction across p, fixed in the sensor, whose tilt
      varies most; the long axis itself where sway is sideways. nan when R p has no clear mean (shorter than 0.5).

    Shapes: `window` (n, 12) rows of the history with some samples around [i0, i1] when there are any; i0, i1 fractional
    samples of the window; `p`, `z_leg` (3,), unit, sensor frame; `scratch` (m, 8), m >= 2 n, overwritten. Units: m/s2,
    m/s3, deg, Hz. Errors: none raised; an empty interval gives nan.

    Own definition: none is published for an ankle during a repetition. Low-pass: see `filters`.
    """
    n = window.shape[0]
    cutoff_hz = bandwidth(rate_hz)
    i0, i1 = inside(i0, n), inside(i1, n)
    if n == 0 or not i1 > i0:
        return Sway(nan, nan, nan, has_up, cutoff_hz)
    for k in range(n):
        ax, ay, az = linear_acceleration(window[k])
        scratch[k, 0] = ax * p[0] + ay * p[1] + az * p[2]
    lowpass(scratch, 0, n, cutoff_hz, rate_hz)
    rms, jerk = _rms_and_jerk(scratch[:, 0], n, i0, i1, rate_hz)
    range_deg = _range_deg(window, ceil(i0), floor(i1) + 1, p, z_leg, has_up, scratch)
    return Sway(rms, jerk, range_deg, has_up, cutoff_hz)
