"""Websockets and unix sockets against a real mosquitto: they carry what TCP carries, and fail in a sentence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.errors import BrokerError
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.connection import Message, connected
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from tests.daemon.brokers import HOST, PATIENCE_S, Mosquitto, Subscriber, event, free_port, payload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def everywhere(mosquitto_program: str, tmp_path: Path) -> Iterator[tuple[Mosquitto, dict[str, BrokerAddress]]]:
    """Run a mosquitto that listens at a port, for websockets and at a unix socket."""
    port, path = free_port(), tmp_path / "mqtt.sock"
    lines = (f"listener {port} {HOST}", "protocol websockets", f"listener 0 {path}")
    server = Mosquitto(mosquitto_program, tmp_path, *lines)
    server.start()
    server.until_listening(port)
    yield (
        server,
        {
            "tcp": server.address,
            "ws": BrokerAddress.parse(f"ws://{HOST}:{port}/any/path?and=query"),
            "unix": BrokerAddress.parse(f"unix://{path}"),
        },
    )
    server.kill()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("kind", ["ws", "unix"])
async def test_every_transport_carries_results(
    everywhere: tuple[Mosquitto, dict[str, BrokerAddress]], kind: str, protocol: str
) -> None:
    """A thousand results through each, complete and in order, and what comes back over it too."""
    address = everywhere[1][kind]
    async with Subscriber.on(everywhere[0].address) as subscriber:
        async with Publisher(address, Topics(node="gym"), Options.for_replay(timeout_s=PATIENCE_S)) as publisher:
            for number in range(1000):
                await publisher.publish(event(number))
            await publisher.drain(PATIENCE_S)
        await subscriber.until(1000)
    assert subscriber.numbers == list(range(1000))
    async with connected(address) as connection:
        await connection.subscribe("back")
        big = bytes(100_000)
        await connection.publish(Message("back", big))
        async with asyncio.timeout(PATIENCE_S):
            assert (await anext(connection.received())).payload == big
    assert payload(subscriber.messages[-1]).startswith(b'{"schema"')


async def test_failures_of_each_transport(
    everywhere: tuple[Mosquitto, dict[str, BrokerAddress]], tmp_path: Path
) -> None:
    """No socket, a socket of nobody, and a port that speaks no websockets: a sentence each, without the query."""
    stale = tmp_path / "stale.sock"
    server = await asyncio.start_unix_server(lambda _reader, writer: writer.close(), stale)
    server.close()
    await server.wait_closed()
    mosquitto = everywhere[0].address
    for url, told in (
        (f"unix://{tmp_path}/none.sock", f"there is no socket at {tmp_path}/none.sock; start the broker"),
        (f"unix://{stale}", f"nobody listens at {stale}; start the broker"),
        (
            f"ws://{HOST}:{mosquitto.port}/mqtt?token=hidden",
            f"ws://{HOST}:{mosquitto.port}/mqtt does not answer as a broker with websockets does; correct the port",
        ),
    ):
        with pytest.raises(BrokerError) as failure:
            async with connected(BrokerAddress.parse(url)):
                pytest.fail("it connected")
        assert str(failure.value).startswith(told)
        assert "hidden" not in str(failure.value)
