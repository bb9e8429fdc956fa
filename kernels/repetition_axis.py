"""The axis that the leg turned about in one closed repetition: the principal direction of its angular rate."""

from __future__ import annotations

from math import ceil, floor, sqrt
from typing import TYPE_CHECKING

from ankled.kernels.jit import kernel
from ankled.kernels.ring import GYR
from ankled.kernels.windows import inside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_S = 0.08
"""The rate is averaged over this long before it speaks: a knock turns the leg fast, but not far."""
_SQUARINGS = 10
"""The covariance to the power of 1024: axes whose powers differ by one in a hundred are told apart."""


@kernel
def _strongest(a: float, b: float, c: float, d: float, e: float, f: float) -> tuple[float, float, float]:
    """Return the unit eigenvector of the largest eigenvalue of [[a, b, c], [b, d, e], [c, e, f]], zeros for none."""
    for _ in range(_SQUARINGS):
        trace = a + d + f
        if not trace > 0.0:
            return 0.0, 0.0, 0.0
        a, b, c, d, e, f = a / trace, b / trace, c / trace, d / trace, e / trace, f / trace
        a, b, c, d, e, f = (
            a * a + b * b + c * c,
            a * b + b * d + c * e,
            a * c + b * e + c * f,
            b * b + d * d + e * e,
            b * c + d * e + e * f,
            c * c + e * e + f * f,
        )
    # The column with the largest diagonal is never perpendicular to the principal axis.
    if a >= d and a >= f:
        x, y, z = a, b, c
    elif d >= f:
        x, y, z = b, d, e
    else:
        x, y, z = c, e, f
    norm = sqrt(x * x + y * y + z * z)
    return x / norm, y / norm, z / norm


@kernel
def turn_to(axis: NDArray[np.float64], window: NDArray[np.float64], i0: float, i1: float, rate_hz: float) -> None:
    """Turn `axis` to the principal direction of the angular rate over [i0, i1], on its own side.

    The eigenvector of sum w w^T of the largest eigenvalue, w the angular rate averaged over blocks of 80 ms, no mean
    removed: a leg that comes back has none.

    Shapes: `axis` (3,), unit, sensor frame, overwritten; left as it is when nothing turns or the interval has no whole
    block. `window` (n, 12) rows of the history; i0 < i1 fractional samples of it. Errors: none raised.

    Own method; the principal axis of the rate is how the movement axis of a set is defined (see movement_axis).
    """
    n = window.shape[0]
    first, last = ceil(inside(i0, n)), floor(inside(i1, n))
    block = max(1, floor(BLOCK_S * rate_hz + 0.5))
    a = b = c = d = e = f = 0.0
    for start in range(first, last + 2 - block, block):
        x = y = z = 0.0
        for k in range(start, start + block):
            x, y, z = x + window[k, GYR], y + window[k, GYR + 1], z + window[k, GYR + 2]
        a, b, c, d, e, f = a + x * x, b + x * y, c + x * z, d + y * y, e + y * z, f + z * z
    x, y, z = _strongest(a, b, c, d, e, f)
    along = axis[0] * x + axis[1] * y + axis[2] * z
    if x == y == z == 0.0:
        return
    sign = 1.0 if along >= 0.0 else -1.0
    axis[0], axis[1], axis[2] = sign * x, sign * y, sign * z
