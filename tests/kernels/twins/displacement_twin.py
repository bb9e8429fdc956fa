"""Displacement between two stance instants by fine numerical integration of the interpolated acceleration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from ankled.kernels import ring
from ankled.kernels.constants import GRAVITY_MPS2
from tests.kernels.twins import windows_twin

if TYPE_CHECKING:
    from tests.kernels.twins.windows_twin import Array


def measure(
    window: Array, i0: float, i1: float, z_leg: Array, lever_m: float, rate_hz: float
) -> tuple[float, float, float]:
    """Horizontal, vertical, residual: velocity from start to stop, the miss removed in proportion to time."""
    turns = windows_twin.matrices(window)
    specific = np.einsum("kij,kj->ki", turns, window[:, ring.ACC : ring.ACC + 3])
    linear = specific - [0.0, 0.0, GRAVITY_MPS2]
    pivot = np.einsum("kij,kj->ki", turns, np.cross(window[:, ring.GYR : ring.GYR + 3], lever_m * z_leg))
    fine = np.unique(np.concatenate((windows_twin.nodes(len(window), i0, i1), np.linspace(i0, i1, 20001))))
    time = (fine - fine[0]) / rate_hz
    moved, missed = np.zeros(3), np.zeros(3)
    for c in range(3):
        acceleration = windows_twin.at(linear[:, c], fine)
        start, stop = windows_twin.at(pivot[:, c], i0), windows_twin.at(pivot[:, c], i1)
        gained = np.concatenate(([0.0], np.cumsum(0.5 * (acceleration[1:] + acceleration[:-1]) * np.diff(time))))
        velocity = start + gained
        missed[c] = velocity[-1] - stop
        velocity = velocity - missed[c] * time / time[-1]
        moved[c] = np.trapezoid(velocity, time)
    return float(np.hypot(moved[0], moved[1])), float(moved[2]), float(np.linalg.norm(missed))


def heading_change(window: Array, i0: float, i1: float) -> float:
    """Rotation about the vertical between two positions, deg: the twist part of the rotation from one to the other."""
    first, last = (int(np.floor(place + 0.5)) for place in (i0, i1))
    before, after = Rotation.from_quat(window[[first, last], ring.QUAT : ring.QUAT + 4], scalar_first=True)
    w, _, _, z = (after * before.inv()).as_quat(scalar_first=True)
    return float((np.degrees(2.0 * np.arctan2(z, w)) + 180.0) % 360.0 - 180.0)
