"""What others may publish to us costs no connection: properties that the library refuses, and messages without end."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.mqtt.connection import Message, connected
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from tests.daemon.brokers import eventually

if TYPE_CHECKING:
    from tests.daemon.brokers import Mosquitto

TOPICS = Topics(node="gym")
MARK = "\ufeff".encode()


def text(content: bytes) -> bytes:
    """Return a string as MQTT writes it."""
    return struct.pack("!H", len(content)) + content


PROPERTIES = {
    "content type": b"\x03" + text(MARK),
    "response topic": b"\x08" + text(b"answers/" + MARK),
    "user property": b"\x26" + text(b"key") + text(MARK),
}


async def publish(mosquitto: Mosquitto, properties: bytes, qos: int) -> None:
    """Publish a request with properties that the client of these tests would not write."""
    reader, writer = await asyncio.open_connection(mosquitto.address.host, mosquitto.address.port)
    hello = text(b"MQTT") + b"\x05\x02\x00\x3c\x00" + text(b"somebody")
    body = text(TOPICS.request("devices").encode()) + (b"\x00\x07" if qos else b"") + bytes([len(properties)])
    body += properties + b"{}"
    writer.write(bytes([0x10, len(hello)]) + hello + bytes([0x30 | qos << 1, len(body)]) + body)
    answer = await reader.readexactly(2)
    await reader.readexactly(answer[1])
    if qos:
        assert (await reader.readexactly(1))[0] == 0x40, "the broker passes it on"
    writer.write(b"\xe0\x00")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_mark_that_the_library_refuses_is_let_go_of(mosquitto: Mosquitto, qos: int) -> None:
    """U+FEFF in any property of MQTT 5: the next request is heard on the same connection."""
    heard: list[Message] = []
    publisher = Publisher(mosquitto.address, TOPICS, Options(timeout_s=20.0))
    publisher.incoming.listen(TOPICS.request("+"), heard.append)
    async with publisher, connected(mosquitto.address, timeout_s=20.0) as other:
        await eventually(lambda: publisher.statistics.connected)
        for count, properties in enumerate(PROPERTIES.values(), 1):
            await publish(mosquitto, properties, qos)
            await other.publish(Message(TOPICS.request("devices"), b"{}"))
            await eventually(lambda: len(heard) == count)  # noqa: B023 - called at once
        assert publisher.statistics.connected
        assert publisher.statistics.reconnects == 0
    assert len(heard) == len(PROPERTIES)


async def test_a_message_without_end_stays_with_the_broker(mosquitto: Mosquitto) -> None:
    """A broker of MQTT 5 is told what we take at most; a request that is only too long is still heard, and answered."""
    heard: list[Message] = []
    publisher = Publisher(mosquitto.address, TOPICS, Options(timeout_s=20.0))
    publisher.incoming.listen(TOPICS.request("+"), heard.append)
    async with publisher, connected(mosquitto.address, timeout_s=20.0) as other:
        await eventually(lambda: publisher.statistics.connected)
        for size_bytes in (1_000_000, 100_000, 2):
            await other.publish(Message(TOPICS.request("devices"), b"x" * size_bytes))
        await eventually(lambda: len(heard) == 2)
        assert [len(one.payload) for one in heard] == [100_000, 2]
        assert publisher.statistics.reconnects == 0
