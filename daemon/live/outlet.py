"""Where results go: into the outbox and from there to the broker, in order, without ever holding up the samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ankled.daemon.outbox.result import Result
from ankled.daemon.records import Event, Live, to_json

if TYPE_CHECKING:
    from ankled.daemon.live.twin import Twin
    from ankled.daemon.mqtt.publisher import Publisher
    from ankled.daemon.mqtt.topics import Topics
    from ankled.daemon.outbox.outbox import Outbox
    from ankled.daemon.records import Record


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
    """Stores records in the outbox that a publisher reads; what is only of the moment goes to the publisher at once."""

    def __init__(self, publisher: Publisher, outbox: Outbox) -> None:
        self.publisher = publisher
        self.outbox = outbox
        self.taken = 0
        self.twin: Twin | None = None

    def take(self, record: Record) -> None:
        """Take one record."""
        if isinstance(record, Live):
            self.publisher.show(record)
            return
        self.taken += 1
        self.outbox.offer(result_of(record, self.publisher.topics))

    def keep(self, topic: str, payload: bytes) -> None:
        """Have the broker hold a state."""
        self.publisher.keep(topic, payload)

    def troubles(self) -> list[str]:
        """Return what is not well here, for health: in words that name no file of this machine."""
        told = [] if self.twin is None or self.twin.problem is None else [self.twin.problem]
        if self.outbox.told:
            told.append("the outbox was not in order at the start: the log says what could be saved")
        return told

    async def flushed(self, deadline_s: float) -> None:
        """Wait until the broker has acknowledged everything. Raises BrokerError when the deadline passes first."""
        await self.publisher.drain(deadline_s)


def result_of(record: Record, topics: Topics) -> Result:
    """Return a record as the outbox keeps it. Whose `seq` it counts stands in its id: session/source/kind/counter."""
    if isinstance(record, Live):
        message = "a live record has no seq: it is not kept"
        raise TypeError(message)
    route = topics.topic_for(record)
    return Result(
        id=record.id,
        source=record.id.rsplit("/", 3)[1],
        seq=record.seq,
        athlete=None if isinstance(record, Event) else record.athlete,
        topic=route.topic,
        payload=to_json(record),
        retain=route.retain,
    )
