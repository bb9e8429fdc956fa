"""Sway: analytic motions, independence of the rate, the two ranges, and the twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import sway
from tests.kernels import motions
from tests.kernels.twins import sway_twin

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kernels.motions import Array

Y, Z = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


def measure(
    rows: Array, i0: float, i1: float, p: Array = Y, z_leg: Array = Z, rate_hz: float = 100.0, *, has_up: bool = True
) -> sway.Sway:
    """Run the kernel with a fresh scratch array."""
    return sway.measure(rows, i0, i1, p, z_leg, has_up, rate_hz, motions.scratch(len(rows)))


def swing_and_lean(swing_deg: float, lean_deg: float) -> Callable[[Array], Rotation]:
    """Swing about y while the leg leans towards y and back: intrinsic x (lean), then y (swing)."""

    def attitude(t: Array) -> Rotation:
        lean, swing = lean_deg * np.sin(2.0 * np.pi * t), swing_deg * np.sin(np.pi * t)
        return Rotation.from_euler("XY", np.stack([lean, swing], axis=1), degrees=True)

    return attitude


@pytest.mark.parametrize("rate_hz", [26.0, 50.0, 52.0, 99.5, 100.0, 104.0, 200.0, 208.0, 416.0])
@pytest.mark.parametrize("frequency_hz", [1.0, 3.0])
def test_sine_along_the_axis(rate_hz: float, frequency_hz: float) -> None:
    """A sine of 2 m/s2 has RMS sqrt 2 and the jerk of its derivative, the same at every rate and without the mean."""
    t = np.arange(0.0, 6.0, 1.0 / rate_hz)
    side = 0.7 + 2.0 * np.sin(2.0 * np.pi * frequency_hz * t + 0.4)
    rows = motions.window(t, motions.upright, lambda t: np.outer(side, Y) + np.outer(np.cos(9.0 * t), [5.0, 0.0, 3.0]))
    out = measure(rows, rate_hz, 5.0 * rate_hz, rate_hz=rate_hz)
    kept = 1.0 / (1.0 + (np.sqrt(2.0) - 1.0) * (frequency_hz / out.bandwidth_hz) ** 4)
    assert out.bandwidth_hz == pytest.approx(min(10.0, 0.4 * rate_hz))
    assert out.rms_mps2 == pytest.approx(np.sqrt(2.0) * kept, rel=6e-3)
    assert out.jerk_rms_mps3 == pytest.approx(np.sqrt(2.0) * kept * 2.0 * np.pi * frequency_hz, rel=1e-2)


@pytest.mark.parametrize("rate_hz", [52.0, 104.0, 208.0])
def test_jerk_of_noise_does_not_depend_on_the_rate(rate_hz: float) -> None:
    """White shaking up to 18 Hz gives the same jerk within 8 % at 52 to 208 Hz: that is what the grid is for."""
    rng = np.random.default_rng(3)
    tones = [(f, rng.normal(), rng.uniform(0.0, 6.3)) for f in np.arange(0.5, 18.0, 0.25)]

    def shaking(t: Array) -> Array:
        return np.outer(sum(a * np.sin(2.0 * np.pi * f * t + phase) for f, a, phase in tones), Y)

    def jerk(rate_hz: float) -> float:
        rows = motions.window(np.arange(0.0, 8.0, 1.0 / rate_hz), motions.upright, shaking)
        return measure(rows, rate_hz, 7.0 * rate_hz, rate_hz=rate_hz).jerk_rms_mps3

    assert jerk(rate_hz) == pytest.approx(jerk(100.0), rel=0.08)


@pytest.mark.parametrize("lean_deg", [0.0, 4.0, 11.0])
@pytest.mark.parametrize("mount", [(0.0, 0.0, 0.0), (1.0, -0.7, 2.0)])
@pytest.mark.parametrize("heading", [0.0, 2.3])
def test_range_is_the_lean_and_not_the_swing(lean_deg: float, mount: tuple[float, ...], heading: float) -> None:
    """A leg that swings 40 deg and leans by +-4 deg has a range of 8 deg, whatever the mount and the heading."""
    t = np.arange(0.0, 1.0, 0.01)
    turn = Rotation.from_rotvec(mount)
    lead = Rotation.from_rotvec([0.0, 0.0, heading])
    lean = swing_and_lean(0.0, lean_deg)
    rows = motions.window(t, lambda t: lead * lean(t), motions.at_rest, turn)
    out = measure(rows, 0.0, 99.0, turn.inv().apply(Y), turn.inv().apply(Z))
    assert out.range_deg == pytest.approx(2.0 * lean_deg, abs=1e-6)
    rows = motions.window(t, lambda t: lead * swing_and_lean(40.0, 0.0)(t), motions.at_rest, turn)
    assert measure(rows, 0.0, 99.0, turn.inv().apply(Y), turn.inv().apply(Z)).range_deg == pytest.approx(0.0, abs=1e-6)


def test_range_without_a_leg_axis_is_that_of_what_tilts_most() -> None:
    """Without a long axis the largest tilt of a line across p is measured, and marked."""
    t = np.arange(0.0, 1.0, 0.01)

    def attitude(t: Array) -> Rotation:
        large, small = 7.0 * np.sin(2.0 * np.pi * t), 2.0 * np.cos(2.0 * np.pi * t)
        return Rotation.from_euler("XZ", np.stack([large, small], axis=1), degrees=True)

    rows = motions.window(t, attitude, motions.at_rest)
    out = measure(rows, 0.0, 99.0, has_up=False)
    assert out.from_leg_axis is False
    assert out.range_deg == pytest.approx(14.0, rel=0.01)
    assert measure(rows, 0.0, 99.0).from_leg_axis is True


@pytest.mark.parametrize("swing_deg", [20.0, 60.0, 90.0])
def test_a_leg_that_swings_and_leans_needs_no_long_axis(swing_deg: float) -> None:
    """Where the swung leg leans sideways, what tilts most is its long axis, however far it swings."""
    t = np.arange(0.0, 1.0, 0.01)

    def attitude(t: Array) -> Rotation:
        lean, swing = 4.0 * np.sin(2.0 * np.pi * t), swing_deg * np.sin(np.pi * t)
        return Rotation.from_euler("YX", np.stack([swing, lean], axis=1), degrees=True)

    rows = motions.window(t, attitude, motions.at_rest)
    assert measure(rows, 0.0, 99.0, has_up=False).range_deg == pytest.approx(
        measure(rows, 0.0, 99.0).range_deg, rel=0.05
    )


def test_an_axis_that_points_everywhere_has_no_range() -> None:
    """When p turns a full circle in earth axes it is not the axis of the movement: nan rather than a number."""
    t = np.arange(0.0, 1.0, 0.01)
    rows = motions.window(t, lambda t: Rotation.from_rotvec(np.outer(2.0 * np.pi * t, Z)), motions.at_rest)
    assert np.isnan(measure(rows, 0.0, 99.0).range_deg)


@given(
    st.integers(0, 10**6),
    st.integers(1, 70),
    st.sampled_from([25.0, 52.0, 100.0, 208.0]),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
def test_equals_twin(seed: int, samples: int, rate_hz: float, a: float, b: float) -> None:
    """Any window and any fractional bounds give the twin's figures."""
    rng = np.random.default_rng(seed)
    rows = motions.random_window(seed, samples, rate_hz)
    i0, i1 = sorted((a * (samples - 1), b * (samples - 1)))
    p, z_leg = motions.unit(rng), motions.unit(rng)
    out, wobble = (measure(rows, i0, i1, p, z_leg, rate_hz, has_up=up) for up in (True, False))
    if not i1 > i0:
        assert np.isnan(out.rms_mps2)
        return
    rms, jerk = sway_twin.rms_and_jerk(rows, (i0, i1), p, rate_hz)
    np.testing.assert_allclose([out.rms_mps2, out.jerk_rms_mps3], [rms, jerk], rtol=1e-6, atol=1e-6)
    if np.ceil(i0) <= np.floor(i1):
        expected = [sway_twin.range_deg(rows, (i0, i1), p, z) for z in (z_leg, None)]
        np.testing.assert_allclose([out.range_deg, wobble.range_deg], expected, rtol=1e-5, atol=1e-5)
