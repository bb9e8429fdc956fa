"""Real recordings, with records made of their own truth: loaders and scores must then agree to the last digit."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets import broad, gaitmap, ipol, leg_raises
from benchmarks.scoring.events import Counts
from benchmarks.scoring.orientation import inclination_rmse_deg
from benchmarks.scoring.reps import score_session
from benchmarks.suites import gaitmap as gaitmap_suite
from benchmarks.suites import ipol as ipol_suite
from tests.accuracy.perfect import make_rep, make_strides

pytestmark = pytest.mark.usefixtures("data_folder")


def test_every_walk_is_perfect_against_itself() -> None:
    """Pins packet counters as time and the boundaries: 58 walks, no miss, no false one, no error of cadence."""
    scores = []
    for name in ipol.walk_names():
        walk = ipol.load_walk(name)
        strides = {side: make_strides(side, foot.heel_strike_s, foot.toe_off_s) for side, foot in walk.feet.items()}
        scores.append(ipol_suite.score_walk(walk, [rep for reps in strides.values() for rep in reps]))
    assert len(scores) == 58
    counts = sum((score.counts() for score in scores), Counts())
    assert counts.missed == counts.false == 0
    assert counts.hits > 1900
    figures = {figure.key: figure for figure in ipol_suite.summarise(scores).figures}
    assert figures["f1"].value == figures["toe_off_f1"].value == 1.0
    assert figures["cadence_p95"].value == pytest.approx(0.0, abs=1e-9)
    assert figures["ic_mae_ms"].value == figures["to_mae_ms"].value == 0.0


def test_walks_lie_on_the_packet_grid() -> None:
    """Pins the trap: rows are missing, so rows over the rate is not the time."""
    data = ipol.load_walk("8-5").feet["left"].data
    assert np.all(np.diff(data.time_s) > 0.009)
    assert data.duration_s() > 1.15 * len(data.time_s) / ipol.RATE_HZ


def test_gaitmap_is_perfect_against_itself() -> None:
    """Pins the truth of both files that have one, and plausible lengths, rates and units of all."""
    for each in gaitmap.load_passes():
        records = [
            rep
            for side, truth in each.truth.items()
            for rep in make_strides(side, truth.contact_s, truth.toe_off_s)
            if any(start - 0.2 <= rep.end_s <= end + 0.2 for start, end in truth.spans_s)
        ]
        score = gaitmap_suite.score_pass(each, records)
        for foot in score.feet:
            assert foot.contacts.f1() == 1.0
            assert np.all(foot.contact_error_s == 0.0)
        for truth in each.truth.values():
            usual = np.median(np.diff(truth.contact_s))
            assert 0.9 < usual < 1.3
            assert all(0.3 < length < 1.6 for length in truth.length_m.values())
        for data in each.feet.values():
            assert 5.0 < np.abs(data.gyr).max() < 36.0
            assert 9.0 < np.percentile(np.linalg.norm(data.acc, axis=1), 10) < 10.2


def test_every_session_is_perfect_against_itself() -> None:
    """Pins the labelled intervals of person 1 and the borders between the sets of both."""
    for name in leg_raises.session_names():
        session = leg_raises.load_session(name)
        assert 75.0 < session.borders_s[0] < 95.0
        assert 145.0 < session.borders_s[1] < 155.0
        if session.intervals_s is not None:
            reps = [make_rep(kind="rep", start_s=a, end_s=b, known_at_s=b) for a, b in session.intervals_s]
            assert score_session(session, reps).sets == (Counts(10), Counts(10), Counts(10))


def test_the_optical_reference_has_no_error_against_itself(data_folder: Path) -> None:
    """Pins quaternion order and mask on every trial."""
    assert data_folder.is_dir()
    for name in broad.trial_names():
        trial = broad.load_trial(name)
        assert trial.rate_hz == pytest.approx(285.714, abs=0.001)
        assert inclination_rmse_deg(np.nan_to_num(trial.reference), trial) == pytest.approx(0.0, abs=1e-5)
