"""Vectors between the sensor frame, earth axes and the plane of a movement."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from ankled.kernels.constants import GRAVITY_MPS2
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.ring import ACC, QUAT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@inlined
def up(row: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the unit vector that points up, in the sensor frame: the third row of the rotation matrix of `row`."""
    w, x, y, z = row[QUAT], row[QUAT + 1], row[QUAT + 2], row[QUAT + 3]
    return 2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)


@inlined
def to_earth(row: NDArray[np.float64], vx: float, vy: float, vz: float) -> tuple[float, float, float]:
    """Rotate a vector of the sensor frame to earth axes (z up) with the quaternion of `row`."""
    w, x, y, z = row[QUAT], row[QUAT + 1], row[QUAT + 2], row[QUAT + 3]
    tx, ty, tz = 2.0 * (y * vz - z * vy), 2.0 * (z * vx - x * vz), 2.0 * (x * vy - y * vx)
    return vx + w * tx + y * tz - z * ty, vy + w * ty + z * tx - x * tz, vz + w * tz + x * ty - y * tx


@inlined
def linear_acceleration(row: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return a - g R(q)^T z in the sensor frame, m/s2: what is left of the specific force without gravity."""
    ux, uy, uz = up(row)
    return row[ACC] - GRAVITY_MPS2 * ux, row[ACC + 1] - GRAVITY_MPS2 * uy, row[ACC + 2] - GRAVITY_MPS2 * uz


@kernel
def perpendicular(x: float, y: float, z: float) -> tuple[float, float, float, float, float, float]:
    """Return two unit vectors e1, e2 (six numbers) that make a right-handed frame e1, e2, (x, y, z).

    (x, y, z) is a unit vector. e1 is the part of the sensor axis least along it that is perpendicular to it.
    """
    if abs(x) <= abs(y) and abs(x) <= abs(z):
        along, ex, ey, ez = x, 1.0, 0.0, 0.0
    elif abs(y) <= abs(z):
        along, ex, ey, ez = y, 0.0, 1.0, 0.0
    else:
        along, ex, ey, ez = z, 0.0, 0.0, 1.0
    ex, ey, ez = ex - along * x, ey - along * y, ez - along * z
    norm = sqrt(ex * ex + ey * ey + ez * ez)
    ex, ey, ez = ex / norm, ey / norm, ez / norm
    return ex, ey, ez, y * ez - z * ey, z * ex - x * ez, x * ey - y * ex


@kernel
def to_sensor(row: NDArray[np.float64], vx: float, vy: float, vz: float) -> tuple[float, float, float]:
    """Rotate a vector of earth axes to the sensor frame with the quaternion of `row`: the reverse of `to_earth`."""
    w, x, y, z = row[QUAT], row[QUAT + 1], row[QUAT + 2], row[QUAT + 3]
    tx, ty, tz = 2.0 * (y * vz - z * vy), 2.0 * (z * vx - x * vz), 2.0 * (x * vy - y * vx)
    return vx - w * tx + y * tz - z * ty, vy - w * ty + z * tx - x * tz, vz - w * tz + x * ty - y * tx
