"""Phases of a repetition: onset, hold and end where the motion truly begins, rests and ends."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.kernels import chains, lifts
from tests.kernels.lifts import cycles, detect

if TYPE_CHECKING:
    from tests.kernels.chains import Rows

EXERCISES = ["knee_extension", "straight_leg_raise", "hip_abduction", "hamstring_curl", "leg_raise"]
LEG_M = np.array([0.8, 0.0, 0.0])


@functools.cache
def repetitions(scenario: str, side: str, rate_hz: float, imu: str) -> Rows:
    """Return the repetitions found in a scenario."""
    return chains.reps(chains.rows_of(chains.simulated(scenario, side, rate_hz, imu)))


@pytest.mark.parametrize("imu", ["ideal", "consumer"])
@pytest.mark.parametrize("rate_hz", [25.0, 100.0])
@pytest.mark.parametrize("scenario", EXERCISES)
def test_phases_of_the_simulator(scenario: str, rate_hz: float, imu: str) -> None:
    """Pins each phase to 10 % of the truth for the median repetition, start and end to 30 ms for each of them."""
    for side in ("left", "right"):
        truth = chains.leg_of(scenario, side, rate_hz, imu).truth
        found = repetitions(scenario, side, rate_hz, imu)
        assert len(found) == len(truth)
        for name in ("concentric_s", "hold_s", "eccentric_s"):
            true = np.array([getattr(rep, name) for rep in truth])
            assert np.median(np.abs(found[name] / true - 1.0)) < 0.1, name
        for name in ("start_s", "end_s"):
            np.testing.assert_allclose(found[name], [getattr(rep, name) for rep in truth], atol=0.03, err_msg=name)


@pytest.mark.parametrize("phases_s", [(1.0, 0.6, 1.0, 0.8), (2.5, 2.0, 3.0, 1.5), (0.6, 1.0, 1.4, 1.0)])
def test_phases_of_minimum_jerk(phases_s: tuple[float, float, float, float]) -> None:
    """Pins the phases to 40 ms and 5 % where the rate dies away with another power of time than in the simulator."""
    rate_hz = 50.0
    moves = cycles(4.0, 5, 40.0, phases_s)
    t = np.arange(0.0, 4.0 + 5 * sum(phases_s) + 3.0, 1.0 / rate_hz)
    rows = lifts.rows(lifts.angle(moves, t), rate_hz, arm_m=LEG_M, noise=0.01)
    found = detect(rows, rate_hz).found
    assert len(found) == 5
    lengths = np.diff([found[name] for name in ("start", "concentric_end", "eccentric_start", "end")], axis=0) / rate_hz
    np.testing.assert_allclose(lengths, np.array(phases_s[:3])[:, None] + np.zeros(5), rtol=0.05, atol=0.04)


def test_without_a_hold_both_phases_meet_at_the_peak() -> None:
    """Pins that a leg which turns at once is given no hold, though its rate is low for a while."""
    rate_hz = 50.0
    moves = cycles(4.0, 5, 40.0, (1.5, 0.0, 1.5, 1.0))
    rows = lifts.rows(lifts.angle(moves, np.arange(0.0, 27.0, 1.0 / rate_hz)), rate_hz, arm_m=LEG_M, noise=0.01)
    found = detect(rows, rate_hz).found
    assert len(found) == 5
    assert np.all(found["concentric_end"] == found["peak"])
    assert np.all(found["eccentric_start"] == found["peak"])


@pytest.mark.parametrize("scenario", [*EXERCISES, "squat", "jump"])
def test_nothing_is_known_late_nor_ends_after_it_is_known(scenario: str) -> None:
    """Pins publication to 300 ms after the true end of the motion, and the end to before publication.

    The first may have to wait for the second, as it could be a step: both are marked then, and no other is.
    """
    truth = chains.leg_of(scenario).truth
    found = repetitions(scenario, "left", 100.0, "consumer")
    assert len(found) == len(truth)
    assert not found["retroactive"][2:].any()
    prompt = found["retroactive"] == 0
    assert np.all((found["known_s"] - [rep.end_s for rep in truth])[prompt] < 0.3)
    assert np.all(found["end_s"] <= found["known_s"])
