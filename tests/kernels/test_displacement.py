"""Zero-velocity update: analytic strides of foot and shank, errors it removes, heading, and the twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import displacement, ring
from tests.kernels import motions
from tests.kernels.test_lateral import FORWARD_M, stride_acceleration, swinging
from tests.kernels.twins import displacement_twin

if TYPE_CHECKING:
    from tests.kernels.motions import Array

Z = np.array([0.0, 0.0, 1.0])


def measure(
    rows: Array, i0: float, i1: float, lever_m: float = 0.0, z_leg: Array = Z, rate_hz: float = 100.0
) -> displacement.Displacement:
    """Run the kernel with a fresh scratch array."""
    return displacement.measure(rows, i0, i1, z_leg, lever_m, rate_hz, motions.scratch(len(rows)))


@pytest.mark.parametrize("rate_hz", [52.0, 100.0, 208.0])
@pytest.mark.parametrize("heading", [0.0, 2.5])
def test_foot_stride(rate_hz: float, heading: float) -> None:
    """The minimum-jerk swing of 0.660 m is found within 0.5 %, in any heading, with a small residual velocity."""
    lead = Rotation.from_rotvec([0.0, 0.0, heading])
    t = np.arange(-0.4, 0.9, 1.0 / rate_hz)
    rows = motions.window(t, lambda t: lead * swinging(t), lambda t: lead.apply(stride_acceleration(t)))
    out = measure(rows, 0.2 * rate_hz, 1.1 * rate_hz, rate_hz=rate_hz)
    assert out.horizontal_m == pytest.approx(FORWARD_M, rel=5e-3)
    assert out.vertical_m == pytest.approx(0.0, abs=1e-3)
    assert out.residual_mps < 0.02
    assert out.heading_deg == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("offset", [(0.3, 0.0, 0.0), (0.0, -0.2, 0.5)])
def test_constant_error_is_removed_and_reported(offset: tuple[float, ...]) -> None:
    """A constant error of the acceleration changes nothing but the residual, which tells its size: offset times T."""
    t = np.arange(-0.4, 0.9, 0.01)
    clean = motions.window(t, motions.upright, stride_acceleration)
    wrong = clean.copy()
    wrong[:, ring.ACC : ring.ACC + 3] += offset
    good, bad = measure(clean, 20.0, 110.0), measure(wrong, 20.0, 110.0)
    assert bad.horizontal_m == pytest.approx(good.horizontal_m, abs=1e-9)
    assert bad.vertical_m == pytest.approx(good.vertical_m, abs=1e-9)
    assert bad.residual_mps == pytest.approx(0.9 * np.linalg.norm(offset), abs=0.01)


def test_shank_lever() -> None:
    """A shank that rocks over a standing ankle starts and ends with omega x r: with the lever its true path is found.

    The truth is the path of a point 0.1 m up a leg that leans back and forth by 12 deg about a resting ankle. Without
    the lever the velocity at the ends is taken for an error.
    """
    lever_m, top = 0.10, np.radians(12.0)
    t = np.arange(-0.3, 0.9, 0.005)

    def lean(t: Array) -> Array:
        return top * np.sin(np.pi * (t - 0.3) / 0.8)

    def attitude(t: Array) -> Rotation:
        return Rotation.from_rotvec(np.outer(lean(t), [0.0, 1.0, 0.0]))

    def acceleration(t: Array) -> Array:
        angle, rate = lean(t), top * np.pi / 0.8 * np.cos(np.pi * (t - 0.3) / 0.8)
        gain = -((np.pi / 0.8) ** 2) * angle
        along = lever_m * (gain * np.cos(angle) - rate**2 * np.sin(angle))
        upward = lever_m * (-gain * np.sin(angle) - rate**2 * np.cos(angle))
        return np.stack([along, np.zeros_like(t), upward], axis=1)

    rows = motions.window(t, attitude, acceleration)
    start, stop = 0.35 / 0.005, 0.85 / 0.005
    low, high = lean(np.array([0.05, 0.55]))
    truth = lever_m * (np.sin(high) - np.sin(low))
    out, plain = measure(rows, start, stop, lever_m, rate_hz=200.0), measure(rows, start, stop, rate_hz=200.0)
    assert out.horizontal_m == pytest.approx(truth, rel=1e-3)
    assert out.residual_mps < 1e-4
    assert abs(plain.horizontal_m - truth) > 0.3 * truth


@given(st.floats(-179.0, 179.0), st.floats(-60.0, 60.0), st.floats(0.0, 360.0))
def test_heading_is_the_turn_about_the_vertical(turn_deg: float, lean_deg: float, start_deg: float) -> None:
    """A leaning leg that is carried round the vertical reports the turn, left positive, wherever it started."""
    t = np.arange(21) / 20.0
    lean = Rotation.from_euler("xy", [lean_deg, 0.5 * lean_deg], degrees=True)

    def attitude(t: Array) -> Rotation:
        return Rotation.from_euler("z", (start_deg + turn_deg * t)[:, None], degrees=True) * lean

    rows = motions.window(t, attitude, motions.at_rest)
    rows[7:, ring.QUAT : ring.QUAT + 4] *= -1.0  # the other quaternion of the same rotation
    assert measure(rows, 0.0, 20.0, rate_hz=20.0).heading_deg == pytest.approx(turn_deg, abs=1e-6)


@given(st.integers(0, 10**6), st.integers(2, 90), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.sampled_from([0.0, 0.1]))
def test_equals_twin(seed: int, samples: int, a: float, b: float, lever_m: float) -> None:
    """Any window and any fractional bounds give what fine integration gives."""
    i0, i1 = sorted((a * (samples - 1), b * (samples - 1)))
    assume(i1 - i0 > 1e-3)
    rows, z_leg = motions.random_window(seed, samples, 100.0), motions.unit(np.random.default_rng(seed))
    out = measure(rows, i0, i1, lever_m, z_leg)
    expected = displacement_twin.measure(rows, i0, i1, z_leg, lever_m, 100.0)
    np.testing.assert_allclose(out[:3], expected, rtol=1e-5, atol=1e-6)


def test_empty_is_nan() -> None:
    """No time between the ends: nan and no error."""
    assert np.all(np.isnan(measure(motions.random_window(0, 10, 100.0), 4.0, 4.0)))
