"""One connection to a broker, from CONNECT to DISCONNECT. The one file that imports aiomqtt.

Its errors are translated here: every failure of the connection leaves as a BrokerError with one sentence that names the
broker and what to do. MQTT 5 where the broker speaks it, else 3.1.1. A session ends with its connection: what has to
outlive it is in the backlog, and a broker need keep nothing for us.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from typing import TYPE_CHECKING, Final, TypeVar

import aiomqtt
import msgspec

from ankled.daemon.errors import BrokerError, ConfigError
from ankled.daemon.mqtt import properties, refusals, sockets, tls, unreadable
from ankled.daemon.mqtt.conversation import Connection, LostError, Version
from ankled.daemon.mqtt.entering import drop, enter
from ankled.daemon.mqtt.inbox import Inbox
from ankled.daemon.mqtt.message import Message
from ankled.daemon.mqtt.refusals import Refusals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Sequence

    import paho.mqtt.client as paho
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from ankled.daemon.mqtt.broker_url import BrokerAddress

__all__ = ["Connection", "Message", "Version", "connected", "matches"]

_VERSIONS: Final = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}
_NEWEST_FIRST: Final[tuple[Version, ...]] = ("5", "3.1.1")
_LIBRARY_LOG = logging.getLogger("aiomqtt")

_T = TypeVar("_T")


def _news(record: logging.LogRecord) -> bool:
    """Tell what is no news: that a connection broke is told as a broker that is away, with the reason."""
    return not str(record.msg).startswith("failed to receive on socket")


_LIBRARY_LOG.addFilter(_news)


class Client(aiomqtt.Client):
    """Keeps what aiomqtt hears from the broker and lets go of: its terms, its reason codes, and an early end.

    It overrides what aiomqtt gives to paho as callbacks, which has been the same in all of its second version.
    """

    terms = properties.Terms()
    words = ""
    closed_early = False
    reached = False
    answered = False
    code: ReasonCode | None = None
    too_new = False

    async def send(self, message: Message, made: Properties | None) -> ReasonCode | None:
        """Return once the broker has answered, with the reason code where it refuses."""
        sent = self._client.publish(message.topic, message.payload, message.qos, message.retain, made)
        _checked(sent.rc)
        if sent.is_published():
            return None
        answered = asyncio.Event()
        try:
            with self._pending_call(sent.mid, answered, self._pending_publishes):
                await self._within(answered.wait())
        finally:
            code = self._refused.pop(sent.mid, None)
        return code

    async def ask(self, topics: str, qos: int) -> Sequence[int | ReasonCode]:
        """Subscribe, and return the broker's reason codes."""
        rc, number = self._client.subscribe(topics, qos)
        _checked(rc)
        answer: asyncio.Future[tuple[int, ...] | list[ReasonCode]] = self._loop.create_future()
        with self._pending_call(number or 0, answer, self._pending_subscribes):
            return await self._within(answer)

    async def _within(self, coming: Awaitable[_T]) -> _T:
        # not asyncio.wait_for, as aiomqtt: it loses a cancellation that comes with the answer (Python 3.11)
        try:
            async with asyncio.timeout(self.timeout):
                return await coming
        except TimeoutError:
            raise LostError from None

    async def hear(self) -> AsyncIterator[Message]:
        """Yield what comes."""
        try:
            async for one in self.messages:
                payload = one.payload if isinstance(one.payload, bytes) else b""
                yield properties.received(str(one.topic), payload, one.qos, one.retain, one.properties)
        except aiomqtt.MqttError as error:
            raise LostError from error

    @functools.cached_property
    def dialled(self) -> asyncio.Event:
        """Set when the thread that connects has done so, or failed."""
        return asyncio.Event()

    def _client_connect(self) -> None:
        try:
            super()._client_connect()
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self.dialled.set)

    @functools.cached_property
    def _refused(self) -> dict[int, ReasonCode]:
        return {}

    def _on_connect(
        self,
        client: paho.Client,
        userdata: object,
        flags: paho.ConnectFlags,
        reason_code: ReasonCode,
        found: Properties | None = None,
    ) -> None:
        self.answered = True
        self.words = properties.reason(found)
        if not reason_code.is_failure:
            self.terms = properties.terms(found)
        super()._on_connect(client, userdata, flags, reason_code, found)

    def _on_socket_open(self, client: paho.Client, userdata: object, sock: paho.SocketLike) -> None:
        self.reached = True
        super()._on_socket_open(client, userdata, sock)

    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: object,
        flags: paho.DisconnectFlags,
        reason_code: ReasonCode,
        found: Properties | None = None,
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self.code, self.words = reason_code, properties.reason(found)
        if not self._connected.done():
            self.answered = True
            self.closed_early = True
            self._loop.call_soon_threadsafe(self._end_waiting)
        super()._on_disconnect(client, userdata, flags, reason_code, found)

    def _on_publish(
        self, client: paho.Client, userdata: object, mid: int, reason_code: ReasonCode, found: Properties
    ) -> None:
        if reason_code.is_failure and mid in self._pending_publishes:
            self._refused[mid] = reason_code
            self.words = properties.reason(found)
        super()._on_publish(client, userdata, mid, reason_code, found)

    def _end_waiting(self) -> None:
        """Have the attempt fail at once, not at its deadline."""
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("closed"))


def matches(topics: str, topic: str) -> bool:
    """Tell whether a filter of a subscription takes in a topic."""
    return aiomqtt.Topic(topic).matches(topics)


@contextlib.asynccontextmanager
async def connected(  # noqa: PLR0913  (each is independent of the others, all but the first by name)
    address: BrokerAddress,
    *,
    client_id: str | None = None,
    keepalive_s: int = 30,
    timeout_s: float = 3.0,
    handshake_s: float | None = None,
    will: Message | None = None,
    noted: Refusals | None = None,
    packet_bytes: int | None = None,
) -> AsyncIterator[Connection]:
    """Connect, yield the connection, disconnect. Raises BrokerError when there is none to be had.

    `handshake_s` bounds the TCP and TLS handshakes, which run in a thread and so in real time; None: as `timeout_s`.
    Messages that take more than `packet_bytes` are not sent to us by a broker of MQTT 5.
    """
    handshake_s = timeout_s if handshake_s is None else handshake_s
    versions = _NEWEST_FIRST if address.protocol == "auto" else (address.protocol,)
    too_new = False
    for version in versions:
        # always a new one: one that was entered before can seem to connect to a broker that refused it
        client, context = await _client(
            address, version, client_id, keepalive_s, timeout_s, handshake_s, will, packet_bytes
        )
        client.too_new = too_new
        try:
            await enter(client, timeout_s)
            break
        except aiomqtt.MqttError as error:
            sockets.close_abandoned(error.__context__)
            alert = None if context is None else context.alert
            # some that know MQTT 3.1.1 only close at once, or accept in a way that 5 does not know
            older = _too_new(error) or (client.closed_early and not alert)
            if version != versions[-1]:
                silent = client.reached and not client.answered
                too_new = _too_new(error) or (silent and await _says_older(address, timeout_s, handshake_s))
                if too_new or older:
                    continue
            if isinstance(error, aiomqtt.MqttCodeError):
                raise BrokerError(refusals.refused(error.rc, address.where, client.words)) from error
            raise BrokerError(refusals.failure(error.__context__, address, alert, handshake_s)) from error
    connection = Connection(client, address, version, Refusals() if noted is None else noted)
    try:
        yield connection
    finally:
        # a DISCONNECT that cannot be written says no more than the failure that came before it
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)
        drop(client)


async def _client(  # noqa: PLR0913, PLR0917  (those of `connected`)
    address: BrokerAddress,
    version: Version,
    client_id: str | None,
    keepalive_s: int,
    timeout_s: float,
    handshake_s: float,
    will: Message | None,
    packet_bytes: int | None = None,
) -> tuple[Client, tls.Context | None]:
    """Return a client that has not connected yet, and its TLS context."""
    try:
        # in a thread: the certificates of a whole system take a while to read
        context = await asyncio.to_thread(tls.context, address.trust) if address.tls else None
    except ConfigError as error:
        raise BrokerError(str(error)) from error
    client = Client(
        address.path if address.transport == "unix" else address.host,
        address.port or 1,  # paho wants one even for a unix socket
        username=address.username,
        password=address.password,
        identifier=client_id,
        protocol=_VERSIONS[version],
        transport=address.transport,
        will=None if will is None else aiomqtt.Will(will.topic, will.payload, will.qos, will.retain),
        timeout=timeout_s,
        keepalive=keepalive_s,
        logger=_LIBRARY_LOG,
        queue_type=Inbox,
        tls_context=context,
        properties=properties.of_connect(packet_bytes) if version == "5" else None,
        websocket_path=address.path + address.query if address.transport == "websockets" else None,
    )
    below = client._client  # noqa: SLF001 - aiomqtt offers no way to bound these, which run in a thread
    below.connect_timeout = handshake_s
    unreadable.let_go(below)
    connect = functools.partial(sockets.unix_socket, address.path, handshake_s)
    below._create_unix_socket_connection = connect  # type: ignore[method-assign]  # noqa: SLF001 - as above
    return client, context


def _too_new(error: aiomqtt.MqttError) -> bool:
    """Tell whether a broker says that it knows MQTT 3.1.1 only."""
    return isinstance(error, aiomqtt.MqttCodeError) and getattr(error.rc, "value", 0) == refusals.UNSUPPORTED_VERSION


async def _says_older(address: BrokerAddress, timeout_s: float, handshake_s: float) -> bool:
    """Ask a broker that gave no answer once more, without a will and a user.

    What stands in a CONNECT of MQTT 5 makes some that know 3.1.1 only (amqtt) wait for the rest of a message that is
    complete. To this shortest one they say what they are, while one that is frozen stays silent.
    """
    nobody = msgspec.structs.replace(address, username=None, password=None)
    client, _ = await _client(nobody, _NEWEST_FIRST[0], None, 30, timeout_s, handshake_s, None)
    try:
        await enter(client, timeout_s)
    except aiomqtt.MqttError as error:
        sockets.close_abandoned(error.__context__)
        return _too_new(error)
    with contextlib.suppress(aiomqtt.MqttError):
        await client.__aexit__(None, None, None)
    drop(client)
    return False


def _checked(rc: int) -> None:
    """Raise where paho has not taken something, for want of a connection."""
    if rc:
        raise LostError
