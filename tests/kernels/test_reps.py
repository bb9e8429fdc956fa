"""Repetitions: every kind of set that a simple detector gets wrong, timing, phases, and the properties of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import excursion, reps
from tests.kernels import lifts
from tests.kernels.lifts import Detector, cycles, detect
from tests.kernels.twins import reps_twin

if TYPE_CHECKING:
    from tests.kernels.motions import Array

RATE_HZ = 50.0
LEG_M = np.array([0.8, 0.0, 0.0])
USUAL = (1.0, 0.6, 1.0, 0.8)


def record(moves: list[lifts.Move], rate_hz: float = RATE_HZ, tail_s: float = 3.0, **how: Any) -> Array:
    """Return the rows of a leg that makes these moves; a straight leg lying along x unless said."""
    end = max(start + duration for start, _, duration in moves) + tail_s
    how.setdefault("arm_m", LEG_M)
    how.setdefault("noise", 0.03)
    return lifts.rows(lifts.angle(moves, np.arange(0.0, end, 1.0 / rate_hz)), rate_hz, **how)


@pytest.mark.parametrize("rate_hz", [25.0, 100.0, 400.0])
def test_a_set_is_counted_and_timed_at_any_rate(rate_hz: float) -> None:
    """Pins count, start, end, phases, range and delay of a plain set from 25 to 400 Hz."""
    run = detect(record(cycles(4.0, 6, 40.0, USUAL), rate_hz), rate_hz)
    begin = 4.0 + 3.4 * np.arange(6)
    assert run.count == 6
    np.testing.assert_allclose(run.found["start"] / rate_hz, begin, atol=0.15)
    np.testing.assert_allclose(run.found["end"] / rate_hz, begin + 2.6, atol=0.15)
    np.testing.assert_allclose(run.found["concentric_end"] / rate_hz, begin + 1.0, atol=0.2)
    np.testing.assert_allclose(run.found["eccentric_start"] / rate_hz, begin + 1.6, atol=0.2)
    np.testing.assert_allclose(np.degrees(run.found["rom_rad"]), 40.0, atol=1.5)
    assert np.all(run.found["phases_ok"] == 1)
    assert np.all(run.known / rate_hz - (begin + 2.6) <= 0.3)


@pytest.mark.parametrize("seed", range(4))
def test_the_mount_changes_nothing(seed: int) -> None:
    """Pins that any rotation of the sensor gives the same repetitions, and the axis in its own frame."""
    moves = cycles(4.0, 5, 30.0, USUAL)
    mount = Rotation.random(random_state=seed)
    plain, turned = (detect(record(moves, mount=m, noise=0.0), RATE_HZ).found for m in (None, mount))
    for name in ("start", "concentric_end", "eccentric_start", "end", "rom_rad", "sign_confidence"):
        np.testing.assert_allclose(turned[name], plain[name], atol=1e-6)
    np.testing.assert_allclose(mount.apply(turned["axis"]), plain["axis"], atol=1e-6)
    assert np.all(plain["axis"] @ [0.0, -1.0, 0.0] > 0.99)


@pytest.mark.parametrize(
    ("moves", "count"),
    [
        pytest.param(cycles(4.0, 10, 40.0, (0.4, 0.0, 0.4, 0.0)), 10, id="fast, no rest"),
        pytest.param(cycles(4.0, 4, 40.0, (4.0, 8.0, 4.0, 3.0)), 4, id="very slow, long holds"),
        pytest.param(cycles(4.0, 5, 40.0, USUAL) + cycles(21.0, 5, 13.0, USUAL), 10, id="a third as high afterwards"),
        pytest.param(cycles(4.0, 6, 6.0, USUAL), 6, id="low throughout"),
        pytest.param(cycles(4.0, 6, 40.0, USUAL)[:-1], 5, id="the last never comes back"),
        pytest.param([(4.0, 25.0, 1.0), *cycles(9.0, 6, 30.0, USUAL)], 6, id="another posture first"),
        pytest.param([(4.0, 25.0, 1.0), *cycles(7.0, 6, 6.0, USUAL)], 6, id="another posture, then low"),
        pytest.param([(4.0, 40.0, 1.0)], 0, id="another posture only"),
        pytest.param([(4.0, 5.0, 0.6), (4.8, -5.0, 0.6)], 0, id="one small fidget"),
        pytest.param([(4.0, 60.0, 25.0)], 0, id="a slow drift"),
    ],
)
def test_sets(moves: list[lifts.Move], count: int) -> None:
    """Pins the count where rest, range, tempo or posture are not those of a textbook."""
    assert detect(record(moves, tail_s=40.0), RATE_HZ).count == count


def test_rest_positions_that_wander_and_holds_that_creep() -> None:
    """Pins that neither a new rest angle each time nor a sagging hold splits or loses a repetition."""
    moves: list[lifts.Move] = []
    for k, shift in enumerate((0.0, 6.0, -5.0, 8.0, -7.0, 4.0)):
        begin = 4.0 + 9.0 * k
        moves += [(begin, 35.0, 1.0), (begin + 1.0, -4.0, 5.0), (begin + 6.0, shift - 31.0, 1.2)]
    assert detect(record(moves), RATE_HZ).count == 6


def test_a_hold_that_wobbles_is_one_repetition() -> None:
    """Pins that an overshoot of a third of the range, and a second swing, do not end the repetition."""
    wobble = [(1.0, -14.0, 0.6), (1.8, 11.0, 0.6), (2.6, -9.0, 0.6)]
    moves: list[lifts.Move] = []
    for begin in 4.0 + 6.0 * np.arange(5):
        moves += [(begin, 40.0, 1.0), *((begin + at, size, time) for at, size, time in wobble)]
        moves.append((begin + 3.4, -28.0, 1.0))
    assert detect(record(moves), RATE_HZ).count == 5


def test_repetitions_after_a_change_of_posture_do_not_wait_for_it_to_end() -> None:
    """Pins that lifts smaller than the change of posture before them are reported with the second of them."""
    run = detect(record([(4.0, 25.0, 1.0), *cycles(7.0, 6, 6.0, USUAL)]), RATE_HZ)
    assert run.count == 6
    np.testing.assert_allclose(run.found["start"] / RATE_HZ, 7.0 + 3.4 * np.arange(6), atol=0.3)
    assert run.known[0] / RATE_HZ < 7.0 + 3.4 + 2.6 + 0.5


def test_an_excursion_the_other_way_after_a_rest() -> None:
    """Pins that the rest side decides anew: forward lifts, then backward lifts, about one axis, from one rest."""
    moves = cycles(4.0, 5, 30.0, USUAL) + cycles(25.0, 5, -25.0, USUAL)
    run = detect(record(moves, arm_m=np.zeros(3)), RATE_HZ)
    assert run.count == 10
    np.testing.assert_allclose(run.found["start"][5:] / RATE_HZ, 25.0 + 3.4 * np.arange(5), atol=0.2)
    assert np.all(run.found["axis"][:5, 1] < -0.9)
    assert np.all(run.found["axis"][5:, 1] > 0.9)


def test_a_movement_that_lifts_nothing_has_no_sure_phases() -> None:
    """Pins that without vertical velocity repetitions are counted and the phases are called unreliable."""
    run = detect(record(cycles(4.0, 5, 30.0, USUAL), arm_m=np.zeros(3)), RATE_HZ)
    assert run.count == 5
    assert np.all(run.found["sign_confidence"] == 0.0)
    assert np.all(run.found["phases_ok"] == 0)


def test_a_movement_about_the_vertical() -> None:
    """Pins that what inclination cannot show is found by the gyroscope, with its range."""
    run = detect(record(cycles(4.0, 6, 30.0, USUAL), axis=np.array([0.0, 0.1, 1.0])), RATE_HZ)
    assert run.count == 6
    assert np.all(run.found["by_gyro"] == 1)
    np.testing.assert_allclose(np.degrees(run.found["rom_rad"]), 30.0, atol=1.5)


def test_a_way_back_without_end_is_given_up() -> None:
    """Pins that a leg which goes on turning is no repetition: its peak would leave the history; the next set counts."""
    out, turning = np.linspace(0.0, 0.8, 40), 0.8 - np.arange(1, int(100.0 * RATE_HZ)) / RATE_HZ
    still = np.zeros(int(4.0 * RATE_HZ))
    spin = np.concatenate((still, out, turning, still + turning[-1]))
    run = Detector(RATE_HZ)
    run.feed(lifts.rows(spin[: int(60.0 * RATE_HZ)], RATE_HZ, arm_m=LEG_M))
    assert run.state["mode"][0] == excursion.HOME
    run.feed(lifts.rows(spin, RATE_HZ, arm_m=LEG_M)[int(60.0 * RATE_HZ) :])
    assert run.count == 0
    run.feed(record(cycles(4.0, 5, 40.0, USUAL)))
    assert run.count == 5


def test_small_repetitions_wait_for_company() -> None:
    """Pins that the first of a small set is reported with the second, marked retroactive, and no later one is."""
    run = detect(record(cycles(4.0, 4, 6.0, USUAL)), RATE_HZ)
    assert run.found["retroactive"].tolist() == [1, 0, 0, 0]
    assert run.known[0] == run.known[1] < run.known[2] < run.known[3]


def test_an_onset_is_not_rest() -> None:
    """Pins onset and end to an offline zigzag with the known axis: inside the sample of it or before, never in rest."""
    moves = cycles(6.0, 6, 40.0, (1.0, 1.0, 1.2, 6.0))
    t = np.arange(0.0, 70.0, 1.0 / RATE_HZ)
    truth = reps_twin.repetitions(lifts.angle(moves, t), np.radians(10.0))
    run = detect(record(moves, tail_s=6.0), RATE_HZ)
    assert run.count == len(truth) == 6
    for found, (onset, _, end) in zip(run.found, truth, strict=True):
        assert onset - 0.45 * RATE_HZ <= found["start"] <= onset
        assert end <= found["end"] <= end + 0.6 * RATE_HZ
        assert found["start"] < found["concentric_end"] <= found["peak"] <= found["eccentric_start"] < found["end"]


@settings(max_examples=10)
@given(st.lists(st.integers(1, 1500), max_size=6))
def test_pieces_give_the_same_as_the_whole(cuts: list[int]) -> None:
    """Pins run(a + b) == run(a); run(b), bit for bit, state included, and a state that is only bytes."""
    rows = record(cycles(4.0, 4, 40.0, USUAL) + cycles(20.0, 3, 6.0, USUAL))
    whole, pieces = Detector(RATE_HZ), Detector(RATE_HZ)
    whole.feed(rows)
    for part in np.split(rows, sorted({c for c in cuts if c < len(rows)})):
        pieces.feed(part)
        pieces.state = np.frombuffer(bytearray(pieces.state.tobytes()), reps.STATE)
    assert whole.found.tobytes() == pieces.found.tobytes()
    assert whole.known.tobytes() == pieces.known.tobytes()
    assert whole.state.tobytes() == pieces.state.tobytes()


def test_what_comes_later_changes_nothing_reported() -> None:
    """Pins causality: cutting the recording anywhere leaves what was known by then as it was."""
    rows = record(cycles(4.0, 5, 40.0, USUAL))
    whole = detect(rows, RATE_HZ)
    for cut in (300, 500, 777):
        part = Detector(RATE_HZ)
        part.feed(rows[:cut])
        assert part.found.tobytes() == whole.found[whole.known < cut].tobytes()


def test_repetitions_do_not_overlap() -> None:
    """Pins that running again over the open part never reports the same motion twice."""
    moves = cycles(4.0, 5, 40.0, USUAL) + cycles(25.0, 5, -30.0, USUAL) + cycles(46.0, 5, 6.0, USUAL)
    found = detect(record(moves), RATE_HZ).found
    assert np.all(found["start"][1:] >= found["end"][:-1] - 1.0)


def test_an_end_in_the_last_moments_is_kept_and_an_open_repetition_dropped() -> None:
    """Pins flush: a leg almost back counts, a leg still up does not, and the next epoch starts afresh."""
    moves = cycles(4.0, 3, 40.0, USUAL)
    almost, up = int((4.0 + 2 * 3.4 + 2.4) * RATE_HZ), int((4.0 + 2 * 3.4 + 1.2) * RATE_HZ)
    rows = record(moves)
    assert detect(rows[:almost], RATE_HZ).count == 3
    run = detect(rows[:up], RATE_HZ)
    assert run.count == 2
    run.feed(rows)
    assert run.count == 5
    assert np.all(run.found["start"][2:] >= up)


@pytest.mark.parametrize(("gap_s", "onsets_s"), [(0.7, [28.0, 34.0]), (30.0, [])])
def test_after_a_short_gap_the_rest_side_stays(gap_s: float, onsets_s: list[float]) -> None:
    """Pins resume: back with the leg held up, the far end is not taken for the rest side; after long it may be."""
    rows = record(cycles(4.0, 6, 40.0, (1.0, 2.0, 1.0, 2.0)), arm_m=np.zeros(3))  # nothing tells which way lifts
    last, back = int(22.5 * RATE_HZ), int(23.2 * RATE_HZ)
    run = Detector(RATE_HZ)
    run.feed(rows[:last])
    run.resume(gap_s * RATE_HZ)
    run.feed(rows[back:])
    run.flush()
    assert run.count >= 4
    starts_s = run.found["start"] / RATE_HZ
    starts_s[starts_s > 22.5] += 0.7
    np.testing.assert_allclose(starts_s[:3], [4.0, 10.0, 16.0], atol=0.25)
    if onsets_s:
        np.testing.assert_allclose(starts_s[3:], onsets_s, atol=0.25)
    else:
        assert 24.5 < starts_s[3] < 26.0, "it stood up long enough for anything: the way down is taken for the way out"
