"""The signed angle of the leg about a fixed axis, from inclination, or from the gyroscope where the axis is vertical.

With u the up vector in the sensor frame, a turn by +x about the axis a moves u by -x about a. So the angle is that of
the part of u perpendicular to a: no heading and no drift. Near the vertical that part vanishes and a turn does not
show in inclination: there the rate about a is integrated, from wherever the caller starts.
"""

from __future__ import annotations

from math import cos, floor, pi, sin, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.arctan import arctan2
from ankled.kernels.frames import up
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.ring import GYR

if TYPE_CHECKING:
    from numpy.typing import NDArray

STATE = np.dtype(
    [
        ("dt_s", "f8"),
        ("a", "f8", (3,)),
        ("e", "f8", (3,)),
        ("f", "f8", (3,)),
        ("by_gyro", "i8"),
    ],
    align=True,
)
"""`a` the axis; `e` and `f` unit vectors perpendicular to it; all in the sensor frame."""

_STEEP = 0.94
"""Cosine of the angle (20 deg) between axis and vertical below which inclination is given up: there its errors are
three times as large about the axis."""


@kernel
def fix(s: Any, ax: float, ay: float, az: float, row: NDArray[np.float64]) -> None:
    """Fix the axis to the unit vector (ax, ay, az); `row` is a sample of the posture the movement happens in."""
    ux, uy, uz = up(row)
    along = ux * ax + uy * ay + uz * az
    s.by_gyro = 1 if abs(along) > _STEEP else 0
    ex, ey, ez = ux - along * ax, uy - along * ay, uz - along * az
    n = sqrt(ex * ex + ey * ey + ez * ez)
    if n < 1e-3:  # exactly vertical: any perpendicular will do, it is not used
        ex, ey, ez = (0.0, az, -ay) if abs(ax) < 0.6 else (-az, 0.0, ax)
        n = sqrt(ex * ex + ey * ey + ez * ez)
    ex, ey, ez = ex / n, ey / n, ez / n
    s.a[0], s.a[1], s.a[2] = ax, ay, az
    s.e[0], s.e[1], s.e[2] = ex, ey, ez
    # f = e x a: u turns from e towards f as the leg turns by a positive angle.
    s.f[0], s.f[1], s.f[2] = ey * az - ez * ay, ez * ax - ex * az, ex * ay - ey * ax


@kernel
def flip(s: Any) -> None:
    """Turn the axis round: every angle changes its sign."""
    for i in range(3):
        s.a[i] = -s.a[i]
        s.f[i] = -s.f[i]


@inlined
def rate(s: Any, row: NDArray[np.float64]) -> float:
    """Return the angular rate about the axis, rad/s."""
    return s.a[0] * row[GYR] + s.a[1] * row[GYR + 1] + s.a[2] * row[GYR + 2]


@inlined
def near(s: Any, row: NDArray[np.float64], x: float) -> float:
    """Return the inclination about the axis, rad, on the turn that is nearest to `x`."""
    ux, uy, uz = up(row)
    raw = arctan2(ux * s.f[0] + uy * s.f[1] + uz * s.f[2], ux * s.e[0] + uy * s.e[1] + uz * s.e[2])
    if abs(x - raw) < pi:
        return raw
    return raw + 2.0 * pi * floor((x - raw) / (2.0 * pi) + 0.5)


@inlined
def after(s: Any, row: NDArray[np.float64], x: float) -> float:
    """Return the angle at `row`, where `x` is that of the sample before."""
    if s.by_gyro:
        return x + rate(s, row) * s.dt_s
    return near(s, row, x)


@kernel
def normal(s: Any, level: float) -> tuple[float, float, float]:
    """Return the vector n by which `over` compares angles with `level`: u . n is a sine of the angle above it."""
    c, d = cos(level), sin(level)
    return s.f[0] * c - s.e[0] * d, s.f[1] * c - s.e[1] * d, s.f[2] * c - s.e[2] * d


@inlined
def over(  # six scalars instead of arrays: it runs for every sample of an excursion
    s: Any, row: NDArray[np.float64], x: float, level: float, nx: float, ny: float, nz: float
) -> bool:
    """Tell whether the angle at `row` is above `level`, half a turn at most away; `x` is it where the axis is vertical.

    An arc tangent a sample would cost four times as much.
    """
    if s.by_gyro:
        return x > level
    ux, uy, uz = up(row)
    return ux * nx + uy * ny + uz * nz > 0.0
