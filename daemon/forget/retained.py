"""What a broker holds of an athlete: found by topic and content, and cleared."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.mqtt.connection import Message, connected
from ankled.daemon.mqtt.topics import discovery

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.mqtt.connection import Connection
    from ankled.daemon.mqtt.topics import Topics

_QUIET_S: Final = 1.0
"""A broker sends what it holds right after a subscription: so long without a message, and that was all."""
_LONGEST_S: Final = 30.0


async def held(
    address: BrokerAddress, topics: Topics, prefix: str, ids: Collection[str], *, timeout_s: float
) -> tuple[list[str], bool]:
    """Return the retained topics that name an athlete who goes by these ids. Raises BrokerError.

    And whether the node's own topics were seen at all: who may not read them is sent nothing, and not told so.
    """
    async with connected(address, timeout_s=timeout_s) as connection:
        for wanted in (f"{topics.root}/#", discovery("+", prefix)):
            await connection.subscribe(wanted)
        found = await _retained(connection)
    seen = any(message.topic == topics.bridge("state") for message in found)
    return sorted(message.topic for message in found if _names(message, topics.root, ids)), seen


async def clear(address: BrokerAddress, topics: Iterable[str], *, timeout_s: float) -> None:
    """Have the broker forget these topics. Raises BrokerError."""
    async with connected(address, timeout_s=timeout_s) as connection:
        for topic in topics:
            await connection.publish(Message(topic, b"", 1, retain=True))


async def _retained(connection: Connection) -> list[Message]:
    """Return what the broker holds on what was subscribed to."""
    found: list[Message] = []
    last = asyncio.Event()

    async def collect() -> None:
        async for message in connection.received():
            if message.retain and message.payload:
                found.append(message)
                last.set()

    collecting = asyncio.create_task(collect(), name="retained")
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_S):
                while True:
                    last.clear()
                    await asyncio.wait_for(last.wait(), _QUIET_S)
    finally:
        collecting.cancel()
        await asyncio.wait({collecting})
    if not collecting.cancelled() and (error := collecting.exception()) is not None:
        raise error
    return found


def _names(message: Message, root: str, ids: Collection[str]) -> bool:
    """Tell whether a message is on a topic of the athlete, says that it is of theirs, or points to such a topic."""
    below = tuple(f"{root}/athlete/{one}/" for one in ids)
    if message.topic.startswith(below):
        return True
    try:
        content = msgspec.json.decode(message.payload)
    except (msgspec.DecodeError, RecursionError):
        return False
    return any(
        (key in {"athlete", "last_seq"} and value in ids) or (isinstance(value, str) and value.startswith(below))
        for key, value in _leaves(content)
    )


def _leaves(content: object, key: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(content, dict):
        for name, value in content.items():
            if key == "last_seq":  # in the health of the bridge: whose results are counted
                yield key, name
            yield from _leaves(value, name)
    elif isinstance(content, list):
        for value in content:
            yield from _leaves(value, key)
    else:
        yield key, content
