"""What comes in at real brokers: it reaches who listens, on every connection, and a refusal stops nothing."""

from __future__ import annotations

import asyncio
import gc

import aiomqtt  # noqa: TID251 - whoever asks, next to the publisher under test
import pytest

from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.connection import Message, matches
from ankled.daemon.mqtt.inbox import MOST, MOST_BYTES, Inbox
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from tests.daemon.brokers import HOST, PATIENCE_S, Gate, Mosquitto, eventually, free_port

TOPICS = Topics(node="gym")
OPTIONS = Options(timeout_s=2.0)


async def say(address: BrokerAddress, *topics: str) -> None:
    """Publish the name of each topic on it."""
    async with aiomqtt.Client(address.host, address.port) as client:
        for topic in topics:
            await client.publish(topic, topic.encode(), qos=1)


async def test_each_listener_hears_its_own(broker: BrokerAddress) -> None:
    """Also who begins to listen while connected; nobody hears what nobody listens to."""
    asked: list[Message] = []
    born: list[Message] = []
    publisher = Publisher(broker, TOPICS, OPTIONS)
    publisher.incoming.listen(TOPICS.request("+"), asked.append)
    async with publisher:
        await eventually(lambda: publisher.statistics.connected)
        await say(broker, TOPICS.request("health"))
        await eventually(lambda: len(asked) == 1)
        publisher.incoming.listen("home/status", born.append)
        while not born:  # the broker does not say when it has subscribed us
            await say(broker, "home/status", "home/other", TOPICS.response("health"))
            await asyncio.sleep(0.05)
        await say(broker, TOPICS.request("history"))
        await eventually(lambda: len(asked) == 2)
    assert [message.topic for message in asked] == [TOPICS.request("health"), TOPICS.request("history")]
    assert asked[0].payload == TOPICS.request("health").encode()
    assert {message.topic for message in born} == {"home/status"}


async def test_a_flood_is_read_from_a_bounded_queue(mosquitto: Mosquitto) -> None:
    """The connection serves on, and hears who asks when the flood is over."""
    broker = mosquitto.address
    asked: list[Message] = []
    publisher = Publisher(broker, TOPICS, Options(timeout_s=PATIENCE_S))
    publisher.incoming.listen(TOPICS.request("+"), asked.append)
    async with publisher, aiomqtt.Client(broker.host, broker.port) as client:
        await eventually(lambda: publisher.statistics.connected)
        boxes = [one for one in gc.get_objects() if isinstance(one, Inbox)]
        assert boxes
        for number in range(5000):
            await client.publish(TOPICS.request("health"), bytes(1000), qos=0)
            if number % 100 == 0:
                await asyncio.sleep(0)
                assert all(box.qsize() <= MOST and box.size_bytes <= MOST_BYTES for box in boxes)
        await client.publish(TOPICS.request("last"), b"", qos=1)
        await eventually(lambda: not any(box.qsize() for box in boxes))
        assert publisher.statistics.reconnects == 0
        asked.clear()
        while not asked:  # the last one of a flood may be left out with it
            await say(broker, TOPICS.request("history"))
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("size", "kept"), [(1, MOST), (64 * 1024, MOST_BYTES // (64 * 1024))])
def test_an_inbox_has_bounds(size: int, kept: int) -> None:
    """By count and by bytes; what was read makes room again, and what was left out is counted."""
    box, message = Inbox(), Message("a", bytes(size))
    for _ in range(kept + 10):
        box.put_nowait(message)
    assert (box.qsize(), box.size_bytes, box.left_out) == (kept, kept * size, 10)
    assert box.get_nowait() is message
    box.put_nowait(message)
    assert (box.qsize(), box.left_out) == (kept, 10)


async def test_listening_goes_on_after_a_lost_connection(broker: BrokerAddress, gate: Gate) -> None:
    """A new connection subscribes anew, before it says that we are online."""
    asked: list[Message] = []
    async with Publisher(gate.address, TOPICS, OPTIONS) as publisher:
        publisher.incoming.listen(TOPICS.request("+"), asked.append)
        await eventually(lambda: publisher.statistics.connected)
        gate.cut()
        await eventually(lambda: not publisher.statistics.connected)
        await eventually(lambda: publisher.statistics.connected)
        await say(broker, TOPICS.request("health"))
        await eventually(lambda: len(asked) == 1)


SUBACK_REFUSED = 0x80


class Stubborn:
    """A broker in a few lines that refuses every subscription, which mosquitto cannot be made to do."""

    def __init__(self) -> None:
        self.published = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer CONNECT, SUBSCRIBE and PUBLISH with QoS 1 of MQTT 3.1.1 until DISCONNECT."""
        while True:
            kind = (await reader.readexactly(1))[0] >> 4
            length = shift = 0
            while (byte := (await reader.readexactly(1))[0]) & 0x80:
                length, shift = length | (byte & 0x7F) << shift, shift + 7
            body = await reader.readexactly(length | byte << shift)
            if kind == 1:
                writer.write(bytes([0x20, 2, 0, 0]))
            elif kind == 3:
                at = 2 + int.from_bytes(body[:2])
                writer.write(bytes([0x40, 2, *body[at : at + 2]]))
                self.published += 1
            elif kind == 8:
                writer.write(bytes([0x90, 3, *body[:2], SUBACK_REFUSED]))
            elif kind == 14:
                writer.close()
                return


async def test_a_refused_subscription_is_said_and_results_go_on() -> None:
    """A user who may publish but not read, as a strict access list has it, still publishes."""
    stubborn = Stubborn()
    heard: list[Message] = []
    async with await asyncio.start_server(stubborn.serve, HOST, 0) as server:
        address = BrokerAddress(host=HOST, port=server.sockets[0].getsockname()[1])
        async with Publisher(address, TOPICS, OPTIONS) as publisher:
            publisher.incoming.listen("home/status", heard.append)
            publisher.keep(TOPICS.device("left", "state"), b"{}")
            await eventually(lambda: publisher.statistics.connected)
            await publisher.drain(5.0)
            assert publisher.statistics.reconnects == 0
    assert stubborn.published == 4  # online, info, state, offline
    assert not heard


async def test_an_unanswered_subscription_is_a_lost_connection() -> None:
    """A broker that says nothing is not waited for: the publisher tries again."""
    connections = 0
    heard: list[Message] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(100)
        writer.write(bytes([0x20, 2, 0, 0]))
        await reader.read()
        writer.close()

    address = BrokerAddress(host=HOST, port=free_port())
    async with (
        await asyncio.start_server(serve, HOST, address.port),
        Publisher(address, TOPICS, Options(timeout_s=0.3)) as publisher,
    ):
        publisher.incoming.listen("home/status", heard.append)
        await eventually(lambda: connections > 1)
        assert not publisher.statistics.connected


@pytest.mark.parametrize(
    ("topics", "topic", "expected"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/b/d", False),
        ("a/+", "a/b/c", False),
        ("a/#", "a/b/c", True),
        ("a/b", "a/b", True),
    ],
)
def test_filters(topics: str, topic: str, expected: bool) -> None:
    """As MQTT defines them: one level, or all that follows."""
    assert matches(topics, topic) == expected
