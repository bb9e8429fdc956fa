"""The errors of a real inertial sensor, seeded: what it makes of the true angular rate and specific force."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.simulators.limb import GRAVITY_MPS2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ankled.simulators.smooth import Floats

_DEG = float(np.pi / 180.0)


class ImuErrors(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wrong with a sensor. All zero is an ideal one.

    `*_bias_*` bounds a constant offset, drawn uniformly for each axis; `*_noise_*` is a one-sided density, so the
    white noise has a standard deviation of density times sqrt(rate / 2); `*_scale` is the standard deviation of the
    relative scale error and `*_cross` of the misalignment, rad. `*_range_*` is where the output saturates (None:
    nowhere) and `bits` the width of its quantised words (None: not quantised). The sensor's clock runs fast by
    `clock_skew_ppm`. A fraction `drop_rate` of packets of `packet_samples` rows is lost.
    """

    gyr_bias_rad_s: float = 0.0
    gyr_noise_rad_s: float = 0.0
    gyr_scale: float = 0.0
    gyr_cross: float = 0.0
    gyr_range_rad_s: float | None = None
    acc_bias_mps2: float = 0.0
    acc_noise_mps2: float = 0.0
    acc_scale: float = 0.0
    acc_cross: float = 0.0
    acc_range_mps2: float | None = None
    bits: int | None = None
    clock_skew_ppm: float = 0.0
    drop_rate: float = 0.0
    packet_samples: int = 8


IDEAL = ImuErrors()
CONSUMER = ImuErrors(
    gyr_bias_rad_s=0.5 * _DEG,
    gyr_noise_rad_s=0.007 * _DEG,
    gyr_scale=0.003,
    gyr_range_rad_s=2000.0 * _DEG,
    acc_bias_mps2=0.020 * GRAVITY_MPS2,
    acc_noise_mps2=160e-6 * GRAVITY_MPS2,
    acc_scale=0.003,
    acc_range_mps2=16.0 * GRAVITY_MPS2,
    bits=16,
)
"""A sensor of the BMI270 or LSM6 class at 16 g and 2000 deg/s, after their factory calibration."""

PRESETS: dict[str, ImuErrors] = {"ideal": IDEAL, "consumer": CONSUMER}


def measure(true: Floats, noise: Floats, matrix: Floats, limit: float | None, bits: int | None) -> Floats:
    """Return what a three-axis sensor reports for `true` (n, 3): `matrix @ true + noise`, clipped, quantised."""
    values: Floats = true @ matrix.T + noise
    if limit is None:
        return values
    if bits is None:
        return np.clip(values, -limit, limit)
    step = limit / 2.0 ** (bits - 1)
    return step * np.clip(np.round(values / step), -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1.0)


def corrupt(
    gyr: Floats, acc: Floats, errors: ImuErrors, rate_hz: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return gyroscope and accelerometer readings for the true `gyr` (rad/s) and `acc` (m/s2), shapes (n, 3)."""
    band = np.sqrt(0.5 * rate_hz)
    gyr_offset = rng.uniform(-errors.gyr_bias_rad_s, errors.gyr_bias_rad_s, 3)
    gyr_matrix = _matrix(errors.gyr_scale, errors.gyr_cross, rng)
    gyr_noise = gyr_offset + errors.gyr_noise_rad_s * band * rng.standard_normal(gyr.shape)
    acc_offset = rng.uniform(-errors.acc_bias_mps2, errors.acc_bias_mps2, 3)
    acc_matrix = _matrix(errors.acc_scale, errors.acc_cross, rng)
    acc_noise = acc_offset + errors.acc_noise_mps2 * band * rng.standard_normal(acc.shape)
    return (
        measure(gyr, gyr_noise, gyr_matrix, errors.gyr_range_rad_s, errors.bits),
        measure(acc, acc_noise, acc_matrix, errors.acc_range_mps2, errors.bits),
    )


class Imperfect:
    """One sensor with errors of its own, read block after block: how the reads are cut does not alter the readings.

    Range and resolution are left to whoever encodes the readings.
    """

    def __init__(self, errors: ImuErrors, rate_hz: float, seed: int) -> None:
        """Draw the constant errors; the same arguments give the same sensor."""
        rng = np.random.default_rng([seed, zlib.crc32(b"board")])
        band = np.sqrt(0.5 * rate_hz)
        self._acc_offset = rng.uniform(-errors.acc_bias_mps2, errors.acc_bias_mps2, 3)
        self._gyr_offset = rng.uniform(-errors.gyr_bias_rad_s, errors.gyr_bias_rad_s, 3)
        self._acc_matrix = _matrix(errors.acc_scale, errors.acc_cross, rng)
        self._gyr_matrix = _matrix(errors.gyr_scale, errors.gyr_cross, rng)
        self._acc_noise = errors.acc_noise_mps2 * band
        self._gyr_noise = errors.gyr_noise_rad_s * band
        self._acc_rng, self._gyr_rng = rng.spawn(2)

    def read(self, acc: Floats, gyr: Floats) -> tuple[Floats, Floats]:
        """Return the readings of the next samples for the true `acc` (m/s2) and `gyr` (rad/s), shapes (n, 3)."""
        acc_noise = self._acc_offset + self._acc_noise * self._acc_rng.standard_normal(acc.shape)
        gyr_noise = self._gyr_offset + self._gyr_noise * self._gyr_rng.standard_normal(gyr.shape)
        return measure(acc, acc_noise, self._acc_matrix, None, None), measure(
            gyr, gyr_noise, self._gyr_matrix, None, None
        )


def kept_rows(count: int, errors: ImuErrors, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which of `count` rows arrive: whole packets are lost, never the first."""
    packets = -(-count // errors.packet_samples)
    arrives = rng.random(packets) >= errors.drop_rate
    arrives[:1] = True
    return np.repeat(arrives, errors.packet_samples)[:count]


def _matrix(scale: float, cross: float, rng: np.random.Generator) -> Floats:
    """Return the identity with scale errors on and misalignment off the diagonal."""
    random = rng.standard_normal((3, 3))
    return np.eye(3) + np.where(np.eye(3) > 0.0, scale, cross) * random
