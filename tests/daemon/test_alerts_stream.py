"""Alerts on the whole way, from samples to records: told soon, in order, the same in every replay, and else silence."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.inputs import Config
from ankled.daemon.pipeline import Core, DevicePipeline
from ankled.daemon.pipeline.context import Context
from ankled.daemon.records import Alert, Event
from ankled.daemon.settings import DeviceSettings
from ankled.simulators.simulation import simulate
from tests.daemon.wearers import (
    WALK_LIFT_WALK,
    Recording,
    alerts,
    in_order,
    legs,
    lines,
    reps,
    run,
    session,
    sessions,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ankled.daemon.inputs import Input
    from ankled.daemon.records import Record

REASONS = ("lateral_disturbance", "fatigue", "asymmetry")


@functools.cache
def _recorded(scenario: str, seed: int = 0) -> dict[str, Recording]:
    made = simulate(scenario, rate_hz=50.0, seed=seed, with_truth=False).legs
    return {side: Recording(leg.time_s, leg.acc, leg.gyr) for side, leg in made.items()}


def _inputs(scenario: str, sizes: Sequence[int] = (5,), seed: int = 0) -> list[Input]:
    return session(_recorded(scenario, seed), sizes=sizes)


@functools.cache
def _records(scenario: str, seed: int = 0) -> list[Record]:
    return run(_inputs(scenario, seed=seed))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("scenario", "alert", "devices", "within"),
    [
        ("lateral_disturbance", "compensating_movement", {"left", "right"}, (10, 11)),
        ("fatigue", "fatigue", {"left", "right"}, (6, 10)),
        ("asymmetry", "asymmetry", {None}, (6, 8)),
    ],
)
def test_a_reason_is_told_within_few_repetitions(
    scenario: str, alert: str, devices: set[str | None], within: tuple[int, int], seed: int
) -> None:
    """Once for each leg, or for both together; the disturbance begins with the eighth repetition, the others at once.

    The alert is known with the repetition that makes it sure, and follows it or its pair.
    """
    records = _records(scenario, seed)
    found = alerts(records)
    assert {one.alert for one in found} == {alert}
    assert len(found) == len(devices)
    assert {one.device for one in found} == devices
    for one in found:
        cause = records[records.index(one) - 1]
        assert cause.known_at_s == one.known_at_s
        assert not isinstance(cause, Alert)
        last = next(rep for rep in reversed(reps(records[: records.index(one)], one.device)))
        assert within[0] <= last.index <= within[1]
        ids = {getattr(record, "id", "") for record in records}
        assert set(one.about) <= ids


@pytest.mark.parametrize("scenario", REASONS)
def test_alerts_are_numbered_like_other_records(scenario: str) -> None:
    """No id twice, no hole in `seq`, and the totals of the session count them."""
    records = _records(scenario)
    assert in_order(records)
    (total,) = sessions(records)
    assert total.alerts == len(alerts(records)) > 0


@pytest.mark.parametrize("scenario", REASONS)
def test_packets_of_another_size_change_nothing(scenario: str) -> None:
    """How the samples of a device are cut does not alter its records, alerts and their numbers included."""
    other = run(_inputs(scenario, sizes=(3, 11, 1)))
    for side in ("left", "right"):
        of_side = [
            lines(r for r in records if getattr(r, "device", None) == side) for records in (_records(scenario), other)
        ]
        assert of_side[0] == of_side[1]


@pytest.mark.parametrize("scenario", REASONS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_session_taken_up_in_its_middle_tells_the_same(scenario: str, share: float) -> None:
    """A capture that begins in mid-session holds what alerts rest on, and none is told twice."""
    inputs = _inputs(scenario)
    first = Core()
    middle = round(share * len(inputs))
    before = [record for item in inputs[:middle] for record in first.feed(item)]
    second = Core()
    second.feed(inputs[0])
    second.restore(first.snapshot())
    after = [record for item in inputs[middle:] for record in second.feed(item)]
    assert lines([*before, *after]) == lines(_records(scenario))


@pytest.mark.parametrize("scenario", REASONS)
def test_what_comes_later_takes_no_alert_back(scenario: str) -> None:
    """Cut right behind an alert, the recording has told the same up to there."""
    inputs, told = _inputs(scenario), _records(scenario)
    core, records = Core(), []
    for item in inputs:
        records += core.feed(item)
        if alerts(records):
            break
    assert lines(records) == lines(told[: len(records)])


@pytest.mark.parametrize(
    "scenario", ["walk", "walk_slow", "walk_fast", "walk_turn", "run", "squat", "leg_raise", "hip_abduction", "fidget"]
)
def test_a_healthy_wearer_hears_nothing(scenario: str) -> None:
    """Neither walks with turns, nor runs, nor exercises that stay as they began raise an alert."""
    assert not alerts(_records(scenario))


def test_a_planned_session() -> None:
    """The plan is a setting of the device; the session's set of two lifts is no set that counts."""
    given = settings()
    devices = tuple(msgspec.structs.replace(device, planned_sets=1, movement="gait") for device in given.devices)
    given = msgspec.structs.replace(given, devices=devices)
    records = run(session(legs(*WALK_LIFT_WALK), given=given))
    assert {(one.alert, one.device) for one in alerts(records)} == {
        ("more_sets_than_planned", "left"),
        ("more_sets_than_planned", "right"),
    }


def test_a_changed_plan_takes_nothing_back() -> None:
    """Sets count from the beginning of the session, whatever the settings were in between."""
    given = settings()
    walk = tuple(msgspec.structs.replace(device, movement="gait") for device in given.devices)
    planned = tuple(msgspec.structs.replace(device, planned_sets=1) for device in walk)
    inputs = session(legs(*WALK_LIFT_WALK), given=msgspec.structs.replace(given, devices=walk))
    middle = len(inputs) // 2
    change = Config(host_ns=inputs[middle].host_ns, settings=msgspec.structs.replace(given, devices=planned))
    found = alerts(run([*inputs[:middle], change, *inputs[middle:]]))
    assert {one.evidence["value"] for one in found} == {2.0}


def test_a_slip_of_the_kernel_is_event_and_alert(compiled: None) -> None:
    """The event comes first; both have numbers of the device."""
    device = DeviceSettings(slug="left", side="left", athlete="kim", rate_hz=50.0)
    pipeline = DevicePipeline(device, Context(node="gym", session="monday", origin_ns=0))
    event, alert = pipeline._event("slip", 12.5, {"angle_deg": 40.0, "uncertainty_deg": 3.0})
    assert isinstance(event, Event)
    assert isinstance(alert, Alert)
    assert (event.seq, alert.seq, alert.about) == (1, 2, [event.id])
    assert (alert.alert, alert.device, alert.athlete, alert.known_at_s) == ("slip", "left", "kim", 12.5)
    assert len(pipeline._event("interrupted", 13.0, {"gap_s": 1.0})) == 1
