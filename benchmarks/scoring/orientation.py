"""Orientation and linear acceleration against optics. Quaternions (w, x, y, z), sensor to earth, z up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.datasets.common import GRAVITY_MPS2

if TYPE_CHECKING:
    from benchmarks.datasets.broad import Trial
    from benchmarks.datasets.common import FloatArray
    from benchmarks.scoring.events import BoolArray

LOWPASS_HZ = 5.0
"""Both accelerations lose half their power here: a second derivative of optics is all noise above."""
_GAP_S = 0.1
"""Samples this close to a gap of the optics do not count for the acceleration."""


def multiply(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the products of quaternions, both (n, 4)."""
    aw, ax, ay, az = a.T
    bw, bx, by, bz = b.T
    return np.column_stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ]
    )


def matrices(quat: FloatArray) -> FloatArray:
    """Return the rotation matrices, (n, 3, 3), of unit quaternions (n, 4)."""
    w, x, y, z = quat.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.asarray(rows), -1, 0)


def inclination_rmse_deg(quat: FloatArray, trial: Trial) -> float:
    """Return the root mean square of 2 acos sqrt(e_w^2 + e_z^2), e = q inv(q_ref), over samples with movement."""
    counts = trial.moving & np.isfinite(trial.reference).all(axis=1)
    error = multiply(quat[counts], trial.reference[counts] * [1.0, -1.0, -1.0, -1.0])
    angle = 2.0 * np.arccos(np.clip(np.hypot(error[:, 0], error[:, 3]), 0.0, 1.0))
    return float(np.rad2deg(np.sqrt(np.mean(angle**2))))


def _filled(values: FloatArray) -> FloatArray:
    """Return the columns with gaps bridged by straight lines."""
    index = np.arange(len(values))
    good = np.isfinite(values).all(axis=1)
    return np.column_stack([np.interp(index, index[good], column[good]) for column in values.T])


def _smooth(values: FloatArray, rate_hz: float, *, derivatives: int = 0) -> FloatArray:
    """Low-pass columns without phase (Gaussian, half power at LOWPASS_HZ) and differentiate them."""
    pad = round(rate_hz)
    padded = np.pad(values, ((pad, pad), (0, 0)), mode="edge")
    f_hz = np.fft.rfftfreq(len(padded), 1.0 / rate_hz)
    gain = np.exp(-0.5 * np.log(2.0) * (f_hz / LOWPASS_HZ) ** 2) * (2j * np.pi * f_hz) ** derivatives
    return np.fft.irfft(np.fft.rfft(padded, axis=0) * gain[:, None], len(padded), axis=0)[pad:-pad]


def _continuous(quat: FloatArray) -> FloatArray:
    """Return the quaternions with signs such that neighbours never point apart."""
    flips = np.cumprod(np.where(np.sum(quat[1:] * quat[:-1], axis=1) < 0.0, -1.0, 1.0))
    return quat * np.concatenate([[1.0], flips])[:, None]


def _near_gaps(trial: Trial) -> BoolArray:
    gap = ~(np.isfinite(trial.reference).all(axis=1) & np.isfinite(trial.position_m).all(axis=1))
    half = round(_GAP_S * trial.rate_hz)
    return np.convolve(gap, np.ones(2 * half + 1), mode="same") > 0.5


def acceleration_rms_mps2(quat: FloatArray, trial: Trial) -> tuple[float, float]:
    """Return the RMS over samples and axes of (linear acceleration minus optics, optics alone), with movement.

    Optics: the second derivative of position. The optical origin is not the sensor: the arm between them, three
    numbers a trial, is fitted. Without a magnetometer heading is free: the optical one replaces it at each sample.
    """
    good = np.isfinite(trial.reference).all(axis=1)
    reference = np.empty_like(trial.reference)
    reference[good] = _continuous(trial.reference[good])
    reference[~good] = np.nan
    reference = _filled(reference)
    reference /= np.linalg.norm(reference, axis=1)[:, None]
    error = multiply(reference, quat * [1.0, -1.0, -1.0, -1.0])
    heading = 2.0 * np.arctan2(error[:, 3], error[:, 0])
    turn = np.column_stack([np.cos(heading / 2), np.zeros((len(quat), 2)), np.sin(heading / 2)])
    force = np.einsum("nij,nj->ni", matrices(multiply(turn, quat)), trial.acc)
    ours = _smooth(force - [0.0, 0.0, GRAVITY_MPS2], trial.rate_hz)
    origin = _smooth(_filled(trial.position_m), trial.rate_hz, derivatives=2)
    arms = _smooth(matrices(reference).reshape(-1, 9), trial.rate_hz, derivatives=2).reshape(-1, 3, 3)
    use = trial.moving & ~_near_gaps(trial)
    arm = np.linalg.lstsq(arms[use].reshape(-1, 3), (ours - origin)[use].ravel(), rcond=None)[0]
    optics = origin + arms @ arm
    return (
        float(np.sqrt(np.mean((ours - optics)[use] ** 2))),
        float(np.sqrt(np.mean(optics[use] ** 2))),
    )
