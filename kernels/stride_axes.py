"""The axes that one stride speaks for: y from its angular rate, the vertical from its specific force and its stance.

Both are means over whole samples of the stride, so they know nothing of strides before it: a sensor that has slipped
shows in the first whole stride behind the slip.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.frames import up
from ankled.kernels.jit import kernel
from ankled.kernels.principal import across
from ankled.kernels.ring import ACC, GYR

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMOOTH_S = 0.05
"""Width of the moving mean of the angular rate: keeps the shock of the heel out."""
_ACTIVE_RAD_S = 0.7
"""Angular rate above which a sample speaks about y."""
_STANCE_RAD_S = 0.5
"""Angular rate at which a sample weighs half as a witness of the stance."""
_FEWEST = 4
"""Samples that must speak about y."""

SEEN = np.dtype(
    [
        ("left", "f8", (3,)),
        ("z", "f8", (3,)),
        ("mean_up", "f8", (3,)),
        ("ratio", "f8"),
        ("active_share", "f8"),
        ("cov", "f8", (3, 3)),
    ],
    align=True,
)
"""Unit vectors in the sensor frame.

`left` lies across `mean_up`, the direction of the mean specific force; `z` is the vertical in stance. `ratio` is the
variance of the angular rate along y over that along x, `active_share` the share of the samples that y rests on.
"""


@kernel
def measure(seen: Any, win: NDArray[np.float64], left: NDArray[np.float64], rate_hz: float) -> bool:
    """Write the axes of the samples of `win` (n, WIDTH), whole strides, to `seen`; return whether they show any.

    Over a whole stride the leg ends as fast as it began, so its mean specific force is the vertical as the sensor saw
    it on average, free of the errors of the orientation: a direction of its own, a little forward or back of `z`, that
    stays where it is from stride to stride. The principal direction of the angular rate is a line; its sign is chosen
    along `left` (3,).
    """
    n = win.shape[0]
    reach = int(0.5 * _SMOOTH_S * rate_hz)
    still = _STANCE_RAD_S * _STANCE_RAD_S
    c = seen.cov
    for i in range(3):
        seen.z[i] = seen.mean_up[i] = 0.0
        for j in range(3):
            c[i, j] = 0.0
    active = 0
    sx = sy = sz = 0.0
    count = 0
    last = 0  # samples before `last` have entered the moving sum
    for k in range(n):
        while last < min(n, k + reach + 1):
            sx += win[last, GYR]
            sy += win[last, GYR + 1]
            sz += win[last, GYR + 2]
            last += 1
            count += 1
        if k - reach > 0:
            gone = k - reach - 1
            sx -= win[gone, GYR]
            sy -= win[gone, GYR + 1]
            sz -= win[gone, GYR + 2]
            count -= 1
        wx, wy, wz = sx / count, sy / count, sz / count
        w2 = wx * wx + wy * wy + wz * wz
        if w2 > _ACTIVE_RAD_S * _ACTIVE_RAD_S:
            active += 1
            c[0, 0] += wx * wx
            c[0, 1] += wx * wy
            c[0, 2] += wx * wz
            c[1, 1] += wy * wy
            c[1, 2] += wy * wz
            c[2, 2] += wz * wz
        weight = still / (still + w2)
        weight *= weight
        ux, uy, uz = up(win[k])
        seen.z[0] += weight * ux
        seen.z[1] += weight * uy
        seen.z[2] += weight * uz
        for i in range(3):
            seen.mean_up[i] += win[k, ACC + i]
    seen.ratio = seen.active_share = 0.0
    if active < _FEWEST or not (_unit(seen.z) and _unit(seen.mean_up)):
        return False
    yx, yy, yz, ratio = across(c, seen.mean_up[0], seen.mean_up[1], seen.mean_up[2])
    sign = -1.0 if yx * left[0] + yy * left[1] + yz * left[2] < 0.0 else 1.0
    seen.left[0], seen.left[1], seen.left[2] = sign * yx, sign * yy, sign * yz
    seen.ratio = ratio
    seen.active_share = active / n
    return ratio > 0.0


@kernel
def _unit(vector: NDArray[np.float64]) -> bool:
    """Make a vector one of length 1; return whether it has a direction."""
    length = sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2])
    if length < 1e-9:
        return False
    for i in range(3):
        vector[i] /= length
    return True
