"""Results around faults: what was not touched is as without them, and what was is counted once at most."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

import msgspec
import pytest

from ankled.daemon.config.schema import SessionConfig
from ankled.daemon.records import Alert, Event, Pair, Rep, Session, Set, to_json
from ankled.simulators.exercises import Exercise
from ankled.simulators.idle import Stand
from ankled.simulators.scenarios import Scenario
from ankled.simulators.wearer import Style
from tests.live.account import play
from tests.live.runs import config_for

if TYPE_CHECKING:
    from ankled.daemon.config import Config
    from ankled.simulators.radio.world import World
    from tests.live.account import Played

R = TypeVar("R", Rep, Set, Session, Event)
LONG_S = 40.0
NEAR_S = 0.3
"""The repetition after a gap may end so much earlier or later: the orientation has not settled."""


def of(played: Played, kind: type[R], device: str | None = "left") -> list[R]:
    """Return the records of a kind."""
    records = [one for _, one in played.run.kept.records if isinstance(one, kind)]
    return [one for one in records if device is None or getattr(one, "device", None) == device]


@cache
def untouched(scenario: str, driver: str) -> list[Rep]:
    """Return the repetitions without any fault."""
    with TemporaryDirectory() as folder:
        return of(play(f"left={driver}", "", LONG_S, Path(folder), scenario=scenario, numbered=False), Rep)


def same(one: Rep, other: Rep) -> bool:
    """Tell whether two records are of the same movement: one seen the other way round begins at its far end."""
    return abs(one.start_s - other.start_s) < NEAR_S and abs(one.end_s - other.end_s) < NEAR_S


@pytest.mark.parametrize(
    ("scenario", "driver", "loss_s"),
    [
        ("leg_raise", "openankle", 12.2),  # on the way up: back when the leg is held at the top
        ("leg_raise", "openankle", 15.0),  # at rest between two
        ("leg_raise", "openankle", 17.0),
        ("leg_raise", "openankle", 18.6),  # on the last part of the way down
        ("knee_extension", "polar", 17.5),
        ("walk", "movesense", 13.5),
    ],
)
def test_a_lost_link_touches_what_it_meets_and_nothing_else(
    scenario: str, driver: str, loss_s: float, tmp_path: Path
) -> None:
    """Before it, the same bytes; after it, the same movements, the same way round; in it, one at most for each."""
    base = untouched(scenario, driver)
    played = play(f"left={driver}", f"{loss_s} link_loss left", LONG_S, tmp_path, scenario=scenario, numbered=False)
    reps = of(played, Rep)
    (gap,) = [one for one in of(played, Event) if one.event == "interrupted"]
    end_s = gap.known_at_s
    begin_s = end_s - float(gap.detail["gap_s"])
    before = [to_json(one) for one in reps if one.known_at_s < begin_s]
    assert before == [to_json(one) for one in base if one.known_at_s < begin_s]
    assert before
    margin_s = 1.2 if scenario == "walk" else 0.0  # the stride after it is the first of a bout, and has no beginning
    apart = [one for one in base if one.end_s < begin_s or one.start_s > end_s + margin_s]
    assert len(apart) >= len(base) - 3
    for one in apart:
        assert sum(same(one, other) for other in reps) == 1, f"{one.start_s:.2f} to {one.end_s:.2f}"
    for one in reps:
        met = [other for other in base if other.start_s < one.end_s - NEAR_S and one.start_s < other.end_s - NEAR_S]
        assert len(met) == 1, "each is of one movement"
    assert len(reps) <= len(base)
    assert [one.index for one in reps] == list(range(1, len(reps) + 1)), "a moment without a link ends no set"


def test_a_repetition_cut_by_a_long_absence_belongs_to_the_set_before_it(tmp_path: Path) -> None:
    """The rest closes the set while the sensor is away; what it cut short is in that set, not in the next one."""
    script = "18.6 out_of_range left 14"
    played = play("left=openankle", script, 50.0, tmp_path, scenario="leg_raise", numbered=False)
    first, second = of(played, Set)
    assert (first.count, first.closed_by) == (4, "rest")
    assert first.end_s < 18.7
    assert first.known_at_s - first.end_s == pytest.approx(10.0, abs=1.5)
    cut = next(one for one in of(played, Rep) if one.set == first.set and one.index == 4)
    assert cut.start_s == pytest.approx(16.9, abs=0.1)
    assert cut.end_s == pytest.approx(18.6, abs=0.1)
    assert cut.known_at_s <= first.known_at_s
    assert second.start_s > 32.6
    assert sorted(one.index for one in of(played, Rep) if one.set == second.set) == list(range(1, second.count + 1))


def idle_after_a_minute(world: World) -> Config:
    """Return a configuration whose sessions end after a minute without a repetition."""
    return msgspec.structs.replace(config_for(world), session=SessionConfig(idle_end_min=1.0))


def test_the_session_after_an_idle_one_is_right_though_its_links_were_up(tmp_path: Path) -> None:
    """It begins at zero, its numbers at one, its totals are its own; the same movement has the same results."""
    exercise = Exercise(name="leg_raise", reps=3)
    scenario = Scenario(
        name="twice",
        description="a set, more than a minute of rest, and the like once more",
        activities=(Stand(duration_s=2.0), exercise, Stand(duration_s=74.0), exercise, Stand(duration_s=2.0)),
        style=Style(jitter=0.0, tremor_deg=0.1, rest_jitter_deg=0.0),
    )
    sensors = "left=openankle right=movella_dot"
    played = play(sensors, "", 106.0, tmp_path, scenario=scenario, numbered=False, configured=idle_after_a_minute)
    first, second = of(played, Session, None)
    assert first.session != second.session
    reps = of(played, Rep, None)
    for session in (first, second):
        own = [one for one in reps if one.session == session.session]
        assert session.reps == len(own) == 6
        assert sorted(one.id.rpartition("/")[2] for one in own) == ["1", "1", "2", "2", "3", "3"]
        assert session.sets == 2
        assert sorted(session.devices) == ["left", "right"]
        kinds = [one for _, one in played.run.kept.records if isinstance(one, Pair | Alert | Set)]
        assert session.pairs == sum(isinstance(one, Pair) for one in kinds if one.session == session.session)
    ended_s = next(time_s for time_s, one in played.run.kept.records if one == first)
    for side in ("left", "right"):
        early, late = ([one for one in reps if (one.session, one.side) == (s.session, side)] for s in (first, second))
        for one, other in zip(early, late, strict=True):
            assert other.start_s + ended_s - one.start_s == pytest.approx(
                late[0].start_s + ended_s - early[0].start_s, abs=0.05
            )
            assert other.duration_s == pytest.approx(one.duration_s, abs=0.05)
            assert other.rom_deg == pytest.approx(one.rom_deg, rel=0.02)
        assert 0.0 < late[0].start_s < 30.0
    assert [one.event for one in of(played, Event) if one.event == "connected"] == ["connected"]
    assert [there for _, there in played.online()] == [False, True, False]
