"""The functions of time that motion is made of."""

from __future__ import annotations

import numpy as np
import pytest

from ankled.simulators.smooth import (
    BUMP,
    MINIMUM_JERK,
    SINE4,
    STEP,
    Pulses,
    Shape,
    Waves,
    cosine_sine,
    evaluate,
    multiply,
)

SHAPES = {"step": STEP, "minimum jerk": MINIMUM_JERK, "bump": BUMP, "sine4": SINE4}


def _differences(values: np.ndarray, step: float) -> np.ndarray:
    """Return fourth order central differences, less two values at either end."""
    slopes: np.ndarray = (values[:-4] - 8.0 * values[1:-3] + 8.0 * values[3:-1] - values[4:]) / (12.0 * step)
    return slopes


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_derivatives_are_those_of_the_value(shape: Shape) -> None:
    """The closed-form derivatives of overlapping pulses agree with differences of their values."""
    pulses = Pulses(shape, np.array([0.3, 0.5, 1.1]), np.array([0.4, 0.9, 0.2]), np.array([1.0, -2.0, 0.5]))
    time_s = np.arange(0.0, 2.0, 1e-4)
    value, slope, curve = evaluate((pulses,), time_s)
    assert np.abs(_differences(value, 1e-4) - slope[2:-2]).max() < 1e-6
    error = np.abs(_differences(slope, 1e-4) - curve[2:-2])
    tolerance = 2e-3 if shape is MINIMUM_JERK else 1e-5  # the jerk of minimum jerk jumps at the ends
    assert error.max() < tolerance * np.abs(curve).max()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_pulse_is_nothing_before_and_settles_after(shape: Shape) -> None:
    """A step stays at its amplitude, a bump returns to zero, also when the grid begins after it has ended."""
    pulses = Pulses(shape, np.array([1.0]), np.array([0.5]), np.array([3.0]))
    last = 3.0 * shape.settles_at
    assert evaluate((pulses,), np.array([0.0, 1.0]))[:, 0].tolist() == [0.0, 0.0, 0.0]
    assert evaluate((pulses,), np.array([1.5, 2.0])).tolist() == [[last, last], [0.0, 0.0], [0.0, 0.0]]


def test_a_grid_may_be_cut_anywhere() -> None:
    """The value at an instant does not depend on which other instants are asked for."""
    rng = np.random.default_rng(1)
    pulses = Pulses(STEP, np.sort(rng.uniform(0.0, 9.0, 40)), rng.uniform(0.05, 2.0, 40), rng.standard_normal(40))
    time_s = np.linspace(0.0, 12.0, 1201)
    whole = evaluate((pulses,), time_s)
    parts = np.hstack([evaluate((pulses,), time_s[i : i + 100]) for i in range(0, time_s.size, 100)])
    assert np.abs(whole - parts).max() < 1e-9


def test_waves_start_at_zero_and_have_their_derivatives() -> None:
    """Waves begin at zero, so that adding them moves nothing at once, and their derivatives are exact."""
    waves = Waves(np.array([2.0, 5.0]), np.array([0.3, 1.0]), np.array([1.0, 0.2]))
    time_s = np.arange(0.0, 3.0, 1e-4)
    value, slope, curve = evaluate((waves,), time_s)
    assert value[0] == pytest.approx(0.0, abs=1e-15)
    assert np.abs(_differences(value, 1e-4) - slope[2:-2]).max() < 1e-8
    assert np.abs(_differences(slope, 1e-4) - curve[2:-2]).max() < 1e-8


def test_jets_multiply_and_turn() -> None:
    """Products and cosines of jets have the derivatives of the product and of the cosine."""
    time_s = np.arange(0.0, 3.0, 1e-4)
    angle = evaluate((Pulses(STEP, np.array([0.2]), np.array([2.0]), np.array([4.0])),), time_s)
    cosine, sine = cosine_sine(angle)
    product = multiply(cosine, multiply(sine, angle))
    assert np.allclose(product[0], np.cos(angle[0]) * np.sin(angle[0]) * angle[0])
    assert np.abs(_differences(product[0], 1e-4) - product[1, 2:-2]).max() < 1e-6
    assert np.abs(_differences(product[1], 1e-4) - product[2, 2:-2]).max() < 1e-4
