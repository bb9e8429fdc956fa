"""The way to the broker: connects, subscribes, feeds the model, has gaps filled, and comes back when it was cut off."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Protocol

from ankled.daemon.errors import BrokerError
from ankled.daemon.monitor import heard
from ankled.daemon.monitor.history import Historian, NoHistoryError
from ankled.daemon.monitor.people import Now
from ankled.daemon.mqtt.backoff import Backoff
from ankled.daemon.mqtt.connection import connected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ankled.daemon.monitor.collect import Model, Ordered
    from ankled.daemon.monitor.people import Node, Source
    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.mqtt.connection import Connection

_BEAT_S: Final = 0.25
_LAST_S: Final = 10.0
"""Somebody is watching: the longest wait is shorter than a daemon's."""
_KEEPALIVE_S: Final = 10


class Screen(Protocol):
    """Who shows what is heard. No method waits."""

    def ready(self, results: list[Ordered]) -> None:
        """Take results in order."""

    def note(self, text: str) -> None:
        """Take a sentence about the watch itself."""


class Watch:
    """Watches the first of several brokers that serves, until cancelled. Raises BrokerError when none does at first."""

    def __init__(  # noqa: PLR0913  (each is independent of the others)
        self,
        addresses: Sequence[BrokerAddress],
        model: Model,
        screen: Screen,
        nodes: Sequence[str] = (),
        *,
        last: int = 200,
        timeout_s: float = 3.0,
    ) -> None:
        self._addresses = addresses
        self._turn = 0
        self._model = model
        self._screen = screen
        self._nodes = nodes
        self._last = last
        self._timeout_s = timeout_s
        self._asking: set[str] = set()
        self._stir = asyncio.Event()
        self.connections = 0
        self.begun = asyncio.Event()
        """Set with the first connection."""
        self.connected = False
        self.away = ""
        """Why there is no connection."""

    async def run(self) -> None:
        """Connect, listen, and again whenever the connection is lost."""
        backoff = Backoff(last_s=_LAST_S)
        while True:
            try:
                async with connected(self._address, keepalive_s=_KEEPALIVE_S, timeout_s=self._timeout_s) as connection:
                    await self._listen(connection)
            except BrokerError as error:
                # as a daemon chooses: the others one after the other, and after a connection the first again
                self._turn = 0 if self.connected else (self._turn + 1) % len(self._addresses)
                if not self.connections and not self._turn:
                    raise
                if self.connected:
                    backoff.reset()
                self._lost(str(error))
            if not self._turn:
                await asyncio.sleep(backoff.next_s())

    @property
    def _address(self) -> BrokerAddress:
        return self._addresses[self._turn]

    def _lost(self, reason: str) -> None:
        self.connected = False
        if reason != self.away:
            self._screen.note(reason)
        self.away = reason
        self._model.version += 1

    async def _listen(self, connection: Connection) -> None:
        """Subscribe, then take in what comes, until the connection is lost: then BrokerError."""
        await self._subscribe(connection)
        self._model.reconnected()
        if self.connections or self._turn:
            self._screen.note(f"connected to {self._address.url}{' again' if self.connections else ''}")
        self.connections += 1
        self.begun.set()
        self.connected, self.away = True, ""
        self._asking.clear()
        historian = Historian(self._model, connection.publish, now, last=self._last, timeout_s=self._timeout_s)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive(connection, historian), name="monitor-receive")
                group.create_task(self._fill(historian, group), name="monitor-fill")
        except BaseExceptionGroup as failures:
            lost, other = failures.split(BrokerError)
            raise (other or lost or failures).exceptions[0] from None  # all that is lost tells of the same loss

    async def _subscribe(self, connection: Connection) -> None:
        """Subscribe to everything; what this user may not read is said, unless it is everything."""
        refused: list[BrokerError] = []
        wanted = heard.filters(self._model.base, self._nodes)
        for topics in wanted:
            try:
                await connection.subscribe(topics)
            except BrokerError as error:
                if not connection.usable:
                    raise
                refused.append(error)
        if len(refused) == len(wanted):
            raise refused[0]
        if not self.connections:
            for one in refused:
                self._screen.note(str(one))

    async def _receive(self, connection: Connection, historian: Historian) -> None:
        async for message in connection.received():
            where = heard.place(self._model.base, message.topic)
            if where is not None and where.what == heard.HISTORY:
                historian.answered(message.payload)
            else:
                self._screen.ready(self._model.feed(message.topic, message.payload, now(), retained=message.retain))
            self._stir.set()

    async def _fill(self, historian: Historian, group: asyncio.TaskGroup) -> None:
        """Have gaps filled, of each node one source at a time, or given up."""
        while True:
            self._screen.ready(self._model.settle(now()))
            for node in list(self._model.nodes.values()):
                if node.name not in self._asking and (source := self._model.asks(node, now())) is not None:
                    self._asking.add(node.name)
                    group.create_task(self._ask(historian, node, source), name=f"monitor-history-{node.name}")
            self._stir.clear()
            try:
                async with asyncio.timeout(_BEAT_S):
                    await self._stir.wait()
            except TimeoutError:
                continue

    async def _ask(self, historian: Historian, node: Node, source: Source) -> None:
        try:
            async for results in historian.fill(node, source):
                self._screen.ready(results)
        except NoHistoryError as error:
            if error.silent:
                self._model.mute(node, str(error), now())
            self._screen.note(f"{node.name}/{source.owner}: the past cannot be had: {error}")
            self._screen.ready(self._model.give_up(node, source))
        finally:
            self._asking.discard(node.name)
            self._stir.set()


def now() -> Now:
    """Return this moment."""
    return Now(time.monotonic(), time.time())
