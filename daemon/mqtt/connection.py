"""One connection to a broker, from CONNECT to DISCONNECT. The one file that imports aiomqtt.

Its errors are translated here: every failure of the connection leaves as a BrokerError with one sentence that names the
broker and what to do. MQTT 3.1.1, which every broker speaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import traceback
from typing import TYPE_CHECKING

import aiomqtt
import msgspec

from ankled.daemon.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ankled.daemon.mqtt.broker_url import BrokerAddress

# CONNACK reason codes; paho gives those of MQTT 5 for both versions (MQTT 5.0, 3.2.2.2)
_BAD_CREDENTIALS = 134
_NOT_AUTHORISED = 135
# SUBACK return codes from here on are failures (MQTT 3.1.1, 3.9.3)
_REFUSED = 128

_LIBRARY_LOG = logging.getLogger("aiomqtt")


class Message(msgspec.Struct, frozen=True):
    """What goes to the broker, or comes from it."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class Connection:
    """An open connection. A failure of `publish` or the end of `lost` means that it is of no more use."""

    def __init__(self, client: aiomqtt.Client, address: BrokerAddress) -> None:
        """Wrap a connected client."""
        self._client = client
        self._url = address.url
        self.usable = True

    async def publish(self, message: Message) -> None:
        """Return once the broker has acknowledged the message; with QoS 0, once it is written."""
        with _cancellation_kept():
            try:
                await self._client.publish(message.topic, message.payload, message.qos, message.retain)
            except aiomqtt.MqttError as error:
                raise self._failed("did not acknowledge a message") from error

    async def lost(self) -> None:
        """Wait for the end of the connection, then raise BrokerError. Messages that arrive are dropped."""
        try:
            async for _ in self._client.messages:
                pass
        except aiomqtt.MqttError as error:
            raise self._failed("closed the connection") from error

    async def subscribe(self, topics: str, qos: int = 1) -> None:
        """Ask for everything published on a filter; return once the broker has agreed.

        A refusal raises BrokerError too, and leaves the connection `usable`.
        """
        with _cancellation_kept():
            try:
                answer = await self._client.subscribe(topics, qos)
            except aiomqtt.MqttError as error:
                raise self._failed("did not acknowledge a subscription") from error
        if any(getattr(code, "value", code) >= _REFUSED for code in answer):
            msg = f"the broker at {self._url} does not let this user subscribe to {topics}"
            raise BrokerError(msg)

    async def received(self) -> AsyncIterator[Message]:
        """Yield what arrives on the filters subscribed to; ends with BrokerError when the connection does."""
        try:
            async for message in self._client.messages:
                payload = message.payload if isinstance(message.payload, bytes) else b""
                yield Message(str(message.topic), payload, message.qos, message.retain)
        except aiomqtt.MqttError as error:
            raise self._failed("closed the connection") from error

    def _failed(self, what: str) -> BrokerError:
        self.usable = False
        return BrokerError(f"the broker at {self._url} {what}")


@contextlib.contextmanager
def _cancellation_kept() -> Iterator[None]:
    """Raise the cancellation that asyncio.wait_for, which aiomqtt uses, loses with an answer (Python 3.11)."""
    task = asyncio.current_task()
    cancelled = 0 if task is None else task.cancelling()
    yield
    if task is not None and task.cancelling() > cancelled:
        raise asyncio.CancelledError


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
) -> AsyncIterator[Connection]:
    """Connect, yield the connection, disconnect. Raises BrokerError when there is none to be had.

    `handshake_s` bounds the TCP and TLS handshakes, which run in a thread and so in real time; None: as `timeout_s`.
    Every call makes a new client: one that was entered before can seem to connect to a broker that refused it.
    """
    client = aiomqtt.Client(
        address.host,
        address.port,
        username=address.username,
        password=address.password,
        identifier=client_id,
        protocol=aiomqtt.ProtocolVersion.V311,
        will=None if will is None else aiomqtt.Will(will.topic, will.payload, will.qos, will.retain),
        timeout=timeout_s,
        keepalive=keepalive_s,
        logger=_LIBRARY_LOG,
        tls_context=_tls(address) if address.tls else None,
        # else a result waits up to 40 ms for the broker's delayed acknowledgement of a message that it need not answer
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )
    handshake_s = timeout_s if handshake_s is None else handshake_s
    # aiomqtt offers no way to bound the TCP and TLS handshakes, which run in a thread
    client._client.connect_timeout = handshake_s  # noqa: SLF001
    try:
        await _enter(client, timeout_s)
    except aiomqtt.MqttError as error:
        _close_sockets(error.__context__)
        raise BrokerError(_why(error, address, handshake_s)) from error
    connection = Connection(client, address)
    try:
        yield connection
    finally:
        # a DISCONNECT that cannot be written says no more than the failure that came before it
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)
        _drop(client)


async def _enter(client: aiomqtt.Client, timeout_s: float) -> None:
    """Connect, and leave no socket behind when that fails or is cancelled.

    The thread that connects cannot be cancelled. Left alone it would finish, and its client would live on unowned and
    throw out the next one of the same identifier; so a cancellation waits for it, which its own time-outs bound.
    """
    entering = asyncio.create_task(client.__aenter__(), name="mqtt-connect")
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        await asyncio.wait({entering}, timeout=2 * timeout_s)
        if entering.done() and not entering.cancelled():
            entering.exception()  # seen: nobody is left to be told
        _drop(client)
        raise
    except BaseException:
        _drop(client)
        raise


def _drop(client: aiomqtt.Client) -> None:
    """Close the socket, which aiomqtt leaves open and watched when connecting or disconnecting fails."""
    disconnected = client._disconnected  # noqa: SLF001 - an error in it that nobody fetched would be logged as lost
    if disconnected.done() and not disconnected.cancelled():
        disconnected.exception()
    paho = client._client  # noqa: SLF001 - neither library offers an abortive close
    if paho.socket() is not None:
        paho._sock_close()  # noqa: SLF001 - see above


def _close_sockets(cause: BaseException | None) -> None:
    """Close what paho leaves to the garbage collector when a TLS handshake fails: a socket in its frames."""
    for frame, _ in traceback.walk_tb(None if cause is None else cause.__traceback__):
        for value in frame.f_locals.values():
            if isinstance(value, socket.socket):
                value.close()


def _tls(address: BrokerAddress) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=address.ca_file)
    except (OSError, ssl.SSLError) as error:
        msg = f'the certificates in ca_file "{address.ca_file}" cannot be read: {error}'
        raise BrokerError(msg) from error


def _why(error: aiomqtt.MqttError, address: BrokerAddress, timeout_s: float) -> str:
    """Return the sentence for a connection that did not come about. aiomqtt hides the cause in the context."""
    where = f"{address.host}:{address.port}"
    if isinstance(error, aiomqtt.MqttCodeError):
        return _refusal(error.rc, where)
    cause = error.__context__
    match cause:
        case socket.gaierror():
            why = f'the broker\'s name "{address.host}" does not resolve to an address; check its spelling and the DNS'
        case ssl.SSLCertVerificationError():
            why = (
                f"the certificate of the broker at {where} is not trusted: {cause.verify_message}; "
                "name the authority that signed it in mqtt.ca_file"
            )
        case ssl.SSLError() | ConnectionResetError() if address.tls:
            told = getattr(cause, "reason", None) or cause.strerror or cause
            why = f"no TLS with the broker at {where} ({told}); is that its TLS port? Without TLS use mqtt://"
        case ConnectionRefusedError():
            why = f"nobody listens at {where}; start the broker or correct its address"
        case OSError() if not isinstance(cause, TimeoutError):
            why = f"no connection to the broker at {where}: {cause.strerror or cause}"
        case _:
            why = (
                f"{where} gave no MQTT answer within {timeout_s:g} s; "
                f"can it be reached, is it an MQTT broker, and is it one {'without' if address.tls else 'with'} TLS?"
            )
    return why


def _refusal(code: object, where: str) -> str:
    value = getattr(code, "value", code)
    if value in (_BAD_CREDENTIALS, _NOT_AUTHORISED):
        return (
            f"the broker at {where} refused the user name or password (code {value}: {code}); "
            "correct mqtt.username and mqtt.password_file, or those in the URL"
        )
    return f"the broker at {where} refused the connection (code {value}: {code})"
