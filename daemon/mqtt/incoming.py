"""What comes from the broker, and who is told of it: requests, and the birth of those who listen to us."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

from ankled.daemon.errors import BrokerError
from ankled.daemon.mqtt.connection import matches

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.daemon.mqtt.connection import Connection, Message

    Handler: TypeAlias = Callable[[Message], None]

_SHOWN: Final = 100
"""Characters of a topic that are logged: whoever writes it may write 65,535."""

log = structlog.stdlib.get_logger(__name__)


class Incoming:
    """Subscribes to what somebody listens to, on every connection anew, and hands over what arrives.

    A handler is called in the event loop and must not wait. Filters must not overlap: where they do, a broker may send
    a message once for each, and every handler would be called as often.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._asked: set[str] = set()
        self._more = asyncio.Event()

    def listen(self, topics: str, handler: Handler) -> None:
        """Have `handler` called with every message on the filter `topics`, from now on or from the next connection."""
        self._handlers[topics] = handler
        self._more.set()

    async def begin(self, connection: Connection) -> None:
        """Subscribe on a new connection; return when the broker has answered for every filter."""
        self._asked.clear()
        await self._ask(connection)

    async def follow(self, connection: Connection) -> None:
        """Subscribe to what is listened to later, until the connection fails."""
        while True:
            await self._more.wait()
            await self._ask(connection)

    async def receive(self, connection: Connection) -> None:
        """Hand over what comes, until the connection ends with a BrokerError."""
        async for message in connection.received():
            for topics, handler in list(self._handlers.items()):
                if matches(topics, message.topic):
                    self._hand(handler, message)

    @staticmethod
    def _hand(handler: Handler, message: Message) -> None:
        """Call a handler. A defect in it must not end the connection, and with it the results."""
        try:
            handler(message)
        except Exception:  # whatever it is, it is logged with its traceback
            log.exception("message not understood", topic=message.topic[:_SHOWN])

    async def _ask(self, connection: Connection) -> None:
        """Subscribe to what is new. What this user may not read is said, and the rest goes on without it."""
        self._more.clear()
        for topics in [topics for topics in self._handlers if topics not in self._asked]:
            self._asked.add(topics)
            try:
                await connection.subscribe(topics)
            except BrokerError as error:
                if not connection.usable:
                    raise
                log.warning("not subscribed", topics=topics, reason=str(error))
