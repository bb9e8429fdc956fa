"""Both legs of an athlete: which repetitions make a pair, what the pair says, and the totals of a session."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Literal

import pytest

from ankled.daemon.pipeline.athlete import AthletePipeline
from ankled.daemon.pipeline.context import Context
from ankled.daemon.records import Pair, Rep, Session
from ankled.simulators.exercises import Exercise
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Stand
from tests.daemon.records import lift, stride
from tests.daemon.wearers import legs, pairs, reps, run, session, sessions

if TYPE_CHECKING:
    from collections.abc import Iterable

SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


def _athlete() -> AthletePipeline:
    return AthletePipeline("kim", Context(node="gym", session="monday", origin_ns=0))


def _paired(records: Iterable[Rep], athlete: AthletePipeline | None = None) -> list[Pair]:
    """Return the pairs that an athlete makes of the records."""
    athlete = athlete or _athlete()
    made = [pair for record in records for pair in athlete.feed(record)]
    assert all(isinstance(pair, Pair) for pair in made)
    return pairs(made)


def _who(found: list[Pair]) -> list[tuple[str, str]]:
    return [(pair.left, pair.right) for pair in found]


# --- which belong together ------------------------------------------------------------------------------------------


def test_strides_in_turn_make_a_pair_a_cycle() -> None:
    """Left, right, left, right: each stride is in one pair, known with the later of the two."""
    walk = [stride(side, 5.0 + i + 0.5 * (side == "right")) for i in range(4) for side in SIDES]
    found = _paired(walk)
    assert _who(found) == [(f"left/{5 + i}", f"right/{5.5 + i}") for i in range(4)]
    assert [pair.index for pair in found] == [1, 2, 3, 4]
    assert found[0].known_at_s == 5.6
    assert (found[0].start_s, found[0].end_s) == (4.0, 5.5)


def test_strides_published_late_pair_like_those_in_time() -> None:
    """One leg's strides come all at once, when its axes settle: still neighbours, and none is left out."""
    wavering = (0.49, 0.52, 0.48, 0.51)
    left = [stride("left", 5.0 + i) for i in range(4)]
    right = [stride("right", 5.0 + i + step) for i, step in enumerate(wavering)]
    found = _paired([*left, *right])
    assert _who(found) == [(a.id, b.id) for a, b in zip(left, right, strict=True)]
    assert _who(_paired([*right, *left])) == _who(found)


def test_strides_far_apart_are_no_pair() -> None:
    """A leg that stands while the other one steps has no part in it."""
    assert not _paired([stride("left", 5.0), stride("right", 7.0)])
    assert len(_paired([stride("left", 5.0), stride("right", 7.0), stride("left", 7.5)])) == 1


def test_repetitions_of_both_legs_at_once() -> None:
    """Squats: the two of the same moment."""
    found = _paired(lift(side, i, 4.0 * i) for i in range(1, 4) for side in SIDES)
    assert _who(found) == [(f"left/{4 * i}", f"right/{4 * i}") for i in range(1, 4)]


def test_repetitions_in_turn() -> None:
    """Left, right, left, right: by their place in the set."""
    found = _paired(lift(side, i, 6.0 * i + 3.0 * (side == "right")) for i in range(1, 4) for side in SIDES)
    assert _who(found) == [(f"left/{6 * i}", f"right/{6 * i + 3}") for i in range(1, 4)]


def test_a_set_of_one_leg_and_then_of_the_other() -> None:
    """Ten left, then ten right: the first with the first, however long ago."""
    left = [lift("left", i, 4.0 * i) for i in range(1, 11)]
    right = [lift("right", i, 100.0 + 4.0 * i) for i in range(1, 11)]
    found = _paired([*left, *right])
    assert _who(found) == [(a.id, b.id) for a, b in zip(left, right, strict=True)]


def test_two_rounds_pair_within_the_round() -> None:
    """What the shorter set of a round left over waits in vain: the next round begins with its own first."""
    rounds = [
        lift(side, i, 200.0 * turn + 100.0 * (side == "right") + 4.0 * i)
        for turn in range(2)
        for side, count in (("left", 5), ("right", 3 if turn == 0 else 5))
        for i in range(1, count + 1)
    ]
    found = _paired(rounds)
    assert [(pair.left, pair.right) for pair in found[3:]] == [
        (f"left/{200 + 4 * i}", f"right/{300 + 4 * i}") for i in range(1, 6)
    ]


def test_a_set_that_only_one_leg_did_pairs_with_nothing_later() -> None:
    """Left works alone, then both together: each pairs with its own moment, not with the set ten minutes before."""
    alone = [lift("left", i, 4.0 * i) for i in range(1, 4)]
    both = [lift(side, i, 600.0 + 4.0 * i) for i in range(1, 4) for side in SIDES]
    found = _paired([*alone, *both])
    assert _who(found) == [(f"left/{600 + 4 * i}", f"right/{600 + 4 * i}") for i in range(1, 4)]


def test_contacts_of_the_same_instant_have_no_cadence() -> None:
    """Two recordings of the same leg by mistake: a pair without a step time is no division by zero."""
    (found,) = _paired([stride("left", 5.0, first=True), stride("right", 5.0, first=True)])
    assert found.cadence_per_min is None


def test_a_stride_and_a_repetition_are_no_pair() -> None:
    """Kinds do not mix."""
    assert not _paired([stride("left", 5.0), lift("right", 1, 4.0)])


def test_an_unknown_side_counts_and_pairs_with_nobody() -> None:
    """Without a side there is no other leg; the totals have it."""
    athlete = _athlete()
    assert not _paired([stride("left", 5.0), stride("unknown", 5.5)], athlete)
    (total,) = sessions(athlete.stop(9.0))
    assert (total.strides, total.pairs) == (2, 0)


def test_waiting_has_a_bound() -> None:
    """However long one leg walks alone, no more than 64 of its strides wait for the other."""
    athlete = _athlete()
    assert not _paired((stride("left", float(i)) for i in range(200)), athlete)
    assert len(athlete.snapshot().left) == 64
    assert len(_paired([stride("right", 199.5)], athlete)) == 1


# --- what a pair says -----------------------------------------------------------------------------------------------


def test_steps_and_double_support_of_an_even_walk() -> None:
    """Contacts half a second apart, 0.62 s on the ground of 1 s: 0.24 s on both feet, 120 steps a minute."""
    (pair,) = _paired([stride("left", 5.0), stride("right", 5.5)])
    assert pair.step_time_left_s == pytest.approx(0.5)
    assert pair.step_time_right_s == pytest.approx(0.5)
    assert pair.cadence_per_min == pytest.approx(120.0)
    assert pair.double_support_s == pytest.approx(0.24)


@pytest.mark.parametrize("leads", SIDES)
def test_a_step_belongs_to_the_leg_that_lands(leads: str) -> None:
    """From the other foot's contact to its own: 0.6 s for the later leg, 0.4 s for the earlier one."""
    follows = "right" if leads == "left" else "left"
    (pair,) = _paired([stride(leads, 5.0), stride(follows, 5.6)])
    steps = {"left": pair.step_time_left_s, "right": pair.step_time_right_s}
    assert steps == {leads: pytest.approx(0.4), follows: pytest.approx(0.6)}


def test_running_has_no_double_support() -> None:
    """Never less than none."""
    (pair,) = _paired(stride(side, at, toe_off_s=at - 0.7) for side, at in (("left", 5.0), ("right", 5.5)))
    assert pair.double_support_s == 0.0


def test_of_a_first_stride_only_the_last_step_is_known() -> None:
    """It has no contact before: neither the other leg's step nor double support can be told."""
    (pair,) = _paired([stride("left", 5.0), stride("right", 5.5, first=True, start_s=5.12, duration_s=0.38)])
    assert (pair.step_time_left_s, pair.double_support_s, pair.time, pair.impulse) == (None, None, None, None)
    assert pair.step_time_right_s == pytest.approx(0.5)
    assert pair.load_left_percent is pair.load_right_percent is None


def test_contacts_that_do_not_alternate_tell_no_step_of_the_earlier_leg() -> None:
    """Two contacts of one leg after the other's: its own cycle began too late to hold the other's step."""
    hop = {"start_s": 5.3, "duration_s": 0.6, "toe_off_s": 5.6}
    (pair,) = _paired([stride("left", 5.0, start_s=3.5, duration_s=1.5), stride("right", 5.9, **hop)])
    assert (pair.step_time_left_s, pair.double_support_s) == (None, None)
    assert pair.step_time_right_s == pytest.approx(0.9)


def test_repetitions_have_no_steps() -> None:
    """Step times are about walking."""
    (pair,) = _paired([lift("left", 1, 4.0), lift("right", 1, 4.0)])
    assert pair.step_time_left_s is pair.step_time_right_s is pair.cadence_per_min is pair.double_support_s is None


def test_symmetry_is_positive_when_the_right_leg_has_more() -> None:
    """SI = 100 (R - L) / (0.5 (R + L)), log ratio 100 ln(R / L), for magnitudes: an inward force compares as well."""
    right = {"rom_deg": 50.0, "lateral_force_peak_n": -6.0, "lateral_force_impulse_n_s": 3.0, "duration_s": 1.8}
    (pair,) = _paired([lift("left", 1, 4.0, lateral_force_peak_n=-4.0), lift("right", 1, 7.0, **right)])
    for found, (a, b) in (
        (pair.rom, (40.0, 50.0)),
        (pair.force, (4.0, 6.0)),
        (pair.impulse, (2.0, 3.0)),
        (pair.time, (2.0, 1.8)),
    ):
        assert found is not None
        assert (found.left, found.right) == (a, b)
        assert found.index_percent == pytest.approx(200.0 * (b - a) / (a + b))
        assert found.log_ratio_percent == pytest.approx(100.0 * log(b / a))
    assert pair.contact_time is None
    assert pair.load_left_percent == pytest.approx(40.0)
    assert pair.load_right_percent == pytest.approx(60.0)


def test_load_shares_add_up_over_all_pairs() -> None:
    """A share is that of the summed impulse so far, and both make 100 %."""
    athlete = _athlete()
    found = _paired(
        (
            lift(side, i, 4.0 * i, lateral_force_impulse_n_s=1.0 + i if side == "left" else 2.0)
            for i in range(1, 6)
            for side in SIDES
        ),
        athlete,
    )
    left = right = 0.0
    for i, pair in enumerate(found, 1):
        left, right = left + 1.0 + i, right + 2.0
        assert pair.load_left_percent is not None
        assert pair.load_right_percent is not None
        assert pair.load_left_percent == pytest.approx(100.0 * left / (left + right))
        assert pair.load_left_percent + pair.load_right_percent == pytest.approx(100.0)
    (total,) = sessions(athlete.stop(60.0))
    assert total.load_left_percent == found[-1].load_left_percent


def test_forces_of_different_bandwidth_are_not_compared() -> None:
    """A peak depends on the bandwidth it was measured in."""
    (pair,) = _paired([lift("left", 1, 4.0), lift("right", 1, 4.0, bandwidth_hz=10.0)])
    assert pair.force is pair.impulse is None
    assert pair.rom is not None


def test_an_interval_comes_with_the_third_pair_and_looks_back_so_far() -> None:
    """The mean index has bounds from three pairs on, over at most the last 64."""
    found = _paired(
        lift(side, i, 4.0 * i, rom_deg=40.0 + (i % 3) * (side == "right")) for i in range(1, 71) for side in SIDES
    )
    assert [pair.rom.low_percent is None for pair in found if pair.rom][:3] == [True, True, False]
    last = found[-1].rom
    assert last is not None
    assert last.pairs == 64
    assert last.low_percent is not None
    assert last.high_percent is not None
    assert last.low_percent < last.mean_index_percent < last.high_percent


# --- totals ---------------------------------------------------------------------------------------------------------


def test_totals_are_written_once() -> None:
    """A session ends once; what comes later is another one's, with a number of its own."""
    athlete = _athlete()
    athlete.feed(lift("left", 1, 4.0))
    (total,) = athlete.stop(60.0)
    assert isinstance(total, Session)
    assert (total.id, total.reps, total.start_s, total.end_s) == ("monday/kim/session/1", 1, 4.0, 60.0)
    assert athlete.stop(61.0) == []
    athlete.feed(lift("left", 1, 70.0))
    (later,) = sessions(athlete.stop(80.0))
    assert (later.id, later.seq, later.reps, later.start_s) == ("monday/kim/session/2", 2, 1, 70.0)


# --- the whole way --------------------------------------------------------------------------------------------------


def test_a_walk_is_in_step() -> None:
    """Simulated walking: steps of both legs make the stride, and double support is a share of it."""
    records = run(session(legs(Stand(duration_s=1.5), Gait(speed_mps=1.25, strides=12), Stand(duration_s=1.5))))
    found = [pair for pair in pairs(records) if pair.double_support_s is not None]
    strides = {rep.id: rep for rep in reps(records)}
    assert len(found) >= 9
    for pair in found:
        assert pair.step_time_left_s is not None
        assert pair.step_time_right_s is not None
        later = max((strides[pair.left], strides[pair.right]), key=lambda rep: rep.end_s)
        assert pair.step_time_left_s + pair.step_time_right_s == pytest.approx(later.duration_s)
        assert 0.1 < (pair.double_support_s or 0.0) < 0.5 * later.duration_s


@pytest.mark.parametrize("name", ["squat", "knee_extension"])
def test_exercises_together_and_in_turn_make_pairs(name: str) -> None:
    """Both legs at once, and one after the other: a pair a repetition."""
    records = run(session(legs(Stand(duration_s=2.0), Exercise(name=name, reps=4), Stand(duration_s=3.0))))
    left, right = ([rep.id for rep in reps(records, side)] for side in SIDES)
    assert len(left) >= 3
    assert _who(pairs(records)) == list(zip(left, right, strict=False))
