"""The lateral force: the reference stride, gravity, the axis error, fractional ends, and the twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import lateral
from tests.kernels import motions
from tests.kernels.twins import lateral_twin

if TYPE_CHECKING:
    from tests.kernels.motions import Array

SWING_S = 0.40
EXCURSION_M = 0.0209
FORWARD_M = 0.660
TRUE_PEAK = -9.34 / 1.814
TRUE_SIDE = 5.25 / 1.814


def stride_acceleration(t: Array) -> Array:
    """Minimum-jerk forward swing with the outward excursion A sin^4(pi t / T), at rest outside [0, T]."""
    s = np.clip(t / SWING_S, 0.0, 1.0)
    forward = FORWARD_M / SWING_S**2 * (60.0 * s - 180.0 * s**2 + 120.0 * s**3)
    sine, w = np.sin(np.pi * s), np.pi / SWING_S
    outward = EXCURSION_M * w**2 * (12.0 * sine**2 * np.cos(np.pi * s) ** 2 - 4.0 * sine**4)
    return np.stack([forward, outward, np.zeros_like(t)], axis=1)


def swinging(t: Array) -> Rotation:
    """Return the attitude of a shank that swings 50 degrees about the leg's y while it moves, and leans a little."""
    s = np.clip(t / SWING_S, 0.0, 1.0)
    angle = np.radians(-25.0 + 50.0 * (10.0 * s**3 - 15.0 * s**4 + 6.0 * s**5))
    return Rotation.from_rotvec(np.outer(angle, [0.0, -1.0, 0.0]))


def measure(
    rows: Array, rate_hz: float, i: tuple[float, float], j: tuple[float, float], y: Array, *, rests: bool = False
) -> lateral.Lateral:
    """Run the kernel with a fresh scratch array."""
    doubt, bandwidth_hz = np.radians(5.0), lateral.bandwidth(rate_hz)
    return lateral.measure(rows, *i, *j, y, doubt, rests, bandwidth_hz, rate_hz, motions.scratch(len(rows)))


@pytest.mark.parametrize(("rate_hz", "within"), [(52.0, 0.01), (100.0, 0.005), (208.0, 0.005)])
@pytest.mark.parametrize("mount", [(0.0, 0.0, 0.0), (0.4, -1.1, 2.5)])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_reference_stride(rate_hz: float, within: float, mount: tuple[float, ...], side: float) -> None:
    """Forward 26 inch, 2.1 lbf on 4 lb: -5.15 m/s2 at mid-swing whatever the mount, of opposite sign on the other leg.

    The excursion of the right leg is to the wearer's right, so its force along y is the mirror image.
    """
    t = np.arange(-0.5, 1.0, 1.0 / rate_hz)
    turn = Rotation.from_rotvec(mount)
    rows = motions.window(t, swinging, lambda t: stride_acceleration(t) * [1.0, side, 1.0], turn)
    start, stop = 0.5 * rate_hz, 0.9 * rate_hz
    y = turn.inv().apply([0.0, 1.0, 0.0])
    out = measure(rows, rate_hz, (start, stop), (start, stop), y)
    assert out.peak_mps2 == pytest.approx(side * TRUE_PEAK, rel=within)
    assert out.peak_time_s == pytest.approx(SWING_S / 2.0, abs=1e-3)
    early = measure(rows, rate_hz, (start, stop), (start, start + 0.3 * SWING_S * rate_hz), y)
    assert early.peak_mps2 == pytest.approx(side * TRUE_SIDE, rel=0.01)


def test_mean_rms_impulse_of_the_reference_stride() -> None:
    """The figures over the swing are the integrals of the analytic force to one percent at 100 Hz."""
    t = np.arange(-0.5, 1.0, 0.01)
    rows = motions.window(t, swinging, stride_acceleration)
    out = measure(rows, 100.0, (50.0, 90.0), (50.0, 90.0), np.array([0.0, 1.0, 0.0]))
    fine = np.linspace(0.0, SWING_S, 40001)
    force = stride_acceleration(fine)[:, 1]
    impulse = np.trapezoid(np.abs(force), fine)
    assert out.impulse_mps == pytest.approx(impulse, rel=0.01)
    assert out.mean_mps2 == pytest.approx(impulse / SWING_S, rel=0.01)
    assert out.rms_mps2 == pytest.approx(np.sqrt(np.trapezoid(force**2, fine) / SWING_S), rel=0.01)


@given(st.integers(0, 10**6))
def test_gravity_is_no_force(seed: int) -> None:
    """A leg at rest in any attitude, with any axis, has no lateral force."""
    rng = np.random.default_rng(seed)
    lean = Rotation.from_rotvec(rng.normal(size=3))
    rows = motions.window(np.arange(60) / 100.0, lambda t: motions.upright(t) * lean, motions.at_rest)
    out = measure(rows, 100.0, (10.0, 50.0), (10.0, 50.0), motions.unit(rng))
    np.testing.assert_allclose([out.mean_mps2, out.rms_mps2, out.peak_mps2, out.uncertainty_mps2], 0.0, atol=1e-12)


def test_impact_is_what_the_swing_leaves() -> None:
    """The shock at the heel goes to the impact and not to the peak; without an outside the impact is nan."""
    t = np.arange(150) / 100.0
    shock = 30.0 * np.exp(-(((t - 1.0) / 0.03) ** 2))
    rows = motions.window(t, motions.upright, lambda t: np.outer(shock - 2.0 * np.sin(np.pi * t), [0.0, 1.0, 0.0]))
    y = np.array([0.0, 1.0, 0.0])
    out = measure(rows, 100.0, (5.0, 105.0), (10.0, 85.0), y)
    assert out.peak_mps2 == pytest.approx(-2.0, rel=0.02)
    assert 20.0 < out.impact_mps2 < 30.0
    assert np.isnan(measure(rows, 100.0, (5.0, 105.0), (5.0, 105.0), y).impact_mps2)


@given(st.floats(-0.1, 0.1), st.floats(0.0, 6.3))
def test_uncertainty_bounds_the_effect_of_a_turned_axis(turn_rad: float, direction: float) -> None:
    """An axis turned by at most the uncertainty moves the force at the peak by no more than the uncertainty says."""
    t = np.arange(-0.5, 1.0, 0.01)
    rows = motions.window(t, swinging, stride_acceleration)
    scratch = motions.scratch(len(rows))
    about = np.array([np.cos(direction), 0.0, np.sin(direction)])
    turned = Rotation.from_rotvec(turn_rad * about).apply([0.0, 1.0, 0.0])
    y, doubt = np.array([0.0, 1.0, 0.0]), abs(turn_rad)
    true = lateral.measure(rows, 50.0, 90.0, 50.0, 90.0, y, doubt, False, 20.0, 100.0, scratch)
    at = round(true.peak_at)
    across = scratch[at, :3] @ turned
    second_order = 0.5 * turn_rad**2 * abs(true.peak_mps2)
    assert abs(across - scratch[at, 3]) <= true.uncertainty_mps2 * 1.01 + second_order + 1e-9


def test_a_leg_that_comes_to_rest_has_no_mean_force() -> None:
    """A wrong inclination is a constant force across: what rests at both ends cannot have it, and the rest stays."""
    t = np.arange(0.0, 3.0, 0.01)
    shape = np.sin(2.0 * np.pi * t / 3.0)
    offset = 0.017
    y, whole = np.array([0.0, 1.0, 0.0]), (0.0, 299.0)
    rows = motions.window(t, motions.upright, lambda _: np.outer(shape, y))
    tilted = motions.window(t, motions.upright, lambda _: np.outer(shape + offset, y))
    true, freed = (measure(each, 100.0, whole, whole, y, rests=True) for each in (rows, tilted))
    assert freed.rms_mps2 == pytest.approx(true.rms_mps2, rel=1e-6)
    assert freed.peak_mps2 == pytest.approx(true.peak_mps2, rel=1e-6)
    assert measure(tilted, 100.0, whole, whole, y).peak_mps2 == pytest.approx(1.0 + offset, rel=2e-3)


def test_the_rival_tells_how_sure_the_sign_is() -> None:
    """The largest value of the other sign as a share of the peak: 1 for a sine, little for a bump, in the interval."""
    t = np.arange(0.0, 2.0, 0.01)
    y = np.array([0.0, 1.0, 0.0])
    sine = motions.window(t, motions.upright, lambda t: np.outer(np.sin(2.0 * np.pi * t), y))
    assert measure(sine, 100.0, (10.0, 190.0), (10.0, 190.0), y).rival == pytest.approx(1.0, abs=0.01)
    assert measure(sine, 100.0, (0.0, 190.0), (5.0, 45.0), y).rival == 0.0
    small = motions.window(t, motions.upright, lambda t: np.outer(0.3 + np.sin(2.0 * np.pi * t), y))
    assert measure(small, 100.0, (10.0, 190.0), (10.0, 190.0), y).rival == pytest.approx(0.7 / 1.3, abs=0.01)


@given(
    st.integers(0, 10**6),
    st.integers(1, 90),
    st.sampled_from([50.0, 100.0, 208.0]),
    st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4),
)
def test_equals_twin(seed: int, samples: int, rate_hz: float, parts: list[float]) -> None:
    """Any window and any fractional bounds give the twin's figures."""
    rows = motions.random_window(seed, samples, rate_hz)
    i0, j0, j1, i1 = np.sort(parts) * (samples - 1)
    y = motions.unit(np.random.default_rng(seed))
    rests = bool(seed % 2)
    out = measure(rows, rate_hz, (i0, i1), (j0, j1), y, rests=rests)
    if not i1 > i0:
        assert np.all(np.isnan(out))
        return
    doubt, bandwidth_hz = np.radians(5.0), lateral.bandwidth(rate_hz)
    expected = lateral_twin.measure(rows, (i0, i1), (j0, j1), y, doubt, rests, bandwidth_hz, rate_hz)
    np.testing.assert_allclose(out[:4], expected[:4], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(out[6:], expected[6:], rtol=1e-5, atol=1e-6)


def test_empty_is_nan() -> None:
    """No samples, or an empty interval: nan everywhere and no error."""
    y = np.array([0.0, 1.0, 0.0])
    assert np.all(np.isnan(measure(np.zeros((0, 12)), 100.0, (0.0, 0.0), (0.0, 0.0), y)))
    rows = motions.random_window(1, 20, 100.0)
    assert np.all(np.isnan(measure(rows, 100.0, (7.0, 7.0), (7.0, 7.0), y)))
