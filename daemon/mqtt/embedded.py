"""A broker inside the process (amqtt), for the demonstration and for machines without one.

What it is not, and a broker like mosquitto is:
- MQTT 3.1.1 only, without TLS and passwords; hence on the loopback address alone.
- Nothing outlives it: no retained topic, no session of a client.
- Some hundreds to two thousand messages a second, from the same processor core as everything else.
- At least once holds from a publisher to this broker. From it to a subscriber it sends once and waits 5 s for the
  acknowledgement, then lets the message go: a subscriber that stalls for longer misses results.
- It never drops a silent client: a last will goes out when a connection breaks, not when it freezes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING

import structlog

from ankled.daemon.errors import BrokerError
from ankled.daemon.mqtt.broker_url import BrokerAddress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from amqtt.broker import Broker

HOST = "127.0.0.1"
USUAL_PORT = 1883

_STOP_S = 10.0  # amqtt itself waits for up to 5 s for deliveries under way

log = structlog.stdlib.get_logger(__name__)


@contextlib.asynccontextmanager
async def broker_at(
    address: BrokerAddress, stopping_s: Callable[[], float] = lambda: _STOP_S
) -> AsyncIterator[BrokerAddress]:
    """Yield the address as it is, or, if it says `embedded`, run a broker and yield where it listens."""
    if not address.embedded:
        yield address
        return
    async with embedded(address.port or None, stopping_s) as found:
        yield found


@contextlib.asynccontextmanager
async def embedded(
    port: int | None = None, stopping_s: Callable[[], float] = lambda: _STOP_S
) -> AsyncIterator[BrokerAddress]:
    """Run a broker on the loopback address: at `port`, or, without one, at 1883 if that is free and else anywhere.

    Port 0 is any free one; `stopping_s` tells how long the end may take. Raises BrokerError when the given port is
    taken, or when amqtt is not installed.
    """
    try:
        # here, because only who embeds a broker should wait a sixth of a second for its import
        from amqtt.broker import Broker  # noqa: PLC0415
        from amqtt.contexts import BrokerConfig, ListenerConfig  # noqa: PLC0415 - as above
    except ImportError as error:
        msg = "the embedded broker needs the package amqtt, which is not installed; install it or name another broker"
        raise BrokerError(msg) from error
    if port is None:
        port = USUAL_PORT if _is_free(USUAL_PORT) else 0
    elif port != 0 and not _is_free(port):
        msg = f"the embedded broker cannot listen at {HOST}:{port}, which is in use; stop what listens there"
        raise BrokerError(msg)

    class Closing(Broker):  # type: ignore[misc]  # amqtt has no types
        """Closes what a client leaves open that goes before it has said anything."""

        async def stream_connected(
            self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
        ) -> None:
            """Serve one client to its end."""
            try:
                await super().stream_connected(reader, writer, listener_name)
            finally:
                writer.close()

    broker = Closing(
        BrokerConfig(
            listeners={"default": ListenerConfig(bind=f"{HOST}:{port}")},
            # without the plugins that log every packet and publish $SYS topics
            plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        )
    )
    with _quiet():
        try:
            await broker.start()
        except Exception as error:  # amqtt wraps whatever happens in an error of its own
            msg = f"the embedded broker does not start: {error}"
            raise BrokerError(msg) from error
        # amqtt does not say which port it got
        (listener,) = broker._servers["default"].instance.sockets  # noqa: SLF001
        address = BrokerAddress(host=HOST, port=listener.getsockname()[1], protocol="3.1.1")
        log.info("embedded broker started", broker=address.url)
        try:
            yield address
        finally:
            await _stop(broker, stopping_s())
            log.info("embedded broker stopped", broker=address.url)


async def _stop(broker: Broker, deadline_s: float) -> None:
    try:
        async with asyncio.timeout(deadline_s):
            await broker.shutdown()
    except TimeoutError:
        log.warning("embedded broker did not stop in time", deadline_s=deadline_s)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let amqtt log errors only: its warnings are about clients that come and go, in its own terms."""
    library = logging.getLogger("amqtt")
    before = library.level
    library.setLevel(logging.ERROR)
    try:
        yield
    finally:
        library.setLevel(before)
