"""A replay waits for a broker as long as it was told to, from when the broker went, and then says what it still has."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from ankled.daemon.errors import BrokerError
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from tests.daemon.brokers import HOST, PATIENCE_S, Gate, eventually, free_port
from tests.daemon.publishing import publish_all, until_lost

TOPICS = Topics(node="gym")
REPLAY = Options.for_replay(timeout_s=PATIENCE_S)


async def test_a_replay_without_a_broker_is_an_error_at_once() -> None:
    """Nobody listens: one sentence with the address, and no task is left behind."""
    port = free_port()
    with pytest.raises(BrokerError) as failure:
        async with Publisher(BrokerAddress(host=HOST, port=port), TOPICS, REPLAY):
            pytest.fail("there is no broker to connect to")
    assert str(failure.value) == f"nobody listens at {HOST}:{port}; start the broker or correct its address"
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("mqtt")] == []


async def test_a_replay_gives_up_on_a_broker_that_stays_away(gate: Gate) -> None:
    """Patience has an end: then `publish` raises instead of waiting for ever, and so does `drain`."""
    options = msgspec.structs.replace(REPLAY, patience_s=0.6, queue=10)
    publisher = Publisher(gate.address, TOPICS, options)
    with pytest.raises(BrokerError, match="given up"):  # noqa: PT012 - what raises is the end of the context
        async with publisher:
            await gate.shut()
            await until_lost(publisher)
            with pytest.raises(BrokerError, match=r"nobody listens .*; given up after 0\.6 s with 10 results"):
                await publish_all(publisher, 1000)
            await publisher.drain(PATIENCE_S)


async def test_patience_begins_when_the_broker_goes(gate: Gate) -> None:
    """A connection that had nothing to carry for longer than patience lasts is taken up again when it breaks."""
    options = msgspec.structs.replace(REPLAY, patience_s=0.4)
    async with Publisher(gate.address, TOPICS, options) as publisher:
        await asyncio.sleep(0.6)
        gate.cut()
        await until_lost(publisher)
        await publish_all(publisher, 3)
        await publisher.drain(PATIENCE_S)
        assert publisher.statistics.acknowledged == 3


async def test_giving_up_is_told_even_to_who_never_asks(gate: Gate) -> None:
    """A publisher that has given up says so when its context ends, or results would be lost in silence."""
    options = msgspec.structs.replace(REPLAY, patience_s=0.3)
    with pytest.raises(BrokerError, match="given up"):  # noqa: PT012 - what raises is the end of the context
        async with Publisher(gate.address, TOPICS, options) as publisher:
            await gate.shut()
            await eventually(lambda: publisher.ended)
