"""The demonstration's inputs: two sensors as they would send, within a minute; and what its listener keeps."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ankled.daemon.demo import training as module
from ankled.daemon.demo.tally import Tally
from ankled.daemon.demo.training import LONGEST_S, Training
from ankled.daemon.errors import UsageError
from ankled.daemon.inputs import ClockAnchor, Config, Tick
from ankled.daemon.mqtt.connection import Message
from ankled.daemon.records import Set, to_json
from ankled.drivers.samples import Samples
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.simulation import simulate
from tests.daemon.records import make

ORIGIN_NS = 123_456_789_012
UTC_NS = 1_700_000_000_000_000_000


def test_packets_come_in_the_order_of_time() -> None:
    """Config and anchor first, then packets of at most 10 samples stamped with their last one, and a tick a second."""
    training = Training(seed=0, session="s")
    config, anchor, *rest = training.inputs(ORIGIN_NS, UTC_NS)
    assert isinstance(config, Config)
    assert config.settings.origin_ns == ORIGIN_NS
    assert [(d.slug, d.side, d.mount) for d in config.settings.devices] == [
        ("left-ankle", "left", None),
        ("right-ankle", "right", None),
    ]
    assert anchor == ClockAnchor(host_ns=ORIGIN_NS, utc_ns=UTC_NS)
    times = [given.host_ns for given in rest]
    assert times == sorted(times)
    ticks = [given.host_ns - ORIGIN_NS for given in rest if isinstance(given, Tick)]
    assert ticks == [second * 1_000_000_000 for second in range(1, len(ticks) + 1)]
    packets = [given for given in rest if isinstance(given, Samples) and given.device == "left-ankle"]
    for packet in packets:
        assert packet.time_s is not None
        assert 0 < packet.time_s.size <= 10
        assert packet.host_ns == ORIGIN_NS + round(float(packet.time_s[-1]) * 1e9)
    whole = np.concatenate([packet.acc for packet in packets])
    expected = simulate("demo", seed=0, mount=MOUNTS["oblique"], with_truth=False).legs["left"]
    assert np.array_equal(whole, expected.acc)


@pytest.mark.parametrize("seed", range(6))
def test_no_wearer_takes_longer_than_a_minute(seed: int) -> None:
    """The scenario ends by itself well within the minute that is promised; nothing of it has to be cut."""
    training = Training(seed=seed, session="s")
    assert 45.0 < training.duration_s < LONGEST_S < 60.0


def test_what_is_longer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sample and no tick comes after the longest time allowed."""
    monkeypatch.setattr(module, "LONGEST_S", 7.25)
    training = Training(seed=0, session="s")
    assert training.duration_s == 7.25
    *_, last = training.inputs(0, UTC_NS)
    assert last.host_ns == 7_240_000_000


def test_an_impossible_seed_is_one_sentence() -> None:
    """A seed below zero is refused by the name of its option."""
    with pytest.raises(UsageError, match="--seed: seed -1"):
        Training(seed=-1, session="s")


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
