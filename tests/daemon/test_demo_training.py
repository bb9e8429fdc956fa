"""What the demonstration is made of: a wearer on the air, a daemon's configuration, and a listener."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.demo import training as module
from ankled.daemon.demo.tally import Sensor, Tally
from ankled.daemon.demo.training import LONGEST_S, MAKES, Training
from ankled.daemon.errors import UsageError
from ankled.daemon.mqtt.connection import Message
from ankled.daemon.records import Set, to_json
from ankled.drivers.registry import registry
from tests.daemon.records import make
from tests.live.runs import run

if TYPE_CHECKING:
    from tests.live.runs import Run


def test_the_daemon_is_told_where_the_sensors_are_worn_and_not_how() -> None:
    """The configuration names devices, sides, wearer and mass; make and mount have to be found."""
    training = Training(seed=0)
    config = training.config()
    assert [(one.slug, one.side, one.athlete, one.mass_kg) for one in config.devices] == [
        ("left-ankle", "left", "wearer", 1.814),
        ("right-ankle", "right", "wearer", 1.814),
    ]
    assert [one.address for one in config.devices] == [training.world.address(one.slug) for one in config.devices]
    assert {(one.driver, one.mount, one.rate_hz) for one in config.devices} == {(None, None, None)}
    assert [make.lower() in registry() for make in MAKES.values()] == [True, True]


@pytest.mark.parametrize("seed", range(6))
def test_no_wearer_takes_longer_than_a_minute(seed: int) -> None:
    """The scenario ends by itself well within the minute that is promised; nothing of it has to be cut."""
    training = Training(seed=seed)
    assert 45.0 < training.duration_s < LONGEST_S < 60.0


def test_what_is_longer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end comes so long after the scenario's beginning, wherever the scenario stands; the time stops there."""
    monkeypatch.setattr(module, "LONGEST_S", 1.25)
    training = Training(seed=0)
    assert training.duration_s == 1.25
    assert training.time_s is None
    passed: list[float | None] = []

    async def watch(running: Run) -> None:
        await training.over(15.0)
        assert running.world.stage is not None
        assert running.world.stage.begins_s is not None
        passed.append(running.world.now_s - running.world.stage.begins_s)
        await asyncio.sleep(1.0)
        passed.append(training.time_s)

    run(training.world, 4.0, config=training.config(), meanwhile=watch)
    assert passed == [pytest.approx(1.25), 1.25]


def test_an_impossible_seed_is_one_sentence() -> None:
    """A seed below zero is refused by the name of its option."""
    with pytest.raises(UsageError, match=r"^--seed: -1 is no seed"):
        Training(seed=-1)


def message(record: Set, topic: str = "ankled/demo/left-ankle/set") -> Message:
    """Return what a broker delivers of a record."""
    return Message(topic, to_json(record))


async def test_a_tally_keeps_each_record_once() -> None:
    """What is delivered twice, belongs to another session, is no result or no record at all, does not count."""
    heard: list[object] = []
    tally = Tally("now", heard.append)
    mine = make(Set, session="now", id="now/left/set/1")
    for one in (
        message(mine),
        message(mine),
        message(msgspec.structs.replace(mine, session="before")),
        Message("ankled/demo/bridge/state", b'{"state":"online"}'),
        Message("ankled/demo/left-ankle/set", b"garbage"),
        Message("ankled/demo/left-ankle/set", b'{"schema":"other/1"}'),
    ):
        tally.take(one)
    assert tally.sets == heard == [mine]
    assert tally.count == 1
    assert await tally.until(1, 0.0)
    assert not await tally.until(2, 0.01)


async def test_a_tally_takes_no_leftovers_for_news() -> None:
    """What the broker had kept, and what is no state, says nothing of the sensors of now nor of the daemon's end."""
    tally = Tally("now")
    topic, state = "ankled/demo/left-ankle/state", b'{"device":"left-ankle","link":"streaming","side":"left","more":1}'
    for one in (
        Message(topic, state.replace(b"streaming", b"waiting"), retain=True),
        Message(topic, b"garbage"),
        Message("ankled/demo/bridge/state", b'{"state":"offline"}', retain=True),
        Message("ankled/demo/bridge/state", b'{"state":"online"}'),
    ):
        tally.take(one)
    assert not tally.sensors
    assert not await tally.farewell(0.01)
    tally.take(Message(topic, state))
    tally.take(Message("ankled/demo/bridge/state", b'{"state":"offline"}'))
    assert tally.sensors == {"left": Sensor(device="left-ankle", link="streaming", side="left")}
    assert await tally.farewell(0.0)
