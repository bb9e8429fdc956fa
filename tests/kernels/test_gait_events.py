"""Initial contact and toe-off in a window: against the twin, on a drawn stride, and at the edges of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.kernels import gait_events, ring
from tests.kernels import chains, motions
from tests.kernels.twins import gait_events_twin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernels.chains import Array

Y = np.array([0.0, 1.0, 0.0])
KNOTS_S = np.array([0.0, 0.30, 0.50, 0.70, 0.90, 1.00, 1.10, 1.60])
RATES = np.array([-0.5, -0.5, -3.0, 2.0, 4.0, -2.0, -0.5, -0.5])


def drawn(rate_hz: float) -> Array:
    """Return a window whose swing rate is straight lines: dip at 0.5 s, swing, minimum after contact at 1.0 s."""
    t = np.arange(0.0, 1.6, 1.0 / rate_hz)
    rows = np.zeros((t.size, ring.WIDTH))
    rows[:, ring.GYR + 1] = -np.interp(t, KNOTS_S, RATES)
    return rows


def same(window: Array, peak: int, rate_hz: float, left: Array) -> None:
    """Assert that kernel and twin find the same events."""
    for shank in (False, True):
        contact = gait_events.contact_after(window, peak, rate_hz, left, shank)
        assert contact == pytest.approx(
            gait_events_twin.contact_after(window, peak, rate_hz, left, shank=shank), abs=1e-6
        )
        toe_off, least = gait_events.toe_off_before(window, peak, rate_hz, left, shank)
        expected, dip = gait_events_twin.toe_off_before(window, peak, rate_hz, left, shank=shank)
        assert toe_off == pytest.approx(expected, abs=1e-6)
        assert least == pytest.approx(dip, abs=1e-9)


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 200.0, 400.0])
def test_drawn_stride(rate_hz: float) -> None:
    """Contact half way from zero crossing to minimum; toe-off at three quarters of the dip; within the averaging."""
    rows, peak = drawn(rate_hz), int(0.9 * rate_hz)
    crossing = 0.9 + 0.1 * 4.0 / 6.0
    contact = gait_events.contact_after(rows, peak, rate_hz, Y, False) / rate_hz
    assert contact == pytest.approx(0.5 * (crossing + 1.0), abs=0.012)
    toe_off, least = gait_events.toe_off_before(rows, peak, rate_hz, Y, False)
    assert toe_off / rate_hz == pytest.approx(0.5 + 0.2 * 0.75 / 5.0, abs=0.012)
    assert least == pytest.approx(-3.0, abs=0.3)


@given(st.integers(0, 10**6), st.integers(2, 120), st.floats(0.0, 1.0), st.sampled_from([25.0, 52.0, 100.0, 204.8]))
def test_equals_twin_on_noise(seed: int, samples: int, place: float, rate_hz: float) -> None:
    """Any window, any place in it to start from, or before it: the delay of the low-pass may lead there."""
    rows = motions.random_window(seed, samples, rate_hz)
    left = motions.unit(np.random.default_rng(seed))
    same(rows, int(place * (samples + 4)) - 5, rate_hz, left)


@pytest.mark.parametrize(("scenario", "rate_hz"), [("walk", 100.0), ("run", 204.8)])
def test_equals_twin_at_every_place_of_a_walk(scenario: str, rate_hz: float) -> None:
    """Windows of a simulated leg, from every fifth sample."""
    rows = chains.history(chains.simulated(scenario, "left", rate_hz))
    left = np.array(chains.leg_of(scenario, "left", rate_hz).mount.left)
    for k in range(int(3.0 * rate_hz), int(8.0 * rate_hz), 5):
        same(rows[k - int(2.0 * rate_hz) : k + int(rate_hz)], int(2.0 * rate_hz), rate_hz, left)


@pytest.mark.parametrize("trial", ["1-1", "6-2"])
def test_equals_twin_on_a_real_walk(data_folder: Path, trial: str) -> None:
    """The same on a foot, whatever its axis may be."""
    rows = chains.history(chains.walk_of(data_folder, trial, "lf"))
    for k in range(400, min(1600, len(rows) - 100), 7):
        same(rows[k - 200 : k + 100], 200, 100.0, motions.unit(np.random.default_rng(k)))


@given(st.integers(0, 10**6), st.integers(2, 90), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_least_motion_equals_twin(seed: int, samples: int, a: float, b: float) -> None:
    """The middle of stance is the smallest rate, the first of equal ones."""
    rows = motions.random_window(seed, samples, 100.0)
    first, last = sorted((int(a * (samples - 1)), int(b * (samples - 1))))
    assert gait_events.least_motion(rows, first, last) == gait_events_twin.least_motion(rows, first, last)


@given(
    st.integers(0, 10**6), st.integers(2, 90), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.sampled_from([25.0, 100.0])
)
def test_landing_and_fast_from_equal_twin(seed: int, samples: int, a: float, b: float, rate_hz: float) -> None:
    """The hardest shock of a stretch, and where the leg turns fast in it, whatever lies before."""
    rows = motions.random_window(seed, samples, rate_hz)
    first, last = sorted((int(a * (samples - 1)), int(b * (samples - 1))))
    place, size = gait_events.landing(rows, first, last, rate_hz)
    expected, root = gait_events_twin.landing(rows, first, last, rate_hz)
    assert place == pytest.approx(expected, abs=1e-9)
    assert size == pytest.approx(root, rel=1e-9, abs=1e-9)
    assert gait_events.fast_from(rows, first, last) == gait_events_twin.fast_from(rows, first, last)


def test_contact_rests_on_the_deepest_minimum() -> None:
    """A shallow minimum on the way down does not end the search; one later than 150 ms does not count."""
    t = np.arange(0.0, 1.6, 0.005)
    rates = np.interp(
        t, [0.0, 0.90, 0.95, 1.00, 1.02, 1.05, 1.15, 1.30, 1.40], [4.0, 4.0, 0.0, -2.0, -1.0, -3.0, 0.0, -6.0, 0.0]
    )
    rows = np.zeros((t.size, ring.WIDTH))
    rows[:, ring.GYR + 1] = -rates
    contact = gait_events.contact_after(rows, 100, 200.0, Y, False) / 200.0
    assert contact == pytest.approx(0.5 * (0.95 + 1.05), abs=0.012)


@pytest.mark.parametrize("rate_hz", [25.0, 52.0, 100.0, 204.8, 400.0])
def test_a_landing_is_found_where_the_shock_begins(rate_hz: float) -> None:
    """A burst of 20 ms on a resting leg, at any rate: within 30 ms or a sample, and nothing like it without."""
    t = np.arange(0.0, 2.0, 1.0 / rate_hz)
    rows = np.zeros((t.size, ring.WIDTH))
    rows[:, ring.ACC + 2] = 9.81
    quiet = gait_events.landing(rows, t.size // 4, t.size - 1, rate_hz)
    rows[:, ring.ACC + 2] += 60.0 * np.interp(t, [1.0, 1.04, 1.08], [0.0, 1.0, 0.0])
    place, size = gait_events.landing(rows, t.size // 4, t.size - 1, rate_hz)
    assert place / rate_hz == pytest.approx(1.02, abs=0.03 + 1.0 / rate_hz)
    assert quiet[1] < 0.1
    assert size > 8.0


def test_no_event_is_minus_one() -> None:
    """A leg that never swings, or whose swing has not ended, has no contact and no toe-off."""
    rows = drawn(100.0)
    still = np.zeros((50, ring.WIDTH))
    assert gait_events.contact_after(still, 20, 100.0, Y, False) == -1.0
    assert gait_events.contact_after(rows[:92], 88, 100.0, Y, False) == -1.0
    assert gait_events.toe_off_before(rows[70:], 20, 100.0, Y, False) == (-1.0, 0.0)
