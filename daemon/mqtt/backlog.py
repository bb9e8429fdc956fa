"""The results that the broker has not acknowledged yet, in order. In memory here; the outbox can take its place."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ankled.daemon.mqtt.connection import Message


class Parcel(Protocol):
    """What is to be sent: a message, or a result of the outbox."""

    @property
    def topic(self) -> str:
        """Where it goes."""

    @property
    def payload(self) -> bytes:
        """What it says."""

    @property
    def qos(self) -> int:
        """Whether the broker acknowledges it."""

    @property
    def retain(self) -> bool:
        """Whether the broker keeps it for late subscribers."""


class Backlog(Protocol):
    """Parcels numbered from `first` on, one more each, for one publisher that reads."""

    @property
    def first(self) -> int:
        """The number of the oldest parcel that was not let go of."""

    def __len__(self) -> int:
        """Return how many are not acknowledged."""

    def rewind(self) -> None:
        """Begin anew, for a new connection: with what is told again, then all that is not acknowledged.

        Told again is at least the last result of every retained topic, for the broker may have lost it.
        """

    async def get(self, number: int) -> Parcel:
        """Return the parcel of this number, which must be `first` or later; wait until there is one."""

    def acknowledge(self, number: int) -> None:
        """Let go of all parcels up to and with this number. Forgetting it in a crash means a repeat, not a loss."""

    async def drained(self) -> None:
        """Wait until nothing is kept."""


class MemoryBacklog:
    """At most `limit` messages; `put` waits while it is full, and serves those who wait in their order."""

    def __init__(self, limit: int = 1000) -> None:
        """Begin empty, with number 0."""
        if limit < 1:
            msg = f"the limit of a backlog is {limit}; allowed is 1 or more"
            raise ValueError(msg)
        self.first = 0
        self._messages: deque[Message] = deque()
        self._again = 0  # of these messages the first so many are told again
        self._retained: dict[str, Message] = {}
        self._room = asyncio.Semaphore(limit)
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def full(self) -> bool:
        """Whether `put` would wait."""
        return self._room.locked()

    def __len__(self) -> int:
        """Return how many messages are not acknowledged."""
        return len(self._messages) - self._again

    async def put(self, message: Message) -> int:
        """Keep a message behind all others and return its number; wait for room where there is none."""
        await self._room.acquire()
        self._messages.append(message)
        self._filled.set()
        self._empty.clear()
        return self.first + len(self._messages) - 1

    async def get(self, number: int) -> Message:
        """Return the message of this number, which must be `first` or later; wait until there is one."""
        while number >= self.first + len(self._messages):
            self._filled.clear()
            await self._filled.wait()
        if number < self.first:
            msg = f"message {number} has been let go of; the oldest kept is {self.first}"
            raise LookupError(msg)
        return self._messages[number - self.first]

    def acknowledge(self, number: int) -> None:
        """Let go of all messages up to and with this number."""
        while self._messages and self.first <= number:
            message = self._messages.popleft()
            self.first += 1
            if self._again:
                self._again -= 1
                continue
            self._room.release()
            if message.retain:
                self._retained[message.topic] = message
        if not len(self):
            self._empty.set()

    def rewind(self) -> None:
        """Begin anew, with the last message of every retained topic."""
        for _ in range(self._again):
            self._messages.popleft()
            self.first += 1
        self._messages.extendleft(reversed(self._retained.values()))
        self._again = len(self._retained)
        self._filled.set()

    async def drained(self) -> None:
        """Wait until nothing is kept."""
        await self._empty.wait()
