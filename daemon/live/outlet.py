"""Where results go: to the broker, in order, without ever holding up the samples."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

import structlog

from ankled.daemon.errors import BrokerError
from ankled.daemon.records import Live

if TYPE_CHECKING:
    from ankled.daemon.mqtt.publisher import Publisher
    from ankled.daemon.records import Record

log = structlog.stdlib.get_logger(__name__)


class Outlet(Protocol):
    """Takes what the core makes. Neither method waits."""

    def take(self, record: Record) -> None:
        """Take one record."""

    def keep(self, topic: str, payload: bytes) -> None:
        """Take the newest state of a topic below the node's."""


class Nowhere:
    """For a recording without a broker: the results can be computed from it at any time."""

    def take(self, record: Record) -> None:
        """Let go of it."""

    def keep(self, topic: str, payload: bytes) -> None:
        """Let go of it."""


class BrokerOutlet:
    """Hands records to a publisher. While its backlog is full up to `limit` more wait here; then the oldest are lost.

    What is lost is counted and said.
    """

    def __init__(self, publisher: Publisher, limit: int) -> None:
        self.publisher = publisher
        self._limit = limit
        self._waiting: deque[Record] = deque()
        self._filled = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.taken = 0
        self.lost = 0

    def take(self, record: Record) -> None:
        """Take one record; what is only of the moment does not wait."""
        if isinstance(record, Live):
            self.publisher.show(record)
            return
        self.taken += 1
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self.lost += 1
            if self.lost == 1:
                log.error("results are lost", reason="the broker is away and the queue is full", queue=self._limit)
        self._waiting.append(record)
        self._idle.clear()
        self._filled.set()

    def keep(self, topic: str, payload: bytes) -> None:
        """Have the broker hold a state."""
        self.publisher.keep(topic, payload)

    async def run(self) -> None:
        """Hand over for as long as it is not cancelled."""
        while True:
            while self._waiting:
                await self.publisher.publish(self._waiting[0])
                self._waiting.popleft()
            self._idle.set()
            self._filled.clear()
            await self._filled.wait()

    async def flushed(self, deadline_s: float) -> None:
        """Wait until the broker has acknowledged everything. Raises BrokerError when the deadline passes first."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._idle.wait()
        except TimeoutError:
            message = f"the broker has not taken {len(self._waiting)} of the results within {deadline_s:g} s"
            raise BrokerError(message) from None
        await self.publisher.drain(deadline_s)
