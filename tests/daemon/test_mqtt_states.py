"""States and moments at a real broker: the newest state is there whatever happened, a moment only if it was in time."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.errors import BrokerError
from ankled.daemon.mqtt.connection import Message
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.states import States
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.records import Live, Set
from tests.daemon.brokers import PATIENCE_S, Gate, Mosquitto, Subscriber, eventually, payload, retained
from tests.daemon.records import make

if TYPE_CHECKING:
    from ankled.daemon.mqtt.broker_url import BrokerAddress

TOPICS = Topics(node="gym")
LIVE = Options(timeout_s=2.0)


def topic(number: int) -> str:
    """Return the topic of a sensor's state."""
    return TOPICS.device(f"sensor-{number}", "state")


async def test_what_was_kept_is_at_the_broker_when_it_is_drained(broker: BrokerAddress) -> None:
    """Of each topic the newest state, retained: also what was told a moment before the end."""
    async with Publisher(broker, TOPICS, LIVE) as publisher:
        await eventually(lambda: publisher.statistics.connected)
        for number in range(40):
            publisher.keep(topic(number), b"old")
        for number in range(40):
            publisher.keep(topic(number), b"new")
        await publisher.drain(PATIENCE_S)
    assert await retained(broker, "ankled/gym/+/state") == {
        TOPICS.bridge("state"): b'{"state":"offline"}',
        **{topic(number): b"new" for number in range(40)},
    }


async def test_states_come_back_with_the_connection_and_moments_do_not(broker: BrokerAddress, gate: Gate) -> None:
    """What changed while the broker was away is told afterwards, once; what only was of interest then is not."""
    async with Publisher(gate.address, TOPICS, LIVE) as publisher, Subscriber.on(broker, "ankled/gym/#") as subscriber:
        await eventually(lambda: publisher.statistics.connected)
        publisher.keep(topic(1), b"before")
        await publisher.drain(PATIENCE_S)
        await gate.shut()
        await eventually(lambda: not publisher.statistics.connected)
        for state in (b"away", b"still away", b"back"):
            publisher.keep(topic(1), state)
        publisher.show(make(Live, device="sensor-1"))
        await gate.open()
        await eventually(lambda: publisher.statistics.connected)
        await publisher.drain(PATIENCE_S)
        publisher.show(live := make(Live, device="sensor-1", known_at_s=2.0))
        await eventually(lambda: str(subscriber.messages[-1].topic).endswith("/live"))
    heard = [payload(message) for message in subscriber.messages if "sensor-1" in str(message.topic)]
    assert heard[:2] == [b"before", b"back"]
    assert [msgspec.json.decode(moment, type=Live) for moment in heard[2:]] == [live]


async def test_a_state_that_is_not_acknowledged_is_told(mosquitto: Mosquitto) -> None:
    """A broker that hangs: `drain` says that the states are not there."""
    async with Publisher(mosquitto.address, TOPICS, LIVE) as publisher:
        await eventually(lambda: publisher.statistics.connected)
        mosquitto.signal(signal.SIGSTOP)
        publisher.keep(topic(1), b"new")
        with pytest.raises(BrokerError, match=r"has not acknowledged the state of the sensors within 0\.2 s"):
            await publisher.drain(0.2)
        mosquitto.signal(signal.SIGCONT)


async def test_no_flood_of_moments_holds_up_a_state() -> None:
    """Whoever asks without end gets answers without end; a sensor that has gone is told of all the same."""
    states, sent = States(), list[str]()

    async def publish(message: Message) -> None:
        sent.append(message.topic)
        states.show(Message("answer", b"{}"))
        if message.topic == "answer" and len(sent) == 5:
            states.keep(Message("state", b"{}", retain=True))
        if len(sent) > 50:
            raise BrokerError

    states.keep(Message("first", b"{}", retain=True))
    with pytest.raises(BrokerError):
        await states.send(publish)
    assert sent[0] == "first"
    assert "state" in sent[:8]


async def test_a_topic_that_is_cleared_stays_so(broker: BrokerAddress, gate: Gate) -> None:
    """Told until it is acknowledged, over a lost connection too, and not again on the next; kept anew it is back."""
    async with Publisher(gate.address, TOPICS, LIVE) as publisher, Subscriber.on(broker, "ankled/gym/+/state") as heard:

        def words() -> list[bytes]:
            return [payload(message) for message in heard.messages if "sensor-1" in str(message.topic)]

        await eventually(lambda: publisher.statistics.connected)
        publisher.keep(topic(1), b"there")
        await eventually(lambda: words() == [b"there"])
        await gate.shut()
        await eventually(lambda: not publisher.statistics.connected)
        publisher.clear(topic(1))
        await gate.open()
        await eventually(lambda: words() == [b"there", b""])
        gate.cut()
        await eventually(lambda: not publisher.statistics.connected)
        publisher.keep(topic(2), b"again")
        await eventually(lambda: payload(heard.messages[-1]) == b"again")
        assert words() == [b"there", b""]
        publisher.clear(topic(1))
        publisher.keep(topic(1), b"back")
        await eventually(lambda: words()[-1:] == [b"back"])
    assert (await retained(broker, topic(1))) == {topic(1): b"back"}


async def test_a_repeat_never_brings_back_an_older_result(broker: BrokerAddress, last_set: Set) -> None:
    """What the broker keeps at the end is the last set, however often everything is repeated meanwhile."""
    async with Publisher(broker, TOPICS, LIVE) as publisher:
        await eventually(lambda: publisher.statistics.connected)
        for number in range(200):
            await publisher.publish(msgspec.structs.replace(last_set, seq=number))
            publisher.repeat()
        await publisher.drain(PATIENCE_S)
        await publisher.publish(msgspec.structs.replace(last_set, seq=200))
        publisher.repeat()
        await publisher.drain(PATIENCE_S)
    kept = await retained(broker, TOPICS.device("left", "set"))
    assert msgspec.json.decode(kept[TOPICS.device("left", "set")], type=Set).seq == 200


async def test_what_was_cleared_is_not_retained_by_a_result_that_comes_late(
    broker: BrokerAddress, gate: Gate, last_set: Set
) -> None:
    """A device was let go while its last set waited for the broker: the set arrives and is not kept."""
    where = TOPICS.device("left", "set")
    async with Publisher(gate.address, TOPICS, LIVE) as publisher, Subscriber.on(broker, where) as subscriber:
        await eventually(lambda: publisher.statistics.connected)
        await publisher.publish(last_set)
        await publisher.drain(PATIENCE_S)
        assert where in await retained(broker, "ankled/gym/+/set")
        await gate.shut()
        await eventually(lambda: not publisher.statistics.connected)
        await publisher.publish(msgspec.structs.replace(last_set, id="s/left/set/2"))
        publisher.clear(where)
        await gate.open()
        await publisher.drain(PATIENCE_S)
        await eventually(lambda: any(b"s/left/set/2" in payload(one) for one in subscriber.messages))
        assert await retained(broker, "ankled/gym/+/set") == {}
        publisher.allow(where)
        await publisher.publish(msgspec.structs.replace(last_set, id="s/left/set/3"))
        await publisher.drain(PATIENCE_S)
        assert b"s/left/set/3" in (await retained(broker, "ankled/gym/+/set"))[where]
