"""Symmetry of both legs: what the index, the log ratio, the interval and the load share promise."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from ankled.kernels import symmetry
from tests.kernels.twins import symmetry_twin

POSITIVE = st.floats(1e-3, 1e3)


@pytest.mark.parametrize(
    ("left", "right", "index", "log_ratio"),
    [
        (1.0, 1.0, 0.0, 0.0),
        (9.0, 11.0, 20.0, 100.0 * math.log(11.0 / 9.0)),
        (11.0, 9.0, -20.0, -100.0 * math.log(11.0 / 9.0)),
        (-9.0, -11.0, 20.0, 100.0 * math.log(11.0 / 9.0)),
        (0.0, 1.0, None, None),
        (1.0, 0.0, None, None),
        (0.0, 0.0, None, None),
        (-1.0, 1.0, None, None),
        (math.nan, 1.0, None, None),
        (1.0, math.inf, None, None),
    ],
)
def test_index_and_log_ratio(left: float, right: float, index: float | None, log_ratio: float | None) -> None:
    """The formulas, and None for zero, opposite signs and what is not finite."""
    assert symmetry.index_percent(left, right) == (None if index is None else pytest.approx(index))
    assert symmetry.log_ratio_percent(left, right) == (None if log_ratio is None else pytest.approx(log_ratio))


@given(POSITIVE, POSITIVE, st.floats(0.01, 100.0))
def test_index_properties(left: float, right: float, scale: float) -> None:
    """Exchange of the legs changes the sign, a common factor (mass, unit) changes nothing, and 200 is never passed."""
    index = symmetry.index_percent(left, right)
    assert index is not None
    assert abs(index) <= 200.0
    assert symmetry.index_percent(right, left) == pytest.approx(-index)
    assert symmetry.index_percent(scale * left, scale * right) == pytest.approx(index, abs=1e-9)


@pytest.mark.parametrize("freedom", [*range(1, 61), 100, 1000, 10**6])
def test_student_quantile(freedom: int) -> None:
    """The table and the expansion are Student's t to 1e-5."""
    assert symmetry.student_95(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-5)


@given(st.lists(st.floats(-200.0, 200.0), min_size=3, max_size=80))
def test_interval_equals_scipy(values: list[float]) -> None:
    """Mean and interval are those of Student's t."""
    assume(max(values) - min(values) > 1e-3)
    out = symmetry.mean_interval(values)
    assert out is not None
    assert (out.low, out.high) == pytest.approx(symmetry_twin.interval(values), abs=1e-2)
    assert out.count == len(values)


def test_interval_of_few() -> None:
    """Two pairs have a mean and no interval, none have neither."""
    assert symmetry.mean_interval([]) is None
    assert symmetry.mean_interval([4.0, 6.0]) == symmetry.Interval(5.0, None, None, 2)


def test_load_share() -> None:
    """Each leg's part of the summed impulse; the signs of the impulses do not matter; nothing moved is None."""
    assert symmetry.load_share_percent([1.0, 2.0], [-4.0, 5.0]) == pytest.approx((25.0, 75.0))
    assert symmetry.load_share_percent([], [2.0]) == (0.0, 100.0)
    assert symmetry.load_share_percent([], []) is None
    assert symmetry.load_share_percent([math.nan], [1.0]) is None
