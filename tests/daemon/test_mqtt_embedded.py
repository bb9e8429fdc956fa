"""The embedded broker: where it listens, that it stops cleanly, and what it does not do."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from ankled.daemon.errors import BrokerError
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.connection import Message, connected
from ankled.daemon.mqtt.embedded import USUAL_PORT, broker_at, embedded
from tests.daemon.brokers import HOST, Subscriber, eventually, free_port, payload, retained


async def test_it_listens_on_the_loopback_address_alone() -> None:
    """Without passwords it must not be reachable from other machines."""
    async with embedded(0) as address:
        assert address.host == HOST
        assert address.port > 0
        assert not address.embedded
        with socket.socket() as probe:
            probe.bind(("127.0.0.2", address.port))  # fails where another socket listens on all addresses


async def test_a_given_port_is_used_or_refused() -> None:
    """The port asked for is the port; if it is taken, one sentence says so."""
    port = free_port()
    async with embedded(port) as address:
        assert address.port == port
        with pytest.raises(BrokerError, match=f"cannot listen at {HOST}:{port}, which is in use"):
            async with embedded(port):
                pytest.fail("two brokers listen at one port")


async def test_two_without_a_port_share_the_machine() -> None:
    """Whoever comes first gets 1883, if it is free; the next one gets another."""
    async with embedded() as one, embedded() as two:
        assert one.port != two.port
        assert two.port != USUAL_PORT


async def test_it_stops_cleanly_forgets_and_can_start_again_there() -> None:
    """No task is left over, the port is free at once, and nothing retained has outlived the stop."""
    async with embedded(0) as address, connected(address) as connection:
        await connection.publish(Message("kept", b"1", 1, retain=True))
        assert await retained(address) == {"kept": b"1"}
    await eventually(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    async with embedded(address.port) as again:
        assert again == address
        assert await retained(again) == {}


async def test_it_stops_under_a_connected_client() -> None:
    """A client that is still connected learns of the end, and does not keep the broker from stopping."""
    async with embedded(0) as address:
        client = connected(address)
        connection = await client.__aenter__()
    with pytest.raises(BrokerError):
        await connection.lost()
    await client.__aexit__(None, None, None)
    await eventually(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_everything_acknowledged_reaches_subscribers_though_the_publisher_leaves_at_once() -> None:
    """A farewell right behind the last acknowledgement must not overtake what is still on its way to subscribers."""
    async with embedded(0) as address, Subscriber.on(address) as subscriber:
        for turn in range(20):
            async with connected(address) as connection:
                await asyncio.gather(*(connection.publish(Message("t", b"%d" % (8 * turn + n))) for n in range(8)))
        await subscriber.until(160)
    assert [int(payload(message)) for message in subscriber.messages] == list(range(160))


async def test_broker_at_starts_one_only_for_embedded() -> None:
    """An address of another broker is handed through; `embedded:PORT` becomes the address of a broker that answers."""
    elsewhere = BrokerAddress(host="example.org", port=1883)
    async with broker_at(elsewhere) as address:
        assert address is elsewhere
    port = free_port()
    async with broker_at(BrokerAddress.parse(f"embedded:{port}")) as address, connected(address) as connection:
        await connection.publish(Message("t", b"1"))
        assert address.port == port


async def test_without_amqtt_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the embedded broker needs amqtt; where that is not installed, the sentence names it."""
    monkeypatch.setitem(sys.modules, "amqtt.broker", None)
    with pytest.raises(BrokerError, match="needs the package amqtt"):
        async with embedded(0):
            pytest.fail("it started without amqtt")
