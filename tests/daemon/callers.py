"""Who makes requests over a real broker and hears the answers."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self

import aiomqtt  # noqa: TID251 - whoever asks, next to the publisher under test
import msgspec

from ankled.daemon.demo.pace import patience
from tests.daemon.brokers import PATIENCE_S, eventually, payload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.mqtt.topics import Topics


class Caller:
    """Publishes requests and collects the answers to all of them, also to those of others."""

    def __init__(self, client: aiomqtt.Client, topics: Topics) -> None:
        self.client = client
        self._topics = topics
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.retained: list[str] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, address: BrokerAddress, topics: Topics) -> AsyncIterator[Self]:
        """Connect and listen for answers."""
        async with aiomqtt.Client(address.host, address.port, timeout=patience(PATIENCE_S)) as client:
            self = cls(client, topics)
            await client.subscribe(f"{topics.root}/bridge/response/#", qos=1)
            hearing = asyncio.create_task(self._hear())
            try:
                yield self
            finally:
                hearing.cancel()
                await asyncio.wait({hearing})

    async def _hear(self) -> None:
        async for message in self.client.messages:
            name = str(message.topic).removeprefix(f"{self._topics.root}/bridge/response/")
            if message.retain:
                self.retained.append(name)
            self.answers.append((name, msgspec.json.decode(payload(message))))

    async def say(self, name: str, content: bytes, *, retain: bool = False) -> None:
        """Publish a request as it is, and wait for nothing."""
        await self.client.publish(f"{self._topics.root}/bridge/request/{name}", content, qos=1, retain=retain)

    async def raw(self, name: str, content: bytes) -> dict[str, Any]:
        """Publish a request as it is, and return the next answer that comes under its name."""
        before = len(self.of(name))
        await self.say(name, content)
        await eventually(lambda: len(self.of(name)) > before)
        return self.of(name)[before]

    async def ask(self, name: str, **fields: object) -> dict[str, Any]:
        """Make a request and return its answer."""
        return await self.raw(name, msgspec.json.encode(fields))

    async def heard(self, name: str = "health_check") -> None:
        """Ask until there is an answer: the broker does not say when it has subscribed the daemon. Then forget it."""
        count = 0
        while not self.answers:
            count += 1
            await self.say(name, msgspec.json.encode({"transaction": count}))
            await asyncio.sleep(0.05)
        await eventually(lambda: self.answers[-1][1]["transaction"] == count)  # the last one; nothing else is under way
        self.answers.clear()

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return the answers to requests of a name so far."""
        return [answer for topic, answer in self.answers if topic == name]
