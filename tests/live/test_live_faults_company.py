"""Who comes in: sensors that nobody configured, that are configured wrongly, that come late, and too many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.config import Config
from ankled.daemon.config.schema import RadioConfig, RuleConfig
from ankled.daemon.live.matching import slug_of
from ankled.daemon.records import Event, Rep
from ankled.simulators.radio.faults import parse_script
from ankled.simulators.radio.outfit import parse_sensor, worn
from tests.live.account import ONLINE, play
from tests.live.runs import config_for, run, with_devices

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.simulators.radio.world import World
    from tests.live.runs import Run


def alone(sensors: str, scenario: str = "stand") -> World:
    """Return a world with these sensors."""
    return worn(scenario, [parse_sensor(text) for text in sensors.split()], seed=3, interval_s=0.03, begin="at once")


def online(live: Run, slug: str) -> list[tuple[float, bool]]:
    """Return when a device was said to be there, and when not."""
    return [(time_s, payload == ONLINE) for time_s, payload in live.kept.of(f"{slug}/availability")]


def errors(live: Run, slug: str) -> list[str]:
    """Return what the state of a device said was wrong, each once."""
    told = [msgspec.json.decode(payload)["last_error"] for _, payload in live.kept.of(f"{slug}/state")]
    return list(dict.fromkeys(one for one in told if one is not None))


def test_devices_of_known_makes_are_adopted_and_those_on_the_block_list_are_not() -> None:
    """Online within two seconds under the slug of its address, with results; the other one is left alone."""
    world = alone("left=openankle right=witmotion", "leg_raise")
    radio = RadioConfig(block=RuleConfig(names=("WT*",)))
    live = run(world, 12.0, config=Config(node="test", adopt="known-drivers", radio=radio))
    slug, blocked = (slug_of(world.address(label)) for label in ("left", "right"))
    (_, first), (begin_s, there) = online(live, slug)[:2]
    assert (first, there) == (False, True)
    assert begin_s < 2.0
    assert {one.device for _, one in live.kept.records if isinstance(one, Rep)} == {slug}
    assert not [topic for _, topic, _ in live.kept.states if blocked in topic]
    assert not world.peripheral("right").streaming


def test_an_adopted_device_that_was_let_go_is_offline_and_adopted_again() -> None:
    """After ten minutes unseen nobody waits for it; it stays offline, and is taken up again when it is heard."""
    world = alone("left=openankle")
    script = parse_script("10 absent left 700")
    live = run(world, 720.0, config=Config(node="test", adopt="known-drivers"), faults=script)
    slug = slug_of(world.address("left"))
    assert [there for _, there in online(live, slug)] == [False, True, False, True, False]
    (_, (_, _), (gone_s, _), (back_s, _), _) = online(live, slug)
    assert 10.0 < gone_s < 12.1
    assert 710.0 < back_s < 711.0
    said = [one.event for _, one in live.kept.records if isinstance(one, Event) and one.device == slug]
    assert said == ["connected", "disconnected", "connected", "interrupted", "disconnected"]


@pytest.mark.parametrize(
    ("driver", "rate_hz", "offer"),
    [("movesense", 1000.0, "13, 26, 52, 104, 208"), ("polar", 100.0, "26, 52, 104, 208, 416")],
)
def test_a_rate_that_is_not_offered_is_told_and_not_insisted_on(
    driver: str, rate_hz: float, offer: str, tmp_path: Path
) -> None:
    """Whether the driver knows or the device says so: what is offered is in the state, and minutes pass."""
    told = f"rate_hz is {rate_hz:g}; "

    def configured(world: World) -> Config:
        return with_devices(config_for(world), rate_hz=rate_hz)

    played = play(f"left={driver}", "", 140.0, tmp_path, configured=configured)
    assert [what for _, what, _ in played.events()] == ["connected", "sensor_error", "disconnected"]
    ((time_s, _, detail),) = [one for one in played.events() if one[1] == "sensor_error"]
    assert time_s < 1.0
    assert told in detail["message"]
    last = played.states()[-1][1]
    assert told in last["last_error"]
    assert offer in last["last_error"]
    assert [there for _, there in played.online()] == [False]


def test_a_wrong_driver_is_named_with_what_is_missing(tmp_path: Path) -> None:
    """The device does not have what the driver needs: no link comes up, and the state says which is which."""

    def configured(world: World) -> Config:
        return with_devices(config_for(world), driver="movesense")

    played = play("left=openankle", "", 140.0, tmp_path, configured=configured)
    assert played.events() == []
    assert [there for _, there in played.online()] == [False]
    last = played.states()[-1][1]
    assert (last["link"], last["driver"]) == ("backoff", "movesense")
    assert last["last_error"].startswith("it has no service 34802252-7185-4d5d-b431-630e7050e8f0")


def test_sensors_that_wake_up_minutes_after_the_start(tmp_path: Path) -> None:
    """Both asleep at first: offline, waited for, online soon after waking; the other one notices nothing."""
    script = "0 absent left 60; 0 absent right 130"
    played = play("left=openankle right=movella_dot", script, 140.0, tmp_path)
    for label, wakes_s in (("left", 60.0), ("right", 130.0)):
        assert [there for _, there in played.online(label)] == [False, True, False]
        assert played.after(wakes_s, online=True, label=label) < 1.5
        assert {state["link"] for time_s, state in played.states(label) if time_s < wakes_s} == {"waiting"}
        assert played.devices[label].counts["gaps"] == 0
        assert len(played.devices[label].unheard_s) == 0
    assert len(played.devices["left"].heard) > 7500


def test_more_sensors_than_connections() -> None:
    """Seven stream; the eighth waits, says who holds the connections, and comes in when one of them goes."""
    sides = [f"{side}-{number}" for number in range(1, 5) for side in ("left", "right")]
    world = alone(" ".join(f"{label}=openankle" for label in sides))
    live = run(world, 22.0, config=config_for(world), faults=parse_script("12 absent left-1 1000"))
    states = {label: [there for _, there in online(live, label)] for label in sides}
    (late,) = [label for label in sides if online(live, label)[1][0] > 10.0]
    for label in sides:
        assert states[label] == [False, True, False]
        assert online(live, label)[1][0] < (16.0 if label == late else 4.0)
    gone_s = online(live, "left-1")[2][0]
    assert gone_s < 14.1
    assert online(live, late)[1][0] - gone_s < 1.5
    (waits,) = errors(live, late)
    assert waits.startswith("adapter soft has no connection left: ")
    assert all(label in waits for label in sides if label != late)
