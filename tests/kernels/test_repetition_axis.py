"""The axis of one repetition: any mount, knocks, and what leaves it alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import repetition_axis, ring
from tests.kernels import motions

START = np.array([0.0, 0.8, 0.6])


def rows_of(rate: np.ndarray) -> np.ndarray:
    """Return a history with these angular rates."""
    rows = np.zeros((len(rate), 12))
    rows[:, ring.GYR : ring.GYR + 3] = rate
    return rows


def hinge(rate_hz: float, p: np.ndarray) -> np.ndarray:
    """Return the rates of a lift and a lowering about `p`, in two seconds."""
    return np.outer(np.sin(np.pi * np.arange(0.0, 2.0, 1.0 / rate_hz)), p)


@given(st.integers(0, 10**6), st.sampled_from([25.0, 52.0, 100.0, 208.0]))
def test_a_hinge_is_found_on_the_side_that_was_given(seed: int, rate_hz: float) -> None:
    """The axis of a pure hinge is exact in any sensor frame, and keeps the sense of the running axis."""
    rng = np.random.default_rng(seed)
    p = motions.unit(rng)
    axis = p + 0.3 * motions.unit(rng)
    axis /= np.linalg.norm(axis)
    rows = rows_of(hinge(rate_hz, p))
    repetition_axis.turn_to(axis, rows, 0.0, len(rows) - 1.0, rate_hz)
    np.testing.assert_allclose(axis, p, atol=1e-9)


def test_it_turns_with_the_sensor() -> None:
    """Turning the sensor turns the axis: nothing depends on its frame."""
    rng = np.random.default_rng(2)
    rate = hinge(100.0, np.array([0.0, 1.0, 0.0])) + 0.1 * rng.normal(size=(200, 3))
    turn = Rotation.from_rotvec([0.4, -1.1, 2.5])
    axis, turned = START.copy(), turn.apply(START)
    repetition_axis.turn_to(axis, rows_of(rate), 3.5, 190.2, 100.0)
    repetition_axis.turn_to(turned, rows_of(turn.apply(rate)), 3.5, 190.2, 100.0)
    np.testing.assert_allclose(turned, turn.apply(axis), atol=1e-9)


def test_a_knock_does_not_turn_the_axis() -> None:
    """Shaking at 25 Hz, as strong as the movement, moves the axis by less than a degree."""
    t = np.arange(0.0, 2.0, 0.01)
    rate = hinge(100.0, np.array([0.0, 1.0, 0.0])) + np.outer(np.sin(2.0 * np.pi * 25.0 * t), [1.0, 0.0, 0.3])
    axis = START.copy()
    repetition_axis.turn_to(axis, rows_of(rate), 0.0, 199.0, 100.0)
    assert np.degrees(np.arccos(axis[1])) < 1.0


@pytest.mark.parametrize(("rate", "interval"), [(0.0, (0.0, 99.0)), (1.0, (50.0, 50.5))])
def test_nothing_to_go_by_leaves_it_alone(rate: float, interval: tuple[float, float]) -> None:
    """A leg that does not turn, or an interval without a whole block, says nothing about an axis."""
    axis = START.copy()
    repetition_axis.turn_to(axis, rows_of(np.full((100, 3), rate)), *interval, 100.0)
    np.testing.assert_array_equal(axis, START)
