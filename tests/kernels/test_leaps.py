"""Jumps: crouch, flight and landing are one repetition; nothing else is joined."""

from __future__ import annotations

import numpy as np
import pytest

from ankled.kernels.constants import GRAVITY_MPS2
from ankled.kernels.ring import ACC
from tests.kernels import chains, lifts
from tests.kernels.lifts import Detector, Move, detect

RATE_HZ = 100.0
UP = np.array([0.0, 0.0, 1.0])


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0, 200.0])
@pytest.mark.parametrize("side", ["left", "right"])
def test_one_jump_is_one_repetition(side: str, rate_hz: float) -> None:
    """Pins count, start and end of jumps: from the crouch to the recovery from the landing."""
    truth = chains.leg_of("jump", side, rate_hz).truth
    found = chains.reps(chains.rows_of(chains.simulated("jump", side, rate_hz)))
    assert len(found) == len(truth)
    np.testing.assert_allclose(found["start_s"], [rep.start_s for rep in truth], atol=0.06)
    np.testing.assert_allclose(found["end_s"], [rep.end_s for rep in truth], atol=0.06)
    assert np.all(found["phases_ok"] == 0)


def crouches(starts_s: list[float], flights_s: list[tuple[float, float]], pushes_s: list[float]) -> Detector:
    """Return the detector after crouches of a second, with free fall and pushes of a tenth of a second put in."""
    moves: list[Move] = []
    for start in starts_s:
        moves += [(start, 30.0, 0.5), (start + 0.5, -30.0, 0.5)]
    t = np.arange(0.0, starts_s[-1] + 4.0, 1.0 / RATE_HZ)
    rows = lifts.rows(lifts.angle(moves, t), RATE_HZ, noise=0.01)
    for start, end in flights_s:
        rows[(t > start) & (t < end), ACC : ACC + 3] = 0.0
    for push in pushes_s:
        rows[(t > push) & (t < push + 0.1), ACC : ACC + 3] += 2.0 * GRAVITY_MPS2 * UP
    return detect(rows, RATE_HZ)


def test_alternating_excursions_without_a_flight_stay_apart() -> None:
    """Pins that pushes and pauses alone join nothing, and delay nothing beyond 300 ms."""
    starts = [4.0, 5.5, 8.5, 10.0]
    run = crouches(starts, [], [start + 0.85 for start in starts])
    assert run.count == 4
    assert np.all(run.known / RATE_HZ - (np.array(starts) + 1.0) < 0.3)


def test_rebounds_count_flights() -> None:
    """Pins that in a series each flight is one repetition: the first has a crouch of its own, the others share."""
    starts = [4.0, 5.5, 7.0, 8.5]
    run = crouches(starts, [(s + 1.0, s + 1.45) for s in starts[:-1]], [s + 0.9 for s in starts[:-1]])
    assert run.count == 3
    np.testing.assert_allclose(run.found["start"] / RATE_HZ, [4.0, 7.0, 8.5], atol=0.1)
    np.testing.assert_allclose(run.found["end"] / RATE_HZ, [6.5, 8.0, 9.5], atol=0.1)


def test_a_crouch_whose_flight_ends_standing_is_kept() -> None:
    """Pins that a flight without a landing to see loses nothing: the crouch is reported by itself."""
    run = crouches([4.0, 9.0], [(5.0, 5.45)], [4.9])
    assert run.count == 2
    assert run.known[0] / RATE_HZ < 7.0


def test_an_interrupted_jump_is_kept() -> None:
    """Pins flush: a crouch that still waits for the landing is reported, and no state waits on."""
    t = np.arange(0.0, 5.6, 1.0 / RATE_HZ)
    rows = lifts.rows(lifts.angle([(4.0, 30.0, 0.5), (4.5, -30.0, 0.5)], t), RATE_HZ, noise=0.01)
    rows[(t > 4.9) & (t < 5.0), ACC : ACC + 3] += 2.0 * GRAVITY_MPS2 * UP
    rows[t > 5.0, ACC : ACC + 3] = 0.0
    run = Detector(RATE_HZ)
    run.feed(rows[:-20])
    assert run.count == 0
    run.flush()
    assert run.count == 1
    assert run.state["leap"]["open"][0] == 0
