"""Daemons without sensors: they store and publish the results they are given, and answer for their history."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from ankled.daemon.live.outlet import BrokerOutlet
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.records import to_json
from ankled.daemon.requests import answering
from ankled.daemon.requests.desk import Desk
from tests.daemon.brokers import eventually, payload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.mqtt.connection import Message
    from ankled.daemon.records import Record
    from tests.daemon.brokers import Subscriber


class Node:
    """Outbox, publisher and desk of a node, put together as a daemon does."""

    def __init__(self, node: str, address: BrokerAddress) -> None:
        self.topics = Topics(node=node)
        self.outbox = Outbox(None, root=f"{self.topics.root}/")
        self.publisher = Publisher(address, self.topics, backlog=self.outbox)
        self.outlet = BrokerOutlet(self.publisher, self.outbox)
        self.asked: list[Any] = []
        self.desk = Desk(self.topics, "safe", {"history": answering.history(self.outbox)}, self.publisher.say)
        self.publisher.incoming.listen(self.topics.request("+"), self._take)

    def _take(self, message: Message) -> None:
        self.asked.append(msgspec.json.decode(message.payload))
        self.desk.take(message)


@contextlib.asynccontextmanager
async def nodes(where: dict[str, BrokerAddress]) -> AsyncIterator[dict[str, Node]]:
    """Have each node connect to its broker."""
    async with contextlib.AsyncExitStack() as stack:
        made = {name: Node(name, address) for name, address in where.items()}
        for node in made.values():
            for part in (node.outbox, node.desk, node.publisher):
                await stack.enter_async_context(part)
        # by then each has subscribed to what it is asked
        await eventually(lambda: all(node.publisher.statistics.connected for node in made.values()))
        yield made
        # what is under way when a node stops would be sent again
        await asyncio.gather(*(node.publisher.drain(5.0) for node in made.values()))


def take(made: dict[str, Node], records: dict[str, list[Record]], part: slice) -> None:
    """Have every node take a part of its records, in turns."""
    for each in zip(*(records[name][part] for name in made), strict=True):
        for node, record in zip(made.values(), each, strict=True):
            node.outlet.take(record)


def expected(node: str, records: list[Record]) -> list[tuple[str, bytes]]:
    """Return topics and payloads of a node's records."""
    topics = Topics(node=node)
    return [(topics.topic_for(record).topic, to_json(record)) for record in records]


def heard(subscriber: Subscriber, node: str) -> list[tuple[str, bytes]]:
    """Return results on the topics of a node, each where it first came."""
    results = [
        (str(message.topic), payload(message))
        for message in subscriber.messages
        if message.topic.matches(f"ankled/{node}/#") and payload(message).startswith(b'{"schema"')
    ]
    return list(dict.fromkeys(results))


async def all_heard(subscriber: Subscriber, records: dict[str, list[Record]], end: int | None = None) -> None:
    """Wait for every result of every node; each comes on its node's own topics, unaltered and in order."""
    wanted = {node: expected(node, made[:end]) for node, made in records.items()}
    await eventually(lambda: all(len(heard(subscriber, node)) >= len(wanted[node]) for node in wanted))
    assert {node: heard(subscriber, node) for node in wanted} == wanted


def times(subscriber: Subscriber, topic: str) -> int:
    """Return how often something came on a topic."""
    return sum(message.topic.matches(topic) for message in subscriber.messages)
