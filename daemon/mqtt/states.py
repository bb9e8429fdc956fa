"""States and moments: what the broker should hold now, and what is of interest only while it happens.

Neither waits in the backlog with the results: of a state only the newest counts, of a moment only that it was sent in
time. While the broker is away states replace each other, and moments are let go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ankled.daemon.mqtt.connection import Message

_MOMENTS: Final = 256


class States:
    """What is to be told beside the results. `keep` and `show` never wait."""

    def __init__(self) -> None:
        self._kept: dict[str, Message] = {}
        self._changed: dict[str, Message] = {}
        self._moments: deque[Message] = deque(maxlen=_MOMENTS)
        self._stir = asyncio.Event()
        self._told = asyncio.Event()
        self._told.set()
        self._open = False

    def keep(self, message: Message) -> None:
        """Have the broker hold this under its topic, now and after every new connection."""
        if self._kept.get(message.topic) != message:
            self._kept[message.topic] = self._changed[message.topic] = message
            self._told.clear()
            self._stir.set()

    def show(self, message: Message) -> None:
        """Send this once, if the broker is there."""
        if self._open:
            self._moments.append(message)
            self._stir.set()

    async def told(self) -> None:
        """Wait until the broker has acknowledged the newest state of every topic."""
        await self._told.wait()

    async def send(self, publish: Callable[[Message], Awaitable[None]]) -> None:
        """Send everything that is kept, then what changes and what happens, until the connection fails."""
        self._open = True
        try:
            self._changed = dict(self._kept)
            while True:
                self._stir.clear()
                while self._changed or self._moments:
                    if self._moments:
                        await publish(self._moments.popleft())
                        continue
                    topic = next(iter(self._changed))
                    message = self._changed[topic]
                    await publish(message)
                    if self._changed.get(topic) is message:
                        del self._changed[topic]
                self._told.set()
                await self._stir.wait()
        finally:
            self._open = False
            self._moments.clear()
