"""The publisher against real brokers: order, at least once, retained state, last will, and every way a broker fails."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.errors import BrokerError
from ankled.daemon.mqtt.backlog import MemoryBacklog
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.connection import Message
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.records import to_json
from tests.daemon.brokers import (
    HOST,
    PATIENCE_S,
    Gate,
    Mosquitto,
    Subscriber,
    event,
    firsts,
    payload,
    retained,
)
from tests.daemon.publishing import publish_all, until_connected, until_lost

if TYPE_CHECKING:
    from ankled.daemon.records import Set

TOPICS = Topics(node="gym")
STATE = "ankled/gym/bridge/state"
REPLAY = Options.for_replay(timeout_s=PATIENCE_S)
LIVE = Options(timeout_s=2.0)


async def test_records_arrive_in_order_once_and_unchanged(broker: BrokerAddress) -> None:
    """What subscribers get is the JSON of the records: all of them, in order, once, on their topic, not retained."""
    sent = [event(number) for number in range(500)]
    async with Subscriber.on(broker) as subscriber:
        async with Publisher(broker, TOPICS, REPLAY) as publisher:
            for record in sent:
                await publisher.publish(record)
            await publisher.drain(PATIENCE_S)
            statistics = publisher.statistics
        await subscriber.until(len(sent))
    assert [payload(message) for message in subscriber.messages] == [to_json(record) for record in sent]
    assert {str(message.topic) for message in subscriber.messages} == {"ankled/gym/bridge/event"}
    assert {(message.qos, message.retain) for message in subscriber.messages} == {(1, False)}
    assert (statistics.queued, statistics.sent, statistics.acknowledged, statistics.reconnects) == (0, 500, 500, 0)


async def test_a_full_backlog_makes_publish_wait_and_loses_nothing(broker: BrokerAddress) -> None:
    """With room for 10 results, 300 go through: `publish` waits for the broker and the backlog never grows."""
    async with Subscriber.on(broker) as subscriber:
        options = msgspec.structs.replace(REPLAY, queue=10)
        most = 0
        async with Publisher(broker, TOPICS, options) as publisher:
            for number in range(300):
                await publisher.publish(event(number))
                most = max(most, publisher.statistics.queued)
            await publisher.drain(PATIENCE_S)
        await subscriber.until(300)
    assert subscriber.numbers == list(range(300))
    assert most <= 10


async def test_online_and_offline_are_retained(broker: BrokerAddress) -> None:
    """Connected: online and the daemon's info stay with the broker. After a clean stop: offline."""
    options = msgspec.structs.replace(LIVE, info=b'{"version":"1"}')
    async with Publisher(broker, TOPICS, options) as publisher:
        await until_connected(publisher)
        assert await retained(broker) == {STATE: b'{"state":"online"}', "ankled/gym/bridge/info": b'{"version":"1"}'}
    assert (await retained(broker, STATE))[STATE] == b'{"state":"offline"}'


async def test_a_replay_announces_and_retains_nothing(broker: BrokerAddress, last_set: Set) -> None:
    """A replay leaves nothing behind, not even of a set, which is retained when live."""
    async with Subscriber.on(broker) as subscriber, Publisher(broker, TOPICS, REPLAY) as publisher:
        await publisher.publish(last_set)
        await publisher.drain(PATIENCE_S)
        await subscriber.until(1)
        assert [str(message.topic) for message in subscriber.messages] == ["ankled/gym/left/set"]
    assert await retained(broker) == {}


async def test_a_broken_connection_leaves_the_last_will(broker: BrokerAddress, gate: Gate) -> None:
    """A daemon whose connection breaks without a farewell is offline for all who ask later."""
    async with Publisher(gate.address, TOPICS, LIVE) as publisher:
        await until_connected(publisher)
        async with Subscriber.on(broker, STATE) as subscriber:
            await gate.shut()
            await subscriber.until(2)  # the retained online, then the will
        assert [payload(message) for message in subscriber.messages] == [b'{"state":"online"}', b'{"state":"offline"}']
        assert await retained(broker, STATE) == {STATE: b'{"state":"offline"}'}


async def test_cut_connections_lose_nothing_and_keep_the_order(broker: BrokerAddress, gate: Gate) -> None:
    """Whatever is under way when a connection is cut is sent again, after nothing that came later."""
    async with Subscriber.on(broker) as subscriber, Publisher(gate.address, TOPICS, REPLAY) as publisher:
        for number in range(400):
            await publisher.publish(event(number))
            if number % 100 == 60:
                gate.cut()
        await publisher.drain(PATIENCE_S)
        await subscriber.until_numbers(400)
        assert publisher.statistics.reconnects >= 1
        assert publisher.statistics.acknowledged >= 400
    assert firsts(subscriber.numbers) == list(range(400))


async def test_a_killed_and_restarted_broker_loses_no_record(mosquitto: Mosquitto) -> None:
    """SIGKILL in mid-stream: each record reaches a subscriber before the crash or after the restart, in order."""
    gate = Gate(mosquitto.address)
    await gate.open()
    async with Publisher(gate.address, TOPICS, REPLAY) as publisher:
        async with Subscriber.on(mosquitto.address, qos=0) as before:
            stream = asyncio.create_task(publish_all(publisher, 2000))
            await before.until(300)
            mosquitto.kill()
            await gate.shut()
            await before.ended()
        mosquitto.start()
        async with Subscriber.on(mosquitto.address, qos=0) as after:
            await gate.open()
            await stream
            await publisher.drain(PATIENCE_S)
            await after.until_numbers(2000 - before.numbers[-1] - 1)
        assert publisher.statistics.reconnects >= 1
    await gate.shut()
    assert 300 <= len(before.numbers) < 2000
    assert firsts(before.numbers + after.numbers) == list(range(2000))


async def test_a_restarted_broker_gets_its_retained_topics_again(mosquitto: Mosquitto, last_set: Set) -> None:
    """A broker without persistence forgets; state, info and the last retained results come again by themselves."""
    async with Publisher(mosquitto.address, TOPICS, LIVE) as publisher:
        await publisher.publish(last_set)
        await publisher.drain(PATIENCE_S)
        before = await retained(mosquitto.address)
        mosquitto.kill()
        await until_lost(publisher)
        mosquitto.start()
        await until_connected(publisher)
        assert await retained(mosquitto.address) == before
    assert set(before) == {STATE, "ankled/gym/bridge/info", "ankled/gym/left/set"}
    assert before["ankled/gym/left/set"] == to_json(last_set)


async def test_a_frozen_broker_is_left_and_found_again(mosquitto: Mosquitto) -> None:
    """A broker that stops answering without closing is noticed by the missing acknowledgement; nothing is lost."""
    options = msgspec.structs.replace(REPLAY, timeout_s=0.5)
    async with (
        Subscriber.on(mosquitto.address) as subscriber,
        Publisher(mosquitto.address, TOPICS, options) as publisher,
    ):
        await publish_all(publisher, 50)
        await publisher.drain(PATIENCE_S)
        mosquitto.signal(signal.SIGSTOP)
        for number in range(50, 100):
            await publisher.publish(event(number))
        await until_lost(publisher)
        mosquitto.signal(signal.SIGCONT)
        await publisher.drain(PATIENCE_S)
        await subscriber.until_numbers(100)
    assert firsts(subscriber.numbers) == list(range(100))


async def test_a_daemon_waits_for_a_broker_that_comes_later(mosquitto: Mosquitto) -> None:
    """Live, results are taken while nobody listens, and sent as soon as somebody does."""
    mosquitto.kill()
    async with Publisher(mosquitto.address, TOPICS, LIVE) as publisher:
        await publish_all(publisher, 20)
        assert publisher.statistics.queued == 20
        assert not publisher.statistics.connected
        mosquitto.start()
        async with Subscriber.on(mosquitto.address, "ankled/gym/left/#"):
            await publisher.drain(PATIENCE_S)
        assert publisher.statistics.acknowledged == 20


async def test_a_drain_has_a_deadline(mosquitto: Mosquitto) -> None:
    """A broker that does not acknowledge: `drain` says how many results it still has."""
    async with Publisher(mosquitto.address, TOPICS, LIVE) as publisher:
        await until_connected(publisher)
        mosquitto.signal(signal.SIGSTOP)
        await publish_all(publisher, 3)
        with pytest.raises(BrokerError, match=r"has not acknowledged 3 of the results within 0\.2 s"):
            await publisher.drain(0.2)
        mosquitto.signal(signal.SIGCONT)


async def test_an_acknowledgement_out_of_turn_does_not_free_what_came_before() -> None:
    """A broker may acknowledge a later message and die: what came before is sent again. Mosquitto never does."""
    first_try: list[bytes] = []
    second_try: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = second_try if first_try else first_try
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                kind, length = await reader.readexactly(2)
                body = await reader.readexactly(length)
                if kind == 0x10:  # CONNECT: CONNACK, accepted
                    writer.write(bytes([0x20, 2, 0, 0]))
                if kind == 0x32:  # PUBLISH with QoS 1: topic, packet identifier, payload
                    end = 2 + int.from_bytes(body[:2])
                    received.append(body[end + 2 :])
                    if received is second_try or len(received) == 2:
                        writer.write(bytes([0x40, 2]) + body[end : end + 2])
                    if received is first_try and len(received) == 2:
                        await writer.drain()
                        break
        writer.close()

    async with await asyncio.start_server(serve, HOST, 0) as server:
        address = BrokerAddress(host=HOST, port=server.sockets[0].getsockname()[1])
        backlog = MemoryBacklog()
        await backlog.put(Message("t", b"first"))
        await backlog.put(Message("t", b"second"))
        async with Publisher(address, TOPICS, REPLAY, backlog) as publisher:
            await publisher.drain(PATIENCE_S)
    assert first_try == [b"first", b"second"]
    assert second_try == [b"first", b"second"]


async def test_two_daemons_of_one_name_do_not_stop_publishing(broker: BrokerAddress) -> None:
    """Two that bear one identifier throw each other out, and still each result gets through."""
    options = msgspec.structs.replace(LIVE, client_id="twin")
    async with Subscriber.on(broker, "ankled/gym/bridge/event") as subscriber:
        async with Publisher(broker, TOPICS, options) as one, Publisher(broker, TOPICS, options) as two:
            await one.publish(event(1))
            await two.publish(event(2))
            await one.drain(PATIENCE_S)
            await two.drain(PATIENCE_S)
        await subscriber.until_numbers(2)
    assert set(subscriber.numbers) == {1, 2}


async def test_publishing_outside_the_context_is_a_mistake_of_the_caller() -> None:
    """A publisher that is not running says so instead of filling its backlog."""
    publisher = Publisher(BrokerAddress(host=HOST, port=1), TOPICS)
    with pytest.raises(RuntimeError, match="enter its context first"):
        await publisher.publish(event(0))
