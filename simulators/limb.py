"""The sensor point on one leg as a rigid body: from channels (angles and positions over time) to exact kinematics.

Earth frame: z up. Leg frame, both legs: x anterior, y to the wearer's left, z proximal. The leg's orientation in
the earth frame is `base @ Rz(yaw) @ Ry(pitch) @ Rx(roll)`. The sensor sits `sensor_height_m` up the leg from the
ankle; `joint_pitch` and `joint_roll` turn the leg about a joint `joint_height_m` above the ankle instead, so that

    position = (x, y, z) + base @ (h Rz Ry Rx e_z - H (Rz Ry' Rx' - 1) e_z)

with the primed angles those about the joint alone. Everything is differentiated in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from ankled.simulators.smooth import Pulses, cosine_sine, evaluate, multiply

if TYPE_CHECKING:
    from ankled.simulators.smooth import Floats, Jet, Source

GRAVITY_MPS2 = 9.80665
"""Standard gravity."""

Channel: TypeAlias = Literal["x", "y", "z", "yaw", "pitch", "roll", "joint_pitch", "joint_roll"]
"""Positions of the ankle in the earth frame, m, and angles, rad."""


@dataclass(frozen=True, slots=True)
class Kinematics:
    """The sensor point at n instants: exact, free of noise. Vectors are rows (n, 3)."""

    time_s: Floats
    position_m: Floats
    """In the earth frame."""
    rotation: Floats
    """Leg to earth, shape (n, 3, 3)."""
    angular_rate_rad_s: Floats
    """In the leg frame."""
    linear_acceleration_mps2: Floats
    """In the leg frame, without gravity."""

    @property
    def up(self) -> Floats:
        """Return the earth's vertical in the leg frame, (n, 3)."""
        return self.rotation[:, 2, :]

    @property
    def specific_force_mps2(self) -> Floats:
        """Return what an ideal accelerometer aligned with the leg reads: at rest, gravity along `up`."""
        return self.linear_acceleration_mps2 + GRAVITY_MPS2 * self.up


@dataclass(slots=True)
class Limb:
    """The motion of the sensor point of one leg."""

    channels: dict[Channel, list[Source]] = field(default_factory=dict)
    base: Floats = field(default_factory=lambda: np.eye(3))
    sensor_height_m: float = 0.09
    joint_height_m: float = 0.0

    def add(self, channel: Channel, source: Source) -> None:
        """Let `source` contribute to `channel`."""
        self.channels.setdefault(channel, []).append(source)

    def merge(self) -> None:
        """Join the pulses of one shape in each channel: the same motion, evaluated faster."""
        for channel, sources in self.channels.items():
            others: list[Source] = [one for one in sources if not isinstance(one, Pulses)]
            pulses = [one for one in sources if isinstance(one, Pulses)]
            for shape in dict.fromkeys(one.shape for one in pulses):
                same = [one for one in pulses if one.shape is shape]
                start = np.concatenate([one.start_s for one in same])
                width = np.concatenate([one.width_s for one in same])
                others.append(Pulses(shape, start, width, np.concatenate([one.amplitude for one in same])))
            self.channels[channel] = others

    def _jet(self, channel: Channel, time_s: Floats) -> Jet:
        return evaluate(self.channels.get(channel, ()), time_s)

    def at(self, time_s: Floats) -> Kinematics:
        """Return the kinematics at the ascending instants `time_s`."""
        yaw = self._jet("yaw", time_s)
        joint_pitch, joint_roll = self._jet("joint_pitch", time_s), self._jet("joint_roll", time_s)
        pitch = self._jet("pitch", time_s) + joint_pitch
        roll = self._jet("roll", time_s) + joint_roll

        cosines = cosine_sine(yaw), cosine_sine(pitch), cosine_sine(roll)
        lever = self.sensor_height_m * _third_column(*cosines)
        if "joint_pitch" in self.channels or "joint_roll" in self.channels:
            swung = _third_column(cosines[0], cosine_sine(joint_pitch), cosine_sine(joint_roll))
            swung[2, 0] -= 1.0
            lever -= self.joint_height_m * swung
        position = np.einsum("ij,jkn->ikn", self.base, lever)
        for row, channel in enumerate(("x", "y", "z")):
            position[row] += self._jet(channel, time_s)  # type: ignore[arg-type]  # mypy widens the tuple's literals

        rotation = self.base @ _matrices(*((c[0], s[0]) for c, s in cosines))
        return Kinematics(
            time_s=time_s,
            position_m=position[:, 0].T,
            rotation=rotation,
            angular_rate_rad_s=_body_rate(yaw, pitch, roll, *((c[0], s[0]) for c, s in cosines[1:])),
            linear_acceleration_mps2=np.einsum("nji,jn->ni", rotation, position[:, 2]),
        )


def _third_column(yaw: tuple[Jet, Jet], pitch: tuple[Jet, Jet], roll: tuple[Jet, Jet]) -> Floats:
    """Return Rz Ry Rx e_z as jets, shape (3 components, 3 derivatives, n)."""
    (cy, sy), (cp, sp), (cr, sr) = yaw, pitch, roll
    forward = multiply(sp, cr)
    return np.stack(
        (
            multiply(cy, forward) + multiply(sy, sr),
            multiply(sy, forward) - multiply(cy, sr),
            multiply(cp, cr),
        )
    )


def _matrices(yaw: tuple[Floats, Floats], pitch: tuple[Floats, Floats], roll: tuple[Floats, Floats]) -> Floats:
    """Return Rz Ry Rx, shape (n, 3, 3), from the cosine and sine of each angle."""
    (cy, sy), (cp, sp), (cr, sr) = yaw, pitch, roll
    rotation = np.empty((cy.size, 3, 3))
    rotation[:, 0, 0], rotation[:, 1, 0], rotation[:, 2, 0] = cy * cp, sy * cp, -sp
    rotation[:, 0, 1], rotation[:, 1, 1], rotation[:, 2, 1] = cy * sp * sr - sy * cr, sy * sp * sr + cy * cr, cp * sr
    rotation[:, 0, 2], rotation[:, 1, 2], rotation[:, 2, 2] = cy * sp * cr + sy * sr, sy * sp * cr - cy * sr, cp * cr
    return rotation


def _body_rate(
    yaw: Jet, pitch: Jet, roll: Jet, pitch_cs: tuple[Floats, Floats], roll_cs: tuple[Floats, Floats]
) -> Floats:
    """Return the angular rate in the leg frame of Rz Ry Rx, shape (n, 3), rad/s."""
    (cp, sp), (cr, sr) = pitch_cs, roll_cs
    return np.stack(
        (
            roll[1] - yaw[1] * sp,
            pitch[1] * cr + yaw[1] * cp * sr,
            yaw[1] * cp * cr - pitch[1] * sr,
        ),
        axis=1,
    )
