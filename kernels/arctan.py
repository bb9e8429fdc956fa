"""The arc tangent of a vector of the plane, at half the cost of the C library's."""

from __future__ import annotations

from math import copysign, pi

from ankled.kernels.jit import inlined

_EIGHTH = 0.41421356237309503
"""tan(pi / 8)."""
_A0, _A1, _A2, _A3, _A4, _A5, _A6, _A7, _A8, _A9, _A10 = (
    3.33333333333329318027e-01,
    -1.99999999998764832476e-01,
    1.42857142725034663711e-01,
    -1.11111104054623557880e-01,
    9.09088713343650656196e-02,
    -7.69187620504482999495e-02,
    6.66107313738753120669e-02,
    -5.83357013379057348645e-02,
    4.97687799461593236017e-02,
    -3.65315727442169155270e-02,
    1.62858201153657823623e-02,
)
"""Of the polynomial for |x| < 7/16 in s_atan.c of FreeBSD's msun, Sun Microsystems 1993."""


@inlined
def arctan2(y: float, x: float) -> float:
    """Return the angle of (x, y), rad from -pi to pi, within two units in the last place; 0 for the null vector.

    With the larger of |x| and |y| as the divisor, and the angle taken from pi/4 where both are alike, there is one
    division and one polynomial without a branch on the way: atan(t) = t - t (A0 t^2 + A1 t^4 + ...).
    """
    ax, ay = abs(x), abs(y)
    high, low = max(ax, ay), min(ax, ay)
    if high == 0.0:
        return 0.0
    alike = low > _EIGHTH * high
    top = low - high if alike else low
    bottom = low + high if alike else high
    t = top / bottom
    z = t * t
    w = z * z
    even = z * (_A0 + w * (_A2 + w * (_A4 + w * (_A6 + w * (_A8 + w * _A10)))))
    odd = w * (_A1 + w * (_A3 + w * (_A5 + w * (_A7 + w * _A9))))
    angle = t - t * (even + odd)
    if alike:
        angle += 0.25 * pi
    if ay > ax:
        angle = 0.5 * pi - angle
    if x < 0.0:
        angle = pi - angle
    return copysign(angle, y)
