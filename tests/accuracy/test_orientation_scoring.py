"""Errors of orientation and acceleration on motions whose errors are known in advance."""

import numpy as np
import pytest

from benchmarks.datasets.broad import Trial
from benchmarks.datasets.common import FloatArray
from benchmarks.scoring.orientation import acceleration_rms_mps2, inclination_rmse_deg, matrices, multiply

RATE_HZ = 200.0
T = np.arange(4000) / RATE_HZ
TILT = 0.6 * np.sin(2 * np.pi * 0.7 * T)
REFERENCE = np.column_stack([np.cos(TILT / 2), np.sin(TILT / 2), np.zeros((len(T), 2))])


def _about(axis: int, degrees: float) -> FloatArray:
    quat = np.zeros((len(T), 4))
    quat[:, 0] = np.cos(np.deg2rad(degrees) / 2)
    quat[:, 1 + axis] = np.sin(np.deg2rad(degrees) / 2)
    return quat


def _trial(position_m: FloatArray, acc: FloatArray) -> Trial:
    moving = (T > 2.0) & (T < 18.0)
    return Trial("t", RATE_HZ, acc, np.zeros((len(T), 3)), REFERENCE.copy(), position_m, moving)


STILL = np.zeros((len(T), 3))


@pytest.mark.parametrize(("axis", "expected_deg"), [(0, 3.0), (1, 3.0), (2, 0.0)])
def test_inclination_counts_tilt_and_not_heading(axis: int, expected_deg: float) -> None:
    """Pins that 3 deg of tilt in earth axes are 3 deg of error, and 3 deg of heading none."""
    quat = multiply(_about(axis, 3.0), REFERENCE)
    assert inclination_rmse_deg(quat, _trial(STILL, STILL)) == pytest.approx(expected_deg, abs=1e-6)


def test_samples_without_movement_or_optics_do_not_count() -> None:
    """Pins the mask: errors before the movement and where the optics are blind are left out."""
    trial = _trial(STILL, STILL)
    trial.reference[1000:1100] = np.nan
    quat = REFERENCE.copy()
    quat[:300] = multiply(_about(0, 50.0), REFERENCE)[:300]
    quat[1000:1100] = multiply(_about(0, 50.0), REFERENCE)[1000:1100]
    assert inclination_rmse_deg(quat, trial) == pytest.approx(0.0, abs=1e-5)


def test_acceleration_of_an_arm_that_swings_is_explained() -> None:
    """Pins lever arm, gravity and heading: an ideal sensor off the optical origin has next to no error."""
    arm = np.array([0.05, -0.1, 0.2])
    sway = 0.1 * np.sin(2 * np.pi * T)
    position = np.column_stack([sway, np.zeros((len(T), 2))])
    at_sensor = position + matrices(REFERENCE) @ arm
    acc_earth = np.gradient(np.gradient(at_sensor, T, axis=0), T, axis=0) + np.array([0.0, 0.0, 9.80665])
    acc = np.einsum("nji,nj->ni", matrices(REFERENCE), acc_earth)
    error, motion = acceleration_rms_mps2(multiply(_about(2, 40.0), REFERENCE), _trial(position, acc))
    assert motion > 1.0
    assert error < 0.02 * motion
