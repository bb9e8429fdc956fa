"""The direction in which a vector varies most, of those across a given one."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TINY = 1e-12


@kernel
def across(c: NDArray[np.float64], zx: float, zy: float, zz: float) -> tuple[float, float, float, float]:
    """Return the principal direction, a unit vector, in the plane across the unit vector z, and a ratio of variances.

    `c` (3, 3) holds second moments about zero; only its upper half is read. The ratio is the moment along the
    direction over that along the other one in the plane, at least 1; 0 where no direction stands out. The sign of the
    direction is arbitrary.
    """
    if abs(zx) <= abs(zy) and abs(zx) <= abs(zz):
        ex, ey, ez = 0.0, zz, -zy
    elif abs(zy) <= abs(zz):
        ex, ey, ez = -zz, 0.0, zx
    else:
        ex, ey, ez = zy, -zx, 0.0
    n = sqrt(ex * ex + ey * ey + ez * ez)
    ex, ey, ez = ex / n, ey / n, ez / n
    fx, fy, fz = zy * ez - zz * ey, zz * ex - zx * ez, zx * ey - zy * ex
    mx = c[0, 0] * ex + c[0, 1] * ey + c[0, 2] * ez
    my = c[0, 1] * ex + c[1, 1] * ey + c[1, 2] * ez
    mz = c[0, 2] * ex + c[1, 2] * ey + c[2, 2] * ez
    a = ex * mx + ey * my + ez * mz
    b = fx * mx + fy * my + fz * mz
    mx = c[0, 0] * fx + c[0, 1] * fy + c[0, 2] * fz
    my = c[0, 1] * fx + c[1, 1] * fy + c[1, 2] * fz
    mz = c[0, 2] * fx + c[1, 2] * fy + c[2, 2] * fz
    d = fx * mx + fy * my + fz * mz
    half = 0.5 * (a - d)
    root = sqrt(half * half + b * b)
    large = 0.5 * (a + d) + root
    small = max(0.5 * (a + d) - root, _TINY)
    if half >= 0.0:
        ce, cf = half + root, b
    else:
        ce, cf = b, root - half
    n = sqrt(ce * ce + cf * cf)
    if n < _TINY:
        return 0.0, 0.0, 0.0, 0.0
    return (ce * ex + cf * fx) / n, (ce * ey + cf * fy) / n, (ce * ez + cf * fz) / n, large / small
