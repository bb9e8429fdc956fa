"""How the sensor sits on the leg: a rotation, given as two leg axes in the sensor's frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from ankled.simulators.smooth import Floats


class Mount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`left` is the wearer's left (leg axis y) and `up` the way to the knee (leg axis z), in the sensor's frame."""

    left: tuple[float, float, float] = (0.0, 1.0, 0.0)
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def rotation(self) -> Floats:
        """Return the matrix that takes sensor vectors to the leg frame, rows x, y, z; `up` made perpendicular."""
        left = np.asarray(self.left, dtype=np.float64)
        left = left / np.linalg.norm(left)
        up = np.asarray(self.up, dtype=np.float64)
        up = up - left * (up @ left)
        up = up / np.linalg.norm(up)
        return np.stack((np.cross(left, up), left, up))


def from_rotation(sensor_to_leg: Floats) -> Mount:
    """Return the mount whose rotation is `sensor_to_leg` (3, 3)."""
    _, left, up = (tuple(float(v) for v in row) for row in sensor_to_leg)
    return Mount(left=left, up=up)  # type: ignore[arg-type]  # a row has three values


def about(axis: tuple[float, float, float], angle_rad: Floats | float) -> Floats:
    """Return rotation matrices about a fixed axis by Rodrigues' formula, shape (..., 3, 3)."""
    x, y, z = np.asarray(axis, dtype=np.float64) / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.asarray(angle_rad)[..., None, None]
    matrices: Floats = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)
    return matrices


MOUNTS: dict[str, Mount] = {
    "aligned": Mount(),
    "turned": from_rotation(about((0.0, 0.0, 1.0), np.deg2rad(40.0))),
    "upside_down": Mount(left=(0.0, 1.0, 0.0), up=(0.0, 0.0, -1.0)),
    "oblique": from_rotation(about((1.0, 2.0, 3.0), np.deg2rad(110.0))),
}
"""Mounts by name: along the leg's axes, turned about the shank, upside down, and none of these."""
