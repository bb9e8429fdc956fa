"""What the orientation filter does with quaternions (w, x, y, z), as plain numbers and without branches where it can.

Each function is written for a short way from its arguments to its results: an addition or multiplication takes three
cycles, a root or a division twenty, and independent ones run at the same time.
"""

from __future__ import annotations

import math
from typing import Any

from ankled.kernels.jit import inlined

_SERIES_MAX = 0.25
"""Largest squared half angle, rad^2, for which the series below is exact to the last bit or so."""
_C1, _C2, _C3, _C4, _C5, _C6 = (1.0 / math.factorial(2 * n) for n in range(1, 7))
_K1, _K2, _K3, _K4, _K5, _K6 = (1.0 / math.factorial(2 * n + 1) for n in range(1, 7))
"""Of the series of the cosine, and of the sine over its argument, in the square of the argument."""
_CLOSE = 1e-3
"""Largest relative difference of two squares, and ten times the largest squared sine, for the other two series."""


@inlined
def multiply(
    aw: float, ax: float, ay: float, az: float, bw: float, bx: float, by: float, bz: float
) -> tuple[float, float, float, float]:
    """Return the quaternion product a b."""
    return (
        (aw * bw - ax * bx) - (ay * by + az * bz),
        (aw * bx + ax * bw) + (ay * bz - az * by),
        (aw * by - ax * bz) + (ay * bw + az * bx),
        (aw * bz + ax * by) + (az * bw - ay * bx),
    )


@inlined
def multiply_vector(
    aw: float, ax: float, ay: float, az: float, bx: float, by: float, bz: float
) -> tuple[float, float, float, float]:
    """Return the quaternion product a (0, b)."""
    return (
        -(ax * bx + ay * by) - az * bz,
        (aw * bx + ay * bz) - az * by,
        (aw * by - ax * bz) + az * bx,
        (aw * bz + ax * by) - ay * bx,
    )


@inlined
def tilt(c: float, x: float, y: float, bw: float, bx: float, by: float, bz: float) -> tuple[float, float, float, float]:
    """Return the quaternion product (c, x, y, 0) b."""
    return (
        (c * bw - x * bx) - y * by,
        (c * bx + x * bw) + y * bz,
        (c * by - x * bz) + y * bw,
        (c * bz + x * by) - y * bx,
    )


@inlined
def rotate(w: float, x: float, y: float, z: float, vx: float, vy: float, vz: float) -> tuple[float, float, float]:
    """Return the vector v turned by the unit quaternion (w, x, y, z)."""
    tx = 2.0 * (y * vz - z * vy)
    ty = 2.0 * (z * vx - x * vz)
    tz = 2.0 * (x * vy - y * vx)
    return ((vx + w * tx) + (y * tz - z * ty), (vy + w * ty) + (z * tx - x * tz), (vz + w * tz) + (x * ty - y * tx))


@inlined
def half_turn(h2: float) -> tuple[float, float]:
    """Return cos(h) and sin(h) / h of the half angle h between two samples, from its square."""
    if h2 < _SERIES_MAX:
        h4 = h2 * h2
        h8 = h4 * h4
        c = ((1.0 - h2 * _C1) + h4 * (_C2 - h2 * _C3)) + h8 * ((_C4 - h2 * _C5) + h4 * _C6)
        k = ((1.0 - h2 * _K1) + h4 * (_K2 - h2 * _K3)) + h8 * ((_K4 - h2 * _K5) + h4 * _K6)
        return c, k
    h = math.sqrt(h2)
    return math.cos(h), math.sin(h) / h


@inlined
def inverse_length(norm2: float, near2: float) -> float:
    """Return 1 / sqrt(norm2), where `near2`, known earlier, is close to norm2."""
    scale = 1.0 / math.sqrt(near2)
    d = norm2 * (scale * scale) - 1.0
    if abs(d) < _CLOSE:
        d2 = d * d
        return scale * ((1.0 - d * 0.5) + d2 * ((0.375 - d * 0.3125) + d2 * 0.2734375))
    return 1.0 / math.sqrt(norm2)


@inlined
def half_tilt(sin2: float, cos: float) -> tuple[float, float]:
    """Return cos(e / 2) and 0.5 / cos(e / 2) of an angle e, from its squared sine and its cosine, which is above -1."""
    if sin2 < _CLOSE * 0.1 and cos > 0.0:
        s4 = sin2 * sin2
        c = (1.0 - sin2 * 0.125) - s4 * (0.0390625 + sin2 * 0.0205078125)
        k = (0.5 + sin2 * 0.0625) + s4 * (0.02734375 + sin2 * 0.01611328125)
        return c, k
    c = math.sqrt(0.5 * (cos + 1.0))
    return c, 0.5 / c


@inlined
def store_unit(q: Any, w: float, x: float, y: float, z: float) -> None:
    """Store a quaternion that is a unit up to rounding, without that."""
    n = 1.5 - 0.5 * ((w * w + x * x) + (y * y + z * z))
    q[0] = w * n
    q[1] = x * n
    q[2] = y * n
    q[3] = z * n
