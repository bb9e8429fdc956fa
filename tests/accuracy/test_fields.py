"""Errors of every field against the truth of a simulation."""

from typing import Any

import msgspec
import numpy as np
import pytest

from ankled.daemon.records import Rep
from ankled.simulators.simulation import simulate
from ankled.simulators.truth import Repetition
from benchmarks.scoring.events import Counts
from benchmarks.scoring.fields import ANGLES_DEG, SIZES, TIMES_S, score_leg
from tests.accuracy.perfect import NAMES, make_rep

FIELDS = (*TIMES_S, *ANGLES_DEG, *SIZES)


@pytest.fixture(scope="module")
def walk() -> list[Repetition]:
    """Return the truth of the left leg of a walk."""
    return simulate("walk").legs["left"].truth


def _perfect(truth: list[Repetition], **given: Any) -> list[Rep]:
    """Return records that say what the truth says, but for what is given."""
    known = [{name: value for name, value in msgspec.to_builtins(rep).items() if name in NAMES} for rep in truth]
    return [make_rep(**(fields | given)) for fields in known]


@pytest.mark.parametrize("scenario", ["walk", "knee_extension", "demo"])
def test_truth_as_prediction_has_no_error(scenario: str) -> None:
    """Pins that every field that the truth has is compared, and agrees with itself."""
    truth = simulate(scenario).legs["right"].truth
    score = score_leg(truth, _perfect(truth), "left")
    assert score.counts() == Counts(hits=len(truth))
    assert not score.nulls
    for name in FIELDS:
        if any(getattr(rep, name) is not None for rep in truth):
            assert np.all(score.errors[name] == 0.0), name


def test_errors_have_the_unit_of_their_field(walk: list[Repetition]) -> None:
    """Pins milliseconds for instants, degrees for angles, and percent of the median size for the rest."""
    records = [
        msgspec.structs.replace(
            made, toe_off_s=(rep.toe_off_s or 0.0) + 0.01, rom_deg=1.1 * rep.rom_deg, plane_angle_deg=7.0
        )
        for rep, made in zip(walk, _perfect(walk), strict=True)
    ]
    score = score_leg(walk, records, "left")
    assert np.allclose(score.errors["toe_off_s"], 10.0)
    assert np.median(score.errors["rom_deg"]) == pytest.approx(10.0)
    assert np.allclose(score.errors["plane_angle_deg"], [7.0 - rep.plane_angle_deg for rep in walk])


def test_nulls_are_counted_and_are_no_error(walk: list[Repetition]) -> None:
    """Pins that leaving a field out neither helps nor hides."""
    score = score_leg(walk, _perfect(walk, lateral_force_peak_n=None), "left")
    assert score.nulls == {"lateral_force_peak_n": len(walk)}
    assert "lateral_force_peak_n" not in score.errors


def test_the_wrong_kind_is_missed_and_false(walk: list[Repetition]) -> None:
    """Pins that strides told as repetitions count twice."""
    score = score_leg(walk, _perfect(walk, kind="rep"), "left")
    assert score.strides == Counts(missed=len(walk))
    assert score.reps == Counts(false=len(walk))
