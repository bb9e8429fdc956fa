"""Trends within a set against SciPy and against loops over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ankled.kernels import trends
from tests.kernels.twins import trends_twin

VALUES = st.lists(st.one_of(st.floats(-50.0, 50.0), st.integers(-3, 3).map(float)), min_size=3, max_size=64)


@given(VALUES)
def test_theil_sen_equals_scipy(values: list[float]) -> None:
    """Slope and 95 % interval are those of scipy.stats.theilslopes, ties included."""
    expected = stats.theilslopes(values, np.arange(len(values)), alpha=0.95, method="separate")
    out = trends.theil_sen(values)
    assert out is not None
    np.testing.assert_allclose([out.slope, out.low, out.high], [expected[0], expected[2], expected[3]], atol=1e-12)


@given(VALUES)
def test_mann_kendall_equals_scipy_but_for_continuity(values: list[float]) -> None:
    """Undoing the continuity correction gives the z of scipy.stats.kendalltau's normal approximation."""
    out = trends.mann_kendall(values)
    assert out is not None
    score, variance = trends_twin.kendall(values)
    assert out.score == score
    assert out.p_value == pytest.approx(trends_twin.p_value(values), abs=1e-12)
    if score:
        uncorrected = stats.kendalltau(np.arange(len(values)), values, method="asymptotic").pvalue
        z = (abs(out.z) * np.sqrt(variance) + 1.0) / np.sqrt(variance)
        assert 2.0 * stats.norm.sf(z) == pytest.approx(uncorrected, rel=1e-9)


@given(st.lists(st.floats(0.1, 9.0), min_size=65, max_size=150))
def test_only_the_last_64_count(values: list[float]) -> None:
    """A long set is judged by its last 64 repetitions."""
    assert trends.theil_sen(values) == trends.theil_sen(values[-64:])
    assert trends.mann_kendall(values) == trends.mann_kendall(values[-64:])
    out = trends.theil_sen(values)
    assert out is not None
    assert out.slope == pytest.approx(trends_twin.slope(values), abs=1e-12)


def test_known_set() -> None:
    """Mann-Kendall by hand: 1 2 3 4 5 has S = 10, var 16.667, z = 9 / 4.0825, p = 0.0275."""
    out = trends.mann_kendall([1.0, 2.0, 3.0, 4.0, 5.0])
    assert out is not None
    assert out.score == 10
    assert out.z == pytest.approx(2.2045, abs=1e-4)
    assert out.p_value == pytest.approx(0.02749, abs=1e-5)


def test_constant_values_have_no_trend() -> None:
    """All ties: slope zero and p one, not a division by zero."""
    slope, test = trends.theil_sen([2.0] * 9), trends.mann_kendall([2.0] * 9)
    assert slope == trends.TheilSen(0.0, 0.0, 0.0)
    assert test == trends.MannKendall(0, 0.0, 1.0)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0]])
def test_too_few_values(values: list[float]) -> None:
    """Two values make no trend."""
    assert trends.theil_sen(values) is None
    assert trends.mann_kendall(values) is None


@pytest.mark.parametrize(
    ("velocities", "loss"),
    [
        ([2.0, 2.5, 2.0], 20.0),
        ([1.0, 2.0, 3.0], 0.0),
        ([3.0], 0.0),
        ([2.0, 0.0], 100.0),
        ([], None),
        ([0.0, 0.0], None),
        ([1.0, np.nan], None),
    ],
)
def test_velocity_loss(velocities: list[float], loss: float | None) -> None:
    """100 (best - last) / best; None where there is nothing to compare."""
    assert trends.velocity_loss_percent(velocities) == (loss if loss is None else pytest.approx(loss))
