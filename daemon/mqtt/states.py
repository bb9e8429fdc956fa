"""States and moments: what the broker should hold now, and what is of interest only while it happens.

Neither waits in the backlog with the results: of a state only the newest counts, of a moment only that it was sent in
time. While the broker is away states replace each other, and moments are let go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ankled.daemon.mqtt.connection import Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

_MOMENTS: Final = 256
_NOTHING: Final = Message(topic="", payload=b"", qos=1, retain=True)


class States:
    """What is to be told beside the results. `keep` and `show` never wait."""

    def __init__(self) -> None:
        self._kept: dict[str, Message] = {}
        self._cleared: dict[str, Message] = {}
        self._barred: set[str] = set()
        self._changed: dict[str, Message] = {}
        self._moments: deque[Message] = deque(maxlen=_MOMENTS)
        self._stir = asyncio.Event()
        self._told = asyncio.Event()
        self._told.set()
        self._open = False
        self.dropped = 0
        """Moments that the broker did not take before others had to take their place."""

    def keep(self, message: Message) -> None:
        """Have the broker hold this under its topic, now and after every new connection."""
        if self._kept.get(message.topic) != message:
            self._cleared.pop(message.topic, None)
            self._kept[message.topic] = message
            self._change(message)

    def clear(self, topic: str) -> None:
        """Have the broker hold nothing under this topic: told until it is acknowledged, and then no more.

        Results that come for it later are not to be retained either: they were made before.
        """
        self._barred.add(topic)
        self._kept.pop(topic, None)
        self._cleared[topic] = nothing = replace(_NOTHING, topic=topic)
        self._change(nothing)

    def allow(self, topic: str) -> None:
        """Let the broker hold results under a topic that was cleared again."""
        self._barred.discard(topic)

    def admitted(self, message: Message) -> Message:
        """Return a result as it may be sent: not retained under a topic that was cleared."""
        return replace(message, retain=False) if message.retain and message.topic in self._barred else message

    def repeat(self, others: Iterable[Message]) -> None:
        """Send everything that is kept once more, and after it these others; a new connection does so by itself."""
        if self._open:
            for message in (*self._kept.values(), *others):
                if message.topic not in self._changed:
                    self._change(message)

    def outdated(self, topic: str) -> None:
        """Do not repeat what was held under this topic: something newer is on its way."""
        self._changed.pop(topic, None)

    def show(self, message: Message) -> None:
        """Send this once, if the broker is there."""
        if self._open:
            self.dropped += len(self._moments) == _MOMENTS
            self._moments.append(message)
            self._stir.set()

    async def told(self) -> None:
        """Wait until the broker has acknowledged the newest state of every topic."""
        await self._told.wait()

    async def send(self, publish: Callable[[Message], Awaitable[object]]) -> None:
        """Send everything that is kept, then what changes and what happens, until the connection fails."""
        self._open = True
        try:
            self._changed = {**self._kept, **self._cleared}
            self._told.clear()
            while True:
                self._stir.clear()
                while self._changed or self._moments:
                    if self._moments:
                        await publish(self._moments.popleft())
                    if not self._changed:
                        continue  # else in turns: there may always be another moment, such as an answer to a flood
                    topic = next(iter(self._changed))
                    message = self._changed[topic]
                    await publish(message)
                    for told in (self._changed, self._cleared):
                        if told.get(topic) is message:
                            del told[topic]
                self._told.set()
                await self._stir.wait()
        finally:
            self._open = False
            self._moments.clear()

    def _change(self, message: Message) -> None:
        self._changed[message.topic] = message
        self._told.clear()
        self._stir.set()
