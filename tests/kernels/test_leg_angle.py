"""The signed angle about an axis: from inclination, from the gyroscope, and around the turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ankled.kernels import leg_angle
from ankled.kernels.jit import kernel
from tests.kernels import lifts

if TYPE_CHECKING:
    from tests.kernels.motions import Array

RATE_HZ = 100.0


@kernel
def _angles(state: Any, rows: Any, p: Any, out: Any) -> int:
    s = state[0]
    s.dt_s = 0.01
    leg_angle.fix(s, p[0], p[1], p[2], rows[0])
    x = 0.0
    for k in range(rows.shape[0]):
        x = leg_angle.after(s, rows[k], x)
        out[k] = x
    return int(s.by_gyro)


@kernel
def _over(state: Any, rows: Any, level: float, out: Any) -> None:
    s = state[0]
    nx, ny, nz = leg_angle.normal(s, level)
    for k in range(rows.shape[0]):
        out[k] = leg_angle.over(s, rows[k], 0.0, level, nx, ny, nz)


def angles(rows: Array, p: Array) -> tuple[Array, bool, Any]:
    """Return the angle at every row, whether it is the gyroscope's, and the state."""
    state = np.zeros(1, leg_angle.STATE)
    out = np.zeros(len(rows))
    by_gyro = _angles(state, rows, p, out)
    return out, bool(by_gyro), state


def wave(size_deg: float) -> Array:
    """Return two seconds of an angle out and back, rad."""
    return np.radians(size_deg) * 0.5 * (1.0 - np.cos(np.pi * np.arange(200) / 100.0))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tilt_deg", [0.0, 45.0, 65.0])
def test_inclination_is_the_angle_about_a_level_or_tilted_axis(seed: int, tilt_deg: float) -> None:
    """Pins size and sign for any mount and any axis 25 deg or more off the vertical, beyond half a turn too."""
    axis = np.array([np.cos(np.radians(tilt_deg)), 0.0, np.sin(np.radians(tilt_deg))])
    mount = Rotation.random(random_state=seed)
    x = wave(250.0)
    found, by_gyro, _ = angles(lifts.rows(x, RATE_HZ, axis=axis, mount=mount), mount.inv().apply(axis))
    assert not by_gyro
    np.testing.assert_allclose(found, x, atol=1e-9)


@pytest.mark.parametrize("off_deg", [0.0, 5.0, 15.0])
def test_the_gyroscope_serves_near_the_vertical(off_deg: float) -> None:
    """Pins that a turn that gravity cannot show is integrated."""
    axis = np.array([np.sin(np.radians(off_deg)), 0.0, np.cos(np.radians(off_deg))])
    x = wave(40.0)
    found, by_gyro, _ = angles(lifts.rows(x, RATE_HZ, axis=axis), axis)
    assert by_gyro
    np.testing.assert_allclose(found, x, atol=np.radians(1.0))


def test_over_agrees_with_the_angle() -> None:
    """Pins the cheap comparison to the arc tangent."""
    axis = np.array([0.3, -1.0, 0.2])
    axis /= np.linalg.norm(axis)
    rows = lifts.rows(wave(80.0), RATE_HZ, axis=axis)
    found, _, state = angles(rows, axis)
    over = np.zeros(len(rows), bool)
    for level in np.radians([5.0, 30.0, 70.0]):
        _over(state, rows, level, over)
        np.testing.assert_array_equal(over, found > level)
