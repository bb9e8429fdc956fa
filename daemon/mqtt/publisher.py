"""The publisher: results to the broker, in order, at least once, however often the broker goes away.

A result leaves the backlog only when the broker has acknowledged it, and everything before it. On a new connection the
backlog begins anew: with what it tells again (the outbox: all of the last minute, for an acknowledgement is not
delivery), then all that is not acknowledged. So a subscriber may see a result twice, with the same id, but none out of
order for the first time and none missing. The daemon's backlog is the outbox; that of a replay is in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Self, TypeVar

import structlog

from ankled.daemon.errors import BrokerError
from ankled.daemon.giving_up import give_up
from ankled.daemon.mqtt.backlog import Backlog, MemoryBacklog
from ankled.daemon.mqtt.brokers import Brokers
from ankled.daemon.mqtt.connection import Connection, Message
from ankled.daemon.mqtt.incoming import Incoming
from ankled.daemon.mqtt.message import LIVE_EXPIRY_S
from ankled.daemon.mqtt.options import Options, Statistics
from ankled.daemon.mqtt.pace import Pace
from ankled.daemon.mqtt.sender import Sender
from ankled.daemon.mqtt.states import States
from ankled.daemon.records import Record, to_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.mqtt.topics import Topics

# A broker that is slow to acknowledge the last word has the will to say it: the end must not wait for it long.
_FAREWELL_SHARE = 1.0 / 3.0
_HASTE_S = 0.3
_ONLINE = b'{"state":"online"}'
_OFFLINE = b'{"state":"offline"}'
_T = TypeVar("_T")

log = structlog.stdlib.get_logger(__name__)


class Publisher:
    """Owns the connection to the broker. An asynchronous context manager: `async with Publisher(...) as publisher`."""

    def __init__(
        self, address: BrokerAddress, topics: Topics, options: Options | None = None, backlog: Backlog | None = None
    ) -> None:
        """Prepare; nothing is connected before the context is entered. Without a backlog, one in memory is made."""
        self.topics = topics
        self._options = Options() if options is None else options
        self.brokers = Brokers([address, *self._options.fallbacks])
        self._backlog: Backlog = MemoryBacklog(self._options.queue) if backlog is None else backlog
        self._states = States()
        self._sender = Sender(self._backlog, self._states, Pace(self._options.rate_per_s, self._options.burst))
        self.incoming = Incoming()
        self.ways = self._sender.ways
        self._task: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopping = False
        self._connected = False
        self._connections = 0
        # connecting, saying offline and disconnecting are each bounded by the time-out
        self.ending_s: Callable[[], float] = lambda: 3 * self._options.timeout_s + 1.0
        """How long the end may take."""

    async def __aenter__(self) -> Self:
        """Start publishing. With `require`, return once connected, or raise BrokerError when that fails."""
        self._task = asyncio.create_task(self._run(), name="mqtt-publisher")
        if self._options.require:
            try:
                await self._unless_ended(self._first)
            except BaseException:
                await self._stop()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say offline where that was announced, and disconnect. What is not acknowledged yet stays in the backlog."""
        failure = await self._stop()
        if failure is not None and error is None:
            raise failure

    async def publish(self, record: Record) -> None:
        """Hand over a result; wait while the backlog is full. Raises BrokerError when the publisher has given up.

        Only with a backlog in memory: the outbox takes results by itself, without waiting.
        """
        topic, qos, retain = self.topics.topic_for(record)
        message = Message(topic, to_json(record), qos, retain and self._options.announce)
        backlog = self._backlog
        if not isinstance(backlog, MemoryBacklog):
            error = "this publisher reads an outbox: offer the result there"
            raise TypeError(error)
        if self.ended:
            raise self._failure()
        if backlog.full:
            await self._unless_ended(backlog.put(message))
        else:
            await backlog.put(message)

    def keep(self, topic: str, payload: bytes) -> None:
        """Have the broker hold the newest state of a topic; never waits. Nothing is retained without `announce`."""
        self._states.keep(Message(topic, payload, 1, retain=self._options.announce))

    def clear(self, topic: str) -> None:
        """Have the broker forget a topic, with what is on its way there; never waits."""
        if self._options.announce:
            self._sender.retained.pop(topic, None)
            self._states.clear(topic)

    def allow(self, topic: str) -> None:
        """Let the broker hold results on a topic that was cleared again."""
        self._states.allow(topic)

    def repeat(self) -> None:
        """Send everything retained once more, as after a new connection: somebody has come who may not know it."""
        if self._options.announce:
            self._states.repeat([*self._announcement, *self._sender.retained.values()])

    def show(self, record: Record) -> None:
        """Send a record of the moment, if the broker is there; never waits."""
        topic, qos, retain = self.topics.topic_for(record)
        self._states.show(Message(topic, to_json(record), qos, retain=retain, expiry_s=LIVE_EXPIRY_S))

    def say(self, message: Message) -> None:
        """Send a message of the moment, such as an answer, if the broker is there; never waits."""
        self._states.show(message)

    async def drain(self, deadline_s: float) -> None:
        """Wait until the broker has acknowledged everything. Raises BrokerError when the deadline passes first."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._unless_ended(self._backlog.drained())
                await self._unless_ended(self._states.told())
        except TimeoutError:
            what = f"{count} of the results" if (count := len(self._backlog)) else "the state of the sensors"
            msg = f"the broker at {self.brokers.current.url} has not acknowledged {what} within {deadline_s:g} s"
            raise BrokerError(msg) from None

    @property
    def ended(self) -> bool:
        """Whether the publisher has given up or was stopped: nothing is sent any more."""
        return self._running().done()

    @property
    def heartbeat_s(self) -> float:
        """How long ago it last moved, 0 while there is nothing to do or no broker; infinite if it has ended."""
        return math.inf if self.ended else self._sender.pulse.age_s()

    @property
    def statistics(self) -> Statistics:
        """The counts as they stand."""
        return Statistics(
            connected=self._connected,
            queued=len(self._backlog),
            sent=self._sender.sent,
            acknowledged=self._sender.acknowledged,
            refused=self._sender.refused,
            reconnects=max(0, self._connections - 1),
            moments_dropped=self._states.dropped,
        )

    async def _run(self) -> None:
        """Connect, serve, wait, again: until cancelled, or until patience ends."""
        now_s = asyncio.get_running_loop().time
        alone_since_s, told = now_s(), ""
        while not self._stopping:
            self._sender.pulse.beat()
            began_s, acknowledged = None, self._sender.acknowledged
            try:
                async with self._connect() as connection:
                    began_s = now_s()
                    await self._serve(connection)
            except BrokerError as error:
                lasted_s = None if began_s is None else now_s() - began_s
                wait_s = self.brokers.failed(error, lasted_s, self._options.identifier(self.topics.node))
                if self._options.require and not self._first.done() and wait_s:
                    raise
                if self._sender.acknowledged > acknowledged or (began_s is not None and not len(self._backlog)):
                    alone_since_s = now_s()  # until now it took what there was
                patience_s = self._options.patience_s
                if patience_s is not None and now_s() + wait_s - alone_since_s > patience_s:
                    msg = f"{error}; given up after {patience_s:g} s with {len(self._backlog)} results not acknowledged"
                    raise BrokerError(msg) from error
                if str(error) != told:
                    told = str(error)
                    log.warning("broker away", reason=told, queued=len(self._backlog))
                self._sender.pulse.rest()
                await asyncio.sleep(wait_s)

    def _connect(self) -> contextlib.AbstractAsyncContextManager[Connection]:
        return self.brokers.connected(
            client_id=self._options.identifier(self.topics.node),
            keepalive_s=self._options.keepalive_s,
            timeout_s=self._options.timeout_s,
            will=self._state(_OFFLINE) if self._options.announce else None,
            packet_bytes=self._options.packet_bytes,
        )

    async def _serve(self, connection: Connection) -> None:
        """Announce, then send until the connection is lost (BrokerError) or the publisher stops."""
        try:
            # first: who sees that we are online may ask at once
            await self.incoming.begin(connection)
            await self._announce(connection)
            self._connected = True
            self._connections += 1
            log.info("broker connected", **connection.named, queued=len(self._backlog))
            if not self._first.done():
                self._first.set_result(None)
            async with asyncio.TaskGroup() as group:
                group.create_task(self.incoming.receive(connection), name="mqtt-watch")
                group.create_task(self.incoming.follow(connection), name="mqtt-subscribe")
                group.create_task(self._sender.send(connection, group), name="mqtt-send")
                group.create_task(self._states.send(connection.publish), name="mqtt-states")
        except BaseExceptionGroup as failures:
            lost, other = failures.split(BrokerError)
            if other is not None or lost is None:
                raise
            raise lost.exceptions[0] from None  # all of them tell of the same loss
        finally:
            self._connected = False
            if self._options.announce and connection.usable:
                with contextlib.suppress(BrokerError, TimeoutError):
                    async with asyncio.timeout(_FAREWELL_SHARE * self._options.timeout_s):
                        await connection.publish(self._state(_OFFLINE))

    async def _announce(self, connection: Connection) -> None:
        """Say online, and who we are."""
        if self._options.announce:
            for message in self._announcement:
                await connection.publish(message)

    @property
    def _announcement(self) -> list[Message]:
        info = Message(self.topics.bridge("info"), self._options.info, 1, retain=True)
        return [self._state(_ONLINE), info]

    async def _stop(self) -> BaseException | None:
        """End the task, and return what had ended it before."""
        self._stopping = True
        if self._task is None:
            return None
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=self.ending_s())
        if not await give_up(self._task, _HASTE_S):
            log.error("publisher does not stop", broker=self.brokers.current.url)
            return None
        return None if self._task.cancelled() else self._task.exception()

    def _state(self, payload: bytes) -> Message:
        return Message(self.topics.bridge("state"), payload, 1, retain=True)

    def _running(self) -> asyncio.Task[None]:
        if self._task is None:
            msg = "the publisher is not running: enter its context first"
            raise RuntimeError(msg)
        return self._task

    async def _unless_ended(self, awaitable: Awaitable[_T]) -> _T:
        """Await, unless the publisher ends first: then raise what ended it."""
        task = self._running()
        waiter = asyncio.ensure_future(awaitable)
        try:
            await asyncio.wait({waiter, task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not waiter.done():
                waiter.cancel()
        if waiter.done() and not waiter.cancelled():
            return waiter.result()
        raise self._failure()

    def _failure(self) -> BrokerError:
        """Return what ended the publisher, new each time: an error that is raised twice grows its traceback."""
        task = self._running()
        cause = None if task.cancelled() else task.exception()
        error = BrokerError(str(cause) if isinstance(cause, BrokerError) else "the publisher has stopped")
        error.__cause__ = cause
        return error
