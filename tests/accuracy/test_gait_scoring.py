"""Scoring of strides: what shifted, missing and extra contacts do to each figure."""

import numpy as np
import pytest

from benchmarks.datasets.common import Recording
from benchmarks.datasets.ipol import Foot, Walk
from benchmarks.scoring.events import Counts
from benchmarks.scoring.gait import length_errors_m, score_foot, strides_of
from benchmarks.suites import ipol
from tests.accuracy.perfect import make_rep, make_strides

CONTACT = np.array([1.0, 2.0, 3.0, 4.1, 5.0])
TOE_OFF = CONTACT - 0.4
SPAN = [(0.0, 10.0)]


def test_truth_as_prediction_has_no_error() -> None:
    """Pins F1 1.0 and errors of zero for records made of truth."""
    score = score_foot(CONTACT, TOE_OFF, SPAN, strides_of(make_strides("left", CONTACT, TOE_OFF), "left"))
    assert score.contacts == score.toe_offs == Counts(hits=5)
    assert np.all(score.contact_error_s == 0.0)
    assert np.all(score.toe_off_error_s == 0.0)
    assert np.allclose(score.cadence_error_per_min, 0.0)
    assert len(score.cadence_error_per_min) == 4
    assert np.allclose(score.delay_s, 0.1)


def test_a_shift_is_a_bias_and_no_error_of_cadence() -> None:
    """Pins that errors are found minus true."""
    found = strides_of(make_strides("left", CONTACT + 0.03, TOE_OFF - 0.02), "left")
    score = score_foot(CONTACT, TOE_OFF, SPAN, found)
    assert np.allclose(score.contact_error_s, 0.03)
    assert np.allclose(score.toe_off_error_s, -0.02)
    assert np.allclose(score.cadence_error_per_min, 0.0)


def test_a_missed_contact_counts_in_the_wider_cadence_error_only() -> None:
    """Pins the two readings of the cadence error: over consecutive matches, and over every match."""
    found = strides_of(make_strides("left", np.delete(CONTACT, 2), TOE_OFF), "left")
    score = score_foot(CONTACT, TOE_OFF, SPAN, found)
    assert score.contacts == Counts(hits=4, missed=1)
    assert np.allclose(score.cadence_error_per_min, 0.0)
    assert score.cadence_error_any_per_min.min() == pytest.approx(120 / 2.1 - 120 / 1.1)


def test_an_extra_contact_is_false_and_parts_its_neighbours() -> None:
    """Pins that a contact too many is no consecutive stride of its neighbours."""
    found = strides_of(make_strides("left", np.sort(np.append(CONTACT, 2.5)), TOE_OFF), "left")
    score = score_foot(CONTACT, TOE_OFF, SPAN, found)
    assert score.contacts == Counts(hits=5, false=1)
    assert len(score.cadence_error_per_min) == 3
    assert score.cadence_error_any_per_min.max() == pytest.approx(120.0)


def test_events_outside_the_span_do_not_count() -> None:
    """Pins that truth and found are both clipped."""
    found = strides_of(make_strides("left", np.append(CONTACT, [8.0, 9.0]), TOE_OFF), "left")
    assert score_foot(CONTACT, TOE_OFF, [(1.5, 4.5)], found).contacts == Counts(hits=3)


def test_a_long_pause_is_no_stride() -> None:
    """Pins that true contacts more than 2.5 s apart give no true cadence."""
    contact = np.array([1.0, 2.0, 5.0, 6.0])
    score = score_foot(contact, contact - 0.4, SPAN, strides_of(make_strides("left", contact, contact - 0.4), "left"))
    assert len(score.cadence_error_any_per_min) == 2


def test_records_are_parted_by_device_kind_and_retroactive() -> None:
    """Pins what is taken from the records: one device, strides for contacts, repetitions as others."""
    records = [
        make_rep(device="left", initial_contact_s=2.0, end_s=2.0, known_at_s=2.1),
        make_rep(device="left", initial_contact_s=1.0, end_s=1.0, known_at_s=5.0, retroactive=True),
        make_rep(device="left", kind="rep"),
        make_rep(device="right", initial_contact_s=1.5, end_s=1.5),
    ]
    found = strides_of(records, "left")
    assert found.contact_s.tolist() == [1.0, 2.0]
    assert found.other == 1
    score = score_foot(np.array([1.0, 2.0]), np.empty(0), SPAN, found)
    assert score.delay_s.tolist() == pytest.approx([0.1])
    assert score.retroactive_delay_s.tolist() == [4.0]
    assert score.toe_offs == Counts()


def test_lengths_are_compared_by_contact() -> None:
    """Pins that a length belongs to the contact that closes its stride, and that nulls are left out."""
    records = [
        make_rep(initial_contact_s=1.02, end_s=1.0, stride_length_m=1.5),
        make_rep(initial_contact_s=2.0, end_s=2.0, stride_length_m=None),
        make_rep(initial_contact_s=3.0, end_s=3.0, stride_length_m=9.0),
    ]
    errors, truth = length_errors_m({1.0: 1.4, 2.0: 1.3}, strides_of(records, "left"))
    assert errors.tolist() == pytest.approx([0.1])
    assert truth.tolist() == [1.4]


def test_both_feet_make_the_figures_of_a_walk() -> None:
    """Pins the table of perfect records: every bar on truth is met and no stride is missed or false."""
    data = Recording(np.arange(2.0), np.zeros((2, 3)), np.zeros((2, 3)))
    feet = {side: Foot(data, TOE_OFF, CONTACT) for side in ("left", "right")}
    walk = Walk("1-1", 0.5, 6.0, (2.0, 3.0), feet)
    records = [rep for side in feet for rep in make_strides(side, CONTACT, TOE_OFF)]
    section = ipol.summarise([ipol.score_walk(walk, records)])
    figures = {figure.key: figure for figure in section.figures}
    assert all(figure.met() in (True, None) for figure in section.figures)
    assert figures["f1"].value == 1.0
    assert figures["missed"].value == figures["false"].value == figures["ic_mae_ms"].value == 0.0
    assert figures["cadence_p95"].value == pytest.approx(0.0, abs=1e-9)
