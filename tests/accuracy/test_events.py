"""Matching of events and intervals, and the counts made of it."""

import math

import numpy as np
import pytest

from benchmarks.scoring.events import Counts, inside, match_events, match_intervals, spread

TRUTH = np.array([1.0, 2.0, 3.0, 4.0])


def test_truth_as_prediction_is_perfect() -> None:
    """Pins F1 = 1 and no count of anything else when found equals true."""
    counts = match_events(TRUTH, TRUTH, 0.25).counts()
    assert counts == Counts(hits=4)
    assert counts.f1() == counts.precision() == counts.recall() == 1.0


@pytest.mark.parametrize(("shift_s", "hits"), [(0.2, 4), (-0.25, 4), (0.26, 0)])
def test_shifted_events_match_within_the_tolerance_only(shift_s: float, hits: int) -> None:
    """Pins the tolerance, both ways, its end included."""
    assert match_events(TRUTH, TRUTH + shift_s, 0.25).counts() == Counts(hits, 4 - hits, 4 - hits)


def test_missing_and_extra_events_are_counted_apart() -> None:
    """Pins that a gap costs recall and a surplus precision."""
    counts = match_events(TRUTH, np.array([1.0, 2.0, 2.5, 4.0, 9.0]), 0.25).counts()
    assert counts == Counts(hits=3, missed=1, false=2)
    assert counts.recall() == 3 / 4
    assert counts.precision() == 3 / 5
    assert counts.f1() == pytest.approx(6 / 9)


def test_the_closest_pair_wins() -> None:
    """Pins one-to-one: of two found events near one true event the nearer is it, the other is false."""
    match = match_events(np.array([1.0, 1.3]), np.array([1.1, 1.28]), 0.25)
    assert match.pairs == ((0, 0), (1, 1))
    assert match_events(np.array([1.0]), np.array([0.8, 1.05]), 0.25).pairs == ((0, 1),)


def test_nothing_found_and_nothing_true() -> None:
    """Pins the empty cases: no division by zero, no score out of nothing."""
    empty = np.empty(0)
    assert match_events(TRUTH, empty, 0.25).counts() == Counts(missed=4)
    assert match_events(empty, TRUTH, 0.25).counts() == Counts(false=4)
    assert math.isnan(match_events(empty, empty, 0.25).counts().f1())
    assert match_intervals(np.empty((0, 2)), np.empty((0, 2))).counts() == Counts()
    assert math.isnan(spread(empty).bias)


def test_intervals_need_more_than_half_of_the_shorter() -> None:
    """Pins the rule of overlap at its edge, and that one found interval serves one true one only."""
    truth = np.array([[0.0, 4.0], [5.0, 9.0]])
    assert match_intervals(truth, np.array([[2.0, 6.0]])).counts() == Counts(missed=2, false=1)
    assert match_intervals(truth, np.array([[1.9, 5.9]])).counts() == Counts(hits=1, missed=1)
    assert match_intervals(truth, np.array([[0.0, 9.0]])).counts() == Counts(hits=1, missed=1)
    assert match_intervals(truth, np.array([[1.0, 1.5], [2.0, 2.5]])).counts() == Counts(hits=1, missed=1, false=1)


def test_inside_takes_any_span_and_its_ends() -> None:
    """Pins the selection of times."""
    assert inside(TRUTH, [(1.0, 1.5), (2.9, 4.0)]).tolist() == [True, False, True, True]
    assert inside(TRUTH, []).tolist() == [False] * 4


def test_spread_is_signed_found_minus_true() -> None:
    """Pins bias, standard deviation and mean absolute error on numbers done by hand."""
    result = spread(np.array([3.0, -1.0]))
    assert (result.bias, result.sd, result.mean_absolute) == (1.0, 2.0, 2.0)
