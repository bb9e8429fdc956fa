"""The series of the orientation filter against the functions they stand for, on both sides of where they end."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ankled.kernels import quaternions
from ankled.kernels.arctan import arctan2


@pytest.mark.parametrize("h2", [0.0, 1e-12, 1e-4, 0.01, 0.2, 0.2499999, 0.2500001, 2.0])
def test_half_a_turn(h2: float) -> None:
    """Cosine and sin(h) / h to the last bit or two, for any rate."""
    h = math.sqrt(h2)
    c, k = quaternions.half_turn(h2)
    assert c == pytest.approx(math.cos(h), rel=4e-16)
    assert k == pytest.approx(math.sin(h) / h if h else 1.0, rel=4e-16)


@pytest.mark.parametrize("angle", [0.0, 1e-6, 1e-3, 0.00999, 0.01001, 0.5, 1.6, 3.1])
def test_half_a_tilt(angle: float) -> None:
    """Cosine of half the angle, and 0.5 over it."""
    c, k = quaternions.half_tilt(math.sin(angle) ** 2, math.cos(angle))
    assert c == pytest.approx(math.cos(0.5 * angle), rel=4e-16 if angle < 2.0 else 1e-12)
    assert k == pytest.approx(0.5 / math.cos(0.5 * angle), rel=4e-16 if angle < 2.0 else 1e-12)


@pytest.mark.parametrize("near", [0.0, 0.5, 0.9991, 0.999, 1.0, 1.00099, 1.0011, 3.0, 1e-300, 1e300])
def test_an_inverse_length(near: float) -> None:
    """Right wherever the guess lies: a bad one only takes longer."""
    for norm2 in (1e-20, 1.0, 96.17, 1e6):
        assert quaternions.inverse_length(norm2, near * norm2) == pytest.approx(norm2**-0.5, rel=5e-16)


def test_the_arc_tangent_is_that_of_the_library() -> None:
    """Within two units in the last place in every direction, and without a jump where its pieces meet."""
    rng = np.random.default_rng(0)
    angles = np.concatenate([rng.uniform(-np.pi, np.pi, 4000), np.linspace(-np.pi, np.pi, 65), [1e-9, -1e-9, 3e-300]])
    for angle in angles:
        for size in (1.0, 1e-7, 300.0):
            y, x = size * math.sin(angle), size * math.cos(angle)
            assert arctan2(y, x) == pytest.approx(math.atan2(y, x), rel=4.5e-16, abs=0.0)


@pytest.mark.parametrize(("y", "x"), [(0.0, 1.0), (0.0, -1.0), (-0.0, -1.0), (1.0, 0.0), (-1.0, 0.0), (2.0, 2.0)])
def test_the_arc_tangent_along_the_axes(y: float, x: float) -> None:
    """Signs of zero included."""
    assert arctan2(y, x) == math.atan2(y, x)
    assert arctan2(0.0, 0.0) == 0.0
