"""The sensor as it is worn: its mount on one leg, the slips that alter it, and what it records."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ankled.simulators.imu import ImuErrors, corrupt, kept_rows
from ankled.simulators.mounts import Mount, about, from_rotation
from ankled.simulators.smooth import STEP, Floats, Pulses, evaluate

if TYPE_CHECKING:
    from ankled.simulators.limb import Limb
    from ankled.simulators.scenarios import Slip

_CHUNK = 50_000
"""Samples evaluated at once: bounds the memory of a long recording."""


class Rows(NamedTuple):
    """What a sensor delivered, and how many rows it did not."""

    time_s: Floats
    acc: Floats
    gyr: Floats
    dropped: int


class WornSensor:
    """The sensor on one leg: its mount, and the slips that alter it."""

    def __init__(self, limb: Limb, mount: Mount, slips: tuple[Slip, ...]) -> None:
        self.limb = limb
        self.mount = mount
        self.slips = slips

    def ideal(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Return exact angular rate and specific force in the sensor frame, (n, 3) each."""
        exact = self.limb.at(time_s)
        gyr, acc = exact.angular_rate_rad_s, exact.specific_force_mps2
        for slip in self.slips:
            one = np.ones(1)
            turn = Pulses(STEP, slip.time_s * one, slip.duration_s * one, np.deg2rad(slip.angle_deg) * one)
            angle, speed, _ = evaluate((turn,), time_s)
            slipped = about(slip.axis, angle)
            axis = np.asarray(slip.axis) / np.linalg.norm(slip.axis)
            gyr = np.einsum("nji,nj->ni", slipped, gyr) + speed[:, None] * axis
            acc = np.einsum("nji,nj->ni", slipped, acc)
        rotation = self.mount.rotation()
        return gyr @ rotation, acc @ rotation

    def mount_after(self) -> Mount:
        """Return the mount after the last slip."""
        rotation = self.mount.rotation()
        for slip in reversed(self.slips):
            rotation = about(slip.axis, np.deg2rad(slip.angle_deg)) @ rotation
        return from_rotation(rotation) if self.slips else self.mount

    def record(self, duration_s: float, rate_hz: float, errors: ImuErrors, rng: np.random.Generator) -> Rows:
        """Return what the sensor reports for `duration_s`, with its errors, less the lost packets."""
        true_rate = rate_hz * (1.0 + 1e-6 * errors.clock_skew_ppm)
        count = int(np.floor(duration_s * true_rate + 1e-9))
        tick = np.arange(count, dtype=np.float64)
        parts = [self.ideal(tick[i : i + _CHUNK] / true_rate) for i in range(0, count, _CHUNK)]
        gyr, acc = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        gyr, acc = corrupt(gyr, acc, errors, rate_hz, rng)
        kept = kept_rows(count, errors, rng)
        return Rows(tick[kept] / rate_hz, acc[kept], gyr[kept], count - int(kept.sum()))
