"""MQTT 5 and 3.1.1 against real brokers: what 5 adds is used, and 3.1.1 serves where a broker knows no more."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from ankled.daemon.errors import BrokerError
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.connection import Connection, Message, connected
from ankled.daemon.mqtt.message import LIVE_EXPIRY_S
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.records import Live, to_json
from tests.daemon.brokers import HOST, PATIENCE_S, Mosquitto, Subscriber, event, eventually
from tests.daemon.records import make

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

TOPICS = Topics(node="gym")
LIVE = Options(timeout_s=5.0)


async def heard(connection: Connection, count: int) -> list[Message]:
    """Return the next messages that come."""
    found: list[Message] = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in connection.received():
            found.append(message)
            if len(found) == count:
                break
    return found


async def test_everything_that_mqtt_5_adds_arrives(mosquitto: Mosquitto) -> None:
    """Expiry, content type, user properties, response topic and correlation data go out and come in."""
    sent = Message(
        "t",
        b'{"schema":"ankled.rep/1"}',
        expiry_s=60,
        user=(("a", "1"), ("a", "2")),
        response_topic="answers/here",
        correlation_data=b"\x00\xff",
    )
    async with connected(mosquitto.address) as connection:
        await connection.subscribe("t")
        assert await connection.publish(sent)
        (came,) = await heard(connection, 1)
    assert connection.version == "5"
    assert came == replace(sent, content_type="application/json", user=(("schema", "ankled.rep/1"), *sent.user))


async def test_mqtt_3_carries_the_message_alone(mosquitto: Mosquitto) -> None:
    """With 3.1.1 asked for, the same message arrives without its properties."""
    sent = Message("t", b"{}", expiry_s=60, user=(("a", "1"),), response_topic="r", correlation_data=b"c")
    async with connected(replace(mosquitto.address, protocol="3.1.1")) as connection:
        await connection.subscribe("t")
        assert await connection.publish(sent)
        (came,) = await heard(connection, 1)
    assert connection.version == "3.1.1"
    assert came == Message("t", b"{}")


async def test_what_is_live_expires_and_results_do_not(mosquitto: Mosquitto) -> None:
    """A broker that is behind may drop a value of the moment, and must keep a result."""
    async with connected(mosquitto.address) as reader:
        await reader.subscribe("ankled/gym/#")
        async with Publisher(mosquitto.address, TOPICS, replace(LIVE, announce=False)) as publisher:
            await eventually(lambda: publisher.statistics.connected)
            live = make(Live, device="left", node="gym")
            publisher.show(live)
            await publisher.publish(event(1))
            found = {message.topic: message for message in await heard(reader, 2)}
    moment, result = found["ankled/gym/left/live"], found["ankled/gym/bridge/event"]
    assert moment.payload == to_json(live)
    assert moment.expiry_s is not None
    assert moment.expiry_s <= LIVE_EXPIRY_S
    assert (result.expiry_s, result.content_type) == (None, "application/json")
    assert result.user == (("schema", "ankled.event/1"),)


async def test_a_broker_of_3_1_1_is_found_out_and_remembered() -> None:
    """The embedded broker refuses version 5: the publisher, which brings a will, gets through and asks only once."""
    from ankled.daemon.mqtt.embedded import embedded  # noqa: PLC0415 - its import takes a while

    async with embedded(0) as found:
        address = replace(found, protocol="auto")
        async with Publisher(address, TOPICS, replace(LIVE, timeout_s=1.0)) as publisher:
            await publisher.publish(event(1))
            await publisher.drain(PATIENCE_S)
            assert publisher.brokers.current == replace(address, protocol="3.1.1")


async def test_version_5_demanded_of_a_broker_that_has_none() -> None:
    """Who asks for 5 alone is told which key to correct."""
    from ankled.daemon.mqtt.embedded import embedded  # noqa: PLC0415 - its import takes a while

    async with embedded(0) as found:
        with pytest.raises(BrokerError, match=r"does not speak this version of MQTT .*; correct mqtt\.protocol"):
            async with connected(replace(found, protocol="5")):
                pytest.fail("it connected")


@pytest.fixture
def strict(mosquitto_program: str, tmp_path: Path) -> Iterator[Mosquitto]:
    """Run a mosquitto where everybody may write below ankled/gym/bridge only, and packets are small."""
    rules = tmp_path / "acl"
    rules.write_text("topic write ankled/gym/bridge/#\ntopic read #\n")
    server = Mosquitto(mosquitto_program, tmp_path, f"acl_file {rules}", "max_packet_size 1000")
    server.start()
    yield server
    server.kill()


async def test_refused_results_are_said_once_counted_and_let_go(
    strict: Mosquitto, last_set: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results on a forbidden topic neither hold up those behind them nor vanish without a word."""
    async with Subscriber.on(strict.address) as subscriber:
        async with Publisher(strict.address, TOPICS, LIVE) as publisher:
            for number in range(20):
                await publisher.publish(event(number))
                await publisher.publish(last_set)
            await publisher.drain(PATIENCE_S)
            assert publisher.statistics.refused == 20
            assert publisher.brokers.refusals.topics == {"ankled/gym/left/set": 20}
        await subscriber.until_numbers(20)
    assert subscriber.numbers == list(range(20))
    told = [line for line in capsys.readouterr().out.splitlines() if "refused" in line]
    assert len(told) == 1
    assert "this user may not publish there (code 135: Not authorized)" in told[0]


async def test_what_is_too_large_for_the_broker_is_not_sent(strict: Mosquitto) -> None:
    """A packet above the broker's limit would end the connection each time it is tried: it is refused here."""
    async with connected(strict.address) as connection:
        assert not await connection.publish(Message("ankled/gym/bridge/event", b"x" * 1000))
        assert await connection.publish(Message("ankled/gym/bridge/event", b"x" * 900))
        assert connection.usable


async def test_no_more_is_under_way_than_the_broker_takes(mosquitto_program: str, tmp_path: Path) -> None:
    """With a receive maximum of 2, twenty at once still all arrive, and in order; one more would end the connection."""
    server = Mosquitto(mosquitto_program, tmp_path, "max_inflight_messages 2")
    server.start()
    try:
        async with Subscriber.on(server.address, "n/#") as subscriber, connected(server.address) as connection:
            assert connection._line.terms.in_flight == 2
            sent = (connection.publish(Message(f"n/{number}", b"")) for number in range(20))
            assert all(await asyncio.gather(*sent))
            await subscriber.until(20)
    finally:
        server.kill()
    assert [str(message.topic) for message in subscriber.messages] == [f"n/{number}" for number in range(20)]


class Scripted:
    """A broker of MQTT 5 that accepts everybody and, after a few messages, disconnects with a reason."""

    def __init__(self, code: int, connack: bytes = b"\x00", puback: int = 0) -> None:
        self.connections = 0
        self.published: list[bytes] = []
        self._code, self._connack, self._puback = code, connack, puback

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[BrokerAddress]:
        """Serve on a free port."""
        async with await asyncio.start_server(self._serve, HOST, 0) as server:
            yield BrokerAddress(host=HOST, port=server.sockets[0].getsockname()[1], protocol="5")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, length = await reader.readexactly(2)
                if length > 127:
                    length += 128 * ((await reader.readexactly(1))[0] - 1)
                body = await reader.readexactly(length)
                if kind >> 4 == 1:
                    writer.write(bytes([0x20, 2 + len(self._connack), 0, 0]) + self._connack)
                elif kind >> 4 == 3:
                    self.published.append(body)
                    at = 2 + int.from_bytes(body[:2])
                    if kind & 6:
                        writer.write(bytes([0x40, 3]) + body[at : at + 2] + bytes([self._puback]))
                    if self._code:
                        writer.write(bytes([0xE0, 1, self._code]))
                        break
                elif kind >> 4 == 14:
                    break
        writer.close()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            0x8E,
            (
                'another client with the client id "ankled-gym" has connected to the broker at {} and thrown this one '
                "out (code 142: Session taken over); give each daemon a node or an mqtt.client_id of its own"
            ),
        ),
        (0x8B, "the broker at {} closed the connection (code 139: Server shutting down)"),
    ],
)
async def test_the_broker_says_why_it_disconnects(code: int, sentence: str) -> None:
    """A DISCONNECT is told with its code and the code's name; the one that means a second daemon, with the remedy."""
    async with Scripted(code).serving() as address, connected(address, client_id="ankled-gym") as connection:
        await connection.publish(Message("t", b"", qos=0))
        with pytest.raises(BrokerError) as failure:
            await connection.lost()
    assert str(failure.value) == sentence.format(address.url)


async def test_a_second_daemon_of_one_name_is_said_loudly(capsys: pytest.CaptureFixture[str]) -> None:
    """Thrown out three times in a row, a daemon says so as an error, with what to do."""
    scripted = Scripted(0x8E)
    async with scripted.serving() as address, Publisher(address, TOPICS, LIVE):
        await eventually(lambda: scripted.connections >= 4)
    told = [line for line in capsys.readouterr().out.splitlines() if "thrown out by another client" in line]
    assert len(told) == 1
    assert "mqtt.client_id of its own" in told[0]


async def test_two_daemons_of_one_name_at_mosquitto(mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]) -> None:
    """Mosquitto closes without a word: that connections do not last is said, and what may be the reason."""
    twin = replace(LIVE, client_id="twin")
    async with Publisher(mosquitto.address, TOPICS, twin) as one, Publisher(mosquitto.address, TOPICS, twin) as two:
        await eventually(lambda: one.statistics.reconnects >= 3 and two.statistics.reconnects >= 3)
    assert 'does another daemon use the client id "twin" too?' in capsys.readouterr().out


async def test_a_broker_without_retaining_and_acknowledging() -> None:
    """Where a broker allows neither (properties 0x24 and 0x25 of CONNACK are 0), neither is asked of it."""
    scripted = Scripted(0, connack=bytes([4, 0x24, 0, 0x25, 0]))
    async with scripted.serving() as address, connected(address) as connection:
        assert await connection.publish(Message("t", b"x", qos=1, retain=True))
        await eventually(lambda: bool(scripted.published))
    assert scripted.published[0] == b"\x00\x01t\x00x"  # no packet identifier, so QoS 0


async def test_a_message_that_may_be_taken_later_is_not_let_go() -> None:
    """Over its quota, a broker is left and tried again, with the same message first."""
    scripted = Scripted(0, puback=0x97)
    async with scripted.serving() as address, connected(address) as connection:
        with pytest.raises(BrokerError, match=r"did not take a message: the broker does not take it \(code 151: Quota"):
            await connection.publish(Message("t", b"x"))
        assert not connection.usable
