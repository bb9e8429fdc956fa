"""What tests of the publisher wait for and send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.daemon.brokers import event, eventually

if TYPE_CHECKING:
    from ankled.daemon.mqtt.publisher import Publisher


async def until_connected(publisher: Publisher) -> None:
    """Wait for the publisher's connection."""
    await eventually(lambda: publisher.statistics.connected)


async def until_lost(publisher: Publisher) -> None:
    """Wait until the publisher has noticed that its connection is gone."""
    await eventually(lambda: not publisher.statistics.connected)


async def publish_all(publisher: Publisher, count: int) -> None:
    """Publish so many records."""
    for number in range(count):
        await publisher.publish(event(number))
