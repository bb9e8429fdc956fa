"""Range of motion and angular rate: analytic swings about level and vertical axes, and the twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import angle
from tests.kernels import motions
from tests.kernels.twins import angle_twin

if TYPE_CHECKING:
    from tests.kernels.motions import Array


def swing(about: Array, degrees: float, t: Array) -> Rotation:
    """Turn by `degrees` about a fixed axis and back within one second."""
    return Rotation.from_rotvec(np.outer(np.radians(degrees) * 0.5 * (1.0 - np.cos(2.0 * np.pi * t)), about))


def measure(
    rows: Array, whole: tuple[float, float], inner: tuple[float, float], p: Array, rate_hz: float = 100.0
) -> angle.Motion:
    """Run the kernel with a fresh scratch array."""
    return angle.measure(rows, *whole, *inner, p, rate_hz, motions.scratch(len(rows)))


@pytest.mark.parametrize("degrees", [5.0, 40.0, 120.0, 200.0])
@pytest.mark.parametrize(
    "about", [(0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.6, 0.64, 0.48), (0.0, 0.0, 1.0), (0.1, 0.0, -1.0)]
)
@pytest.mark.parametrize("mount", [(0.0, 0.0, 0.0), (-2.0, 0.5, 1.0)])
def test_swing(degrees: float, about: tuple[float, ...], mount: tuple[float, ...]) -> None:
    """The range is the angle turned, past half a turn too, about any axis; near the vertical the gyroscope gives it.

    Peak and mean of the rate are those of the cosine: pi and 2 times the range per second.
    """
    t, turn = np.arange(0.0, 1.005, 0.01), Rotation.from_rotvec(mount)
    axis = np.array(about) / np.linalg.norm(about)
    rows = motions.window(t, lambda t: swing(axis, degrees, t), motions.at_rest, turn)
    out = measure(rows, (0.0, 100.0), (0.0, 50.0), turn.inv().apply(axis))
    assert out.rom_deg == pytest.approx(degrees, rel=2e-3)
    assert out.about_vertical is bool(abs(axis[2]) > 0.8)
    assert out.peak_rad_s == pytest.approx(np.pi * np.radians(degrees), rel=1e-3)
    assert out.peak_at in (pytest.approx(25.0, abs=0.01), pytest.approx(75.0, abs=0.01))
    assert out.mean_rad_s == pytest.approx(2.0 * np.radians(degrees), rel=2e-3)


def test_fractional_ends() -> None:
    """Bounds between samples are honoured: a steady 2 rad/s over 7.4 samples at 100 Hz is 8.48 deg."""
    rows = motions.window(
        np.arange(40) / 100.0, lambda t: Rotation.from_rotvec(np.outer(2.0 * t, [0.0, 1.0, 0.0])), motions.at_rest
    )
    out = measure(rows, (10.3, 17.7), (12.0, 12.5), np.array([0.0, 1.0, 0.0]))
    assert out.rom_deg == pytest.approx(np.degrees(2.0 * 0.074), rel=1e-9)
    assert out.mean_rad_s == pytest.approx(2.0, rel=1e-6)


def test_tilt_hides_nothing_but_the_vertical() -> None:
    """Inclination about p does not see a turn about the vertical, so heading drift cannot enter the range."""
    t = np.arange(0.0, 1.0, 0.01)
    y = np.array([0.0, 1.0, 0.0])
    drift = np.array([0.0, 0.0, 1.0])
    rows = motions.window(t, lambda t: Rotation.from_rotvec(np.outer(t, drift)) * swing(y, 40.0, t), motions.at_rest)
    assert measure(rows, (0.0, 99.0), (0.0, 99.0), y).rom_deg == pytest.approx(40.0, rel=1e-6)


@given(
    st.integers(0, 10**6),
    st.integers(1, 90),
    st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4),
)
def test_equals_twin(seed: int, samples: int, parts: list[float]) -> None:
    """Any window and any fractional bounds give the twin's figures."""
    rows = motions.random_window(seed, samples, 100.0)
    i0, j0, j1, i1 = np.sort(parts) * (samples - 1)
    p = motions.unit(np.random.default_rng(seed))
    out = measure(rows, (i0, i1), (j0, j1), p)
    if not i1 > i0:
        assert np.isnan(out.rom_deg)
        return
    rom, about_vertical, peak, mean = angle_twin.measure(rows, (i0, i1), (j0, j1), p, 100.0)
    assert out.about_vertical is about_vertical
    np.testing.assert_allclose([out.rom_deg, out.peak_rad_s, out.mean_rad_s], [rom, peak, mean], rtol=1e-7, atol=1e-7)
