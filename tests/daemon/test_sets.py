"""Sets: what closes them, when that is known, and what their repetitions add up to."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.inputs import Config, Stop, Tick
from ankled.daemon.pipeline import sets as pipeline_sets
from ankled.daemon.pipeline.context import Context
from ankled.daemon.pipeline.open_set import OpenSet
from ankled.daemon.records import Rep, Set
from ankled.daemon.settings import DeviceSettings
from tests.daemon.records import make
from tests.daemon.wearers import (
    BOOT_NS,
    SECOND,
    WALK_LIFT_WALK,
    changed,
    legs,
    packets,
    reps,
    run,
    sets,
    settings,
)

if TYPE_CHECKING:
    from ankled.daemon.inputs import Input

RIGHT = legs(*WALK_LIFT_WALK)["right"]
REST_S = settings().set_rest_s
PERIOD_S = 0.02
CONFIG = Config(host_ns=BOOT_NS, settings=settings())
DEVICE = DeviceSettings(slug="left", side="left")
CONTEXT = Context(node="gym", session="monday", origin_ns=0)


def _stop(at_s: float) -> Stop:
    return Stop(host_ns=BOOT_NS + round(at_s * SECOND), reason="asked")


def test_rest_closes_a_set_at_the_sample_that_makes_it_long_enough() -> None:
    """Known at the first sample `set_rest_s` after the end of the last repetition, neither before nor later."""
    records = run([CONFIG, *packets("right", RIGHT), _stop(60.0)])
    lifted = next(closed for closed in sets(records) if closed.of == "rep")
    assert lifted.closed_by == "rest"
    assert 0.0 <= lifted.known_at_s - lifted.end_s - REST_S < PERIOD_S + 1e-9
    assert any(abs(time_s - lifted.known_at_s) < 1e-9 for time_s in RIGHT.time_s)


def test_another_kind_of_movement_closes_a_set_when_it_is_known() -> None:
    """Walking, then lifting without a long rest: the walk's set ends when the first repetition is known, before it."""
    records = run([CONFIG, *packets("right", RIGHT), _stop(60.0)])
    walked = sets(records)[0]
    first = next(rep for rep in reps(records) if rep.kind == "rep")
    assert (walked.of, walked.closed_by) == ("stride", "movement")
    assert walked.known_at_s == first.known_at_s
    assert records.index(walked) == records.index(first) - 1
    assert walked.seq == first.seq - 1


def test_a_stop_closes_the_set_that_is_open() -> None:
    """Known when the session ends."""
    records = run([CONFIG, *packets("right", RIGHT), _stop(60.0)])
    last = sets(records)[-1]
    assert (last.closed_by, last.known_at_s) == ("stop", 60.0)
    assert last.end_s < 60.0


def test_a_tick_closes_the_set_of_a_silent_device() -> None:
    """No sample says that it rests: the first tick after so long a silence does, once, at its own time."""
    walked = RIGHT.until(9.0)
    ticks = [Tick(host_ns=BOOT_NS + round((9.5 + i) * SECOND)) for i in range(12)]
    records = run([CONFIG, *packets("right", walked), *ticks, _stop(60.0)])
    (closed,) = sets(records)
    silent_since_s = float(walked.time_s[-1])
    assert closed.closed_by == "rest"
    assert 0.0 <= closed.known_at_s - silent_since_s - REST_S < 1.0
    assert closed.known_at_s % 1.0 == pytest.approx(0.5)


def test_a_tick_leaves_a_device_alone_that_sends() -> None:
    """With samples arriving, ticks change nothing: the samples tell the rest."""
    moving = packets("right", RIGHT)
    end_s = float(RIGHT.time_s[-1])
    ticks = [Tick(host_ns=BOOT_NS + round(i * 0.5 * SECOND)) for i in range(1, int(2 * end_s))]
    both: list[Input] = [*moving, *ticks]
    mixed = sorted(both, key=lambda item: item.host_ns)
    assert run([CONFIG, *mixed, _stop(60.0)]) == run([CONFIG, *moving, _stop(60.0)])


def test_after_silence_a_new_set_begins_with_the_rest_before_it() -> None:
    """`rest_before_s` is null for the first set, then the time from the end of the set before."""
    records = run([CONFIG, *packets("right", RIGHT), _stop(60.0)])
    closed = sets(records)
    assert closed[0].rest_before_s is None
    for before, after in pairwise(closed):
        assert after.rest_before_s == pytest.approx(after.start_s - before.end_s)


@pytest.mark.parametrize("rest_s", [2.0, 5.0])
def test_the_rest_that_closes_is_the_configured_one(rest_s: float) -> None:
    """`set_rest_s` decides."""
    config = Config(host_ns=BOOT_NS, settings=settings(set_rest_s=rest_s))
    records = run([config, *packets("right", RIGHT), _stop(60.0)])
    for closed in sets(records)[:-1]:
        if closed.closed_by == "rest":
            assert 0.0 <= closed.known_at_s - closed.end_s - rest_s < PERIOD_S + 1e-9


def test_a_set_sums_up_the_records_it_is_made_of() -> None:
    """Every figure of a set can be computed from its published repetitions."""
    given = changed(settings(), "right", exercise="leg raise")
    records = run([Config(host_ns=BOOT_NS, settings=given), *packets("right", RIGHT), _stop(60.0)])
    for closed in sets(records):
        inside = [rep for rep in reps(records) if rep.set == closed.set]
        assert closed.count == len(inside)
        assert (closed.start_s, closed.end_s) == (inside[0].start_s, inside[-1].end_s)
        assert closed.duration_s == closed.end_s - closed.start_s
        assert closed.quality == pytest.approx(sum(rep.quality for rep in inside) / len(inside))
        rom = [rep.rom_deg for rep in inside if rep.rom_deg is not None]
        assert closed.rom_mean_deg == pytest.approx(sum(rom) / len(rom))
        lifted = closed.of == "rep"
        assert closed.movement == ("leg raise" if lifted else "walk")
        assert closed.time_under_tension_s == (pytest.approx(sum(rep.duration_s for rep in inside)) if lifted else None)
        assert (closed.contact_time_mean_s is None) == lifted


def _rep(index: int, **given: object) -> Rep:
    """Return a repetition of two seconds, four apart."""
    start_s = 4.0 * index
    fields: dict[str, object] = {"kind": "rep", "movement": "exercise", "index": index, "first": None, "turn": None}
    times = {"start_s": start_s, "end_s": start_s + 2.0, "known_at_s": start_s + 2.1, "duration_s": 2.0}
    return make(Rep, **(fields | times | {"mean_velocity_rad_s": 1.0, "rom_deg": 40.0, "quality": 1.0} | given))


def _close(*made: Rep) -> Set:
    open_set = OpenSet(number=1, of=made[0].kind, rest_before_s=None)
    for rep in made:
        open_set.add(rep)
    return pipeline_sets.close(open_set, "rest", 99.0, 7, DEVICE, CONTEXT)


def test_velocity_loss_and_its_trend() -> None:
    """VL% = 100 (best - last) / best; slope per repetition by Theil-Sen; a fall by half in ten is fatigue."""
    tired = _close(*(_rep(i, mean_velocity_rad_s=2.0 - 0.1 * i) for i in range(1, 11)))
    assert (tired.velocity_best_rad_s, tired.velocity_last_rad_s) == (1.9, 1.0)
    assert tired.velocity_loss_percent == pytest.approx(100.0 * 0.9 / 1.9)
    assert tired.velocity_trend is not None
    assert tired.velocity_trend.slope_per_rep == pytest.approx(-0.1)
    assert tired.velocity_trend.p_value < 0.001
    assert tired.fatigue == "likely"


def test_a_steady_set_shows_no_fatigue_and_a_short_one_says_nothing() -> None:
    """No trend, no fatigue; two repetitions are too few to tell."""
    assert _close(*(_rep(i) for i in range(1, 11))).fatigue == "none"
    short = _close(_rep(1), _rep(2))
    assert (short.fatigue, short.velocity_trend, short.rom_trend) == ("unknown", None, None)


def test_a_slight_but_steady_fall_is_possible_fatigue() -> None:
    """A certain trend with little loss is not called more than possible."""
    assert _close(*(_rep(i, mean_velocity_rad_s=2.0 - 0.01 * i) for i in range(1, 13))).fatigue == "possible"


def test_what_a_set_cannot_tell_is_null() -> None:
    """Without velocities, angles and forces the figures made of them are null, and the count stands."""
    blank = _rep(1, mean_velocity_rad_s=None, rom_deg=None, cadence_per_min=None, lateral_force_impulse_n_s=None)
    closed = _close(blank)
    for name in (
        "rom_mean_deg",
        "velocity_mean_rad_s",
        "velocity_best_rad_s",
        "velocity_last_rad_s",
        "velocity_loss_percent",
        "cadence_mean_per_min",
        "lateral_force_impulse_n_s",
        "stride_time_cv_percent",
    ):
        assert getattr(closed, name) is None, name
    assert closed.count == 1


def test_the_spread_of_stride_times_leaves_out_first_strides_and_turns() -> None:
    """Neither the half stride that begins a bout nor a turn is part of steady walking."""
    strides = [
        _rep(i, kind="stride", movement="walk", duration_s=duration, first=first, turn=turn)
        for i, (duration, first, turn) in enumerate(
            [(0.4, True, False), (1.0, False, False), (1.1, False, False), (1.2, False, False), (3.0, False, True)], 1
        )
    ]
    closed = _close(*strides)
    assert closed.stride_time_cv_percent == pytest.approx(100.0 * (0.02 / 3) ** 0.5 / 1.1)


def test_the_movement_of_a_set_is_that_of_most() -> None:
    """A jog with a few walking strides is a run; at a tie the first in the alphabet, always the same."""
    made = [_rep(i, movement=name) for i, name in enumerate(["run", "walk", "run"], 1)]
    assert _close(*made).movement == "run"
    assert _close(*made[:2]).movement == _close(*made[1:]).movement == "run"
