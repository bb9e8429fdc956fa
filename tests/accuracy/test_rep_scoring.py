"""Scoring of repetitions: by interval, by count, and what a stride costs."""

import numpy as np
import pytest

from benchmarks.datasets.common import Recording
from benchmarks.datasets.leg_raises import LegSession, pauses_s
from benchmarks.scoring.events import Counts
from benchmarks.scoring.reps import score_session
from benchmarks.suites import leg_raises
from tests.accuracy.perfect import make_rep, make_reps

STARTS = np.concatenate([np.arange(10) * 5.0 + base for base in (0.0, 70.0, 140.0)])
TRUTH = np.column_stack([STARTS, STARTS + 3.0])
DATA = Recording(np.arange(2.0), np.zeros((2, 3)), np.zeros((2, 3)))
LABELLED = LegSession("s1_e1", "seated knee extension", DATA, TRUTH, (60.0, 130.0))
COUNTED = LegSession("s2_e1", "seated knee extension", DATA, None, (60.0, 130.0))


@pytest.mark.parametrize("session", [LABELLED, COUNTED])
def test_truth_as_prediction_is_perfect(session: LegSession) -> None:
    """Pins 30 hits, none missed, none false, 10 in each set, with and without known intervals."""
    score = score_session(session, make_reps(TRUTH))
    assert score.counts() == Counts(hits=30)
    assert score.found == (10, 10, 10)
    assert score.delay_s == pytest.approx(0.2)


@pytest.mark.parametrize("session", [LABELLED, COUNTED])
def test_missing_and_extra_are_charged_to_their_set(session: LegSession) -> None:
    """Pins the counts by set: two missing in the first, one too many in the last."""
    score = score_session(session, make_reps([*TRUTH[2:], (200.0, 203.0)]))
    assert score.sets == (Counts(8, 2, 0), Counts(10), Counts(10, 0, 1))
    assert score.found == (8, 10, 11)


def test_a_missing_one_does_not_pay_for_an_extra_one() -> None:
    """Pins why intervals are stricter than counts: one missed and one false in the same set."""
    score = score_session(LABELLED, make_reps([*TRUTH[1:], (50.0, 53.0)]))
    assert score.counts() == Counts(29, 1, 1)
    assert score_session(COUNTED, make_reps([*TRUTH[1:], (50.0, 53.0)])).counts() == Counts(30)


def test_errors_of_the_ends_are_found_minus_true() -> None:
    """Pins the sign of the errors of start and end."""
    score = score_session(LABELLED, make_reps(TRUTH + np.array([0.5, -0.25])))
    assert np.allclose(score.start_error_s, 0.5)
    assert np.allclose(score.end_error_s, -0.25)


def test_a_stride_in_an_exercise_is_false() -> None:
    """Pins that strides are no way out: each is a false repetition."""
    score = score_session(LABELLED, [*make_reps(TRUTH), make_rep(initial_contact_s=5.0, end_s=5.0)])
    assert score.strides == 1
    assert score.counts() == Counts(30, 0, 1)


def test_nothing_found_misses_all() -> None:
    """Pins the empty case of both ways of counting."""
    for session in (LABELLED, COUNTED):
        assert score_session(session, make_reps([])).counts() == Counts(missed=30)


def test_shares_of_the_table() -> None:
    """Pins percent of missed, of false and of sets within one, over two sessions."""
    scores = [score_session(LABELLED, make_reps(TRUTH[3:])), score_session(COUNTED, make_reps(TRUTH))]
    figures = {figure.key: figure.value for figure in leg_raises.summarise(scores).figures}
    assert figures["missed_pct"] == pytest.approx(5.0)
    assert figures["interval_missed_pct"] == pytest.approx(10.0)
    assert figures["false_pct"] == 0.0
    assert figures["within_one_pct"] == pytest.approx(500 / 6)
    assert figures["correct_within_one_pct"] == 50.0
    assert figures["fast_within_one_pct"] == 100.0


def test_the_two_longest_pauses_part_the_sets() -> None:
    """Pins that pauses are found inside the session, not before its first or after its last movement."""
    time_s = np.arange(0.0, 100.0, 0.04)
    quiet = (time_s < 20) | ((time_s > 30) & (time_s < 45)) | ((time_s > 60) & (time_s < 70)) | (time_s > 80)
    gyr = np.where(quiet, 0.0, 1.0)[:, None] * np.ones(3)
    found = pauses_s(Recording(time_s, np.zeros((len(time_s), 3)), gyr))
    assert np.allclose(found, [(30.5, 44.5), (60.5, 69.5)], atol=0.1)
