"""One broker or several: which one is next, and what has been learnt of them from one connection to the next.

The first is preferred, and the others are for when it fails: one after the other they are tried without a wait. Who has
found one stays with it for as long as it serves, and begins with the first again when that connection breaks. To go
back sooner would cut a connection that works, each time that a broker which comes and goes is seen for a moment.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import structlog
from msgspec.structs import replace

from ankled.daemon.errors import BrokerError, TakenOverError
from ankled.daemon.mqtt.backoff import Backoff
from ankled.daemon.mqtt.connection import Connection, connected
from ankled.daemon.mqtt.refusals import Refusals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.mqtt.message import Message

PROVEN_S: Final = 5.0
"""A connection that held for so long ends a series of failures. One that breaks at once, as when two daemons bear the
same identifier and throw each other out, does not."""

_TELLING: Final = (3, 10, 30, 100, 300, 1000)

log = structlog.stdlib.get_logger(__name__)


class Brokers:
    """The brokers of one publisher, in the order of preference."""

    def __init__(self, addresses: Sequence[BrokerAddress]) -> None:
        """Begin with the first."""
        self._addresses = list(addresses)
        self._turn = 0
        self._broken = 0
        self._backoff = Backoff()
        self.refusals = Refusals()

    @property
    def current(self) -> BrokerAddress:
        """The one that is connected to, or tried next."""
        return self._addresses[self._turn]

    @contextlib.asynccontextmanager
    async def connected(
        self, *, client_id: str | None, keepalive_s: int, timeout_s: float, will: Message | None, packet_bytes: int
    ) -> AsyncIterator[Connection]:
        """Connect to the current one. Raises BrokerError when it is not to be had, or when the connection breaks."""
        turn = self._turn
        async with connected(
            self.current,
            client_id=client_id,
            keepalive_s=keepalive_s,
            timeout_s=timeout_s,
            will=will,
            noted=self.refusals,
            packet_bytes=packet_bytes,
        ) as connection:
            if connection.too_new:
                # it has said that it speaks 3.1.1 alone: it need not be asked each time
                self._addresses[turn] = replace(self._addresses[turn], protocol=connection.version)
            yield connection

    def failed(self, error: BrokerError, lasted_s: float | None, client_id: str | None) -> float:
        """Choose the next one after a failure; return how long to wait for it, 0 s where others are left to try.

        `lasted_s` is how long the connection held, None where there was none.
        """
        self._count(error, lasted_s, client_id)
        if lasted_s is not None and lasted_s >= PROVEN_S:
            self._turn = 0
            self._backoff.reset()
        else:
            self._turn = (self._turn + 1) % len(self._addresses)
        return 0.0 if self._turn else self._backoff.next_s()

    def _count(self, error: BrokerError, lasted_s: float | None, client_id: str | None) -> None:
        """Say at times that connections break as soon as they are made. MQTT 5 tells why, 3.1.1 does not."""
        if lasted_s is None:
            return
        self._broken = 0 if lasted_s >= PROVEN_S and not isinstance(error, TakenOverError) else self._broken + 1
        if self._broken in _TELLING and client_id is not None:
            known = isinstance(error, TakenOverError)
            log.error(
                "thrown out by another client" if known else "connections do not last",
                times=self._broken,
                reason=str(error) if known else f'{error}; does another daemon use the client id "{client_id}" too?',
            )
