"""Several brokers in order: nothing is lost on the way from one to the next, and nothing is sent twice without need."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ankled.daemon.errors import BrokerError
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.brokers import PROVEN_S, Brokers
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from tests.daemon.brokers import HOST, PATIENCE_S, Mosquitto, Subscriber, event, eventually, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOPICS = Topics(node="gym")
FIRST, SECOND, THIRD = (BrokerAddress(host=f"host{number}", port=1) for number in range(3))
LOST = BrokerError("lost")


@pytest.fixture
def pair(mosquitto_program: str, tmp_path: Path) -> Iterator[list[Mosquitto]]:
    """Run two mosquittos."""
    servers = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        servers.append(Mosquitto(mosquitto_program, tmp_path / name))
        servers[-1].start()
    yield servers
    for server in servers:
        server.kill()


def test_the_order_of_trying() -> None:
    """Each in turn without a wait, then a wait and the first again; from one that has served, back to the first."""
    brokers = Brokers([FIRST, SECOND, THIRD])
    tried = [(brokers.current, brokers.failed(LOST, None, None) == 0.0) for _ in range(4)]
    assert tried == [(FIRST, True), (SECOND, True), (THIRD, False), (FIRST, True)]
    assert brokers.current == SECOND
    assert brokers.failed(LOST, PROVEN_S, None) > 0.0
    assert brokers.current == FIRST


def test_one_that_accepts_and_breaks_at_once_does_not_hide_the_next() -> None:
    """A first broker that takes connections and drops them is no reason never to try the second."""
    brokers = Brokers([FIRST, SECOND])
    assert brokers.failed(LOST, 0.1, None) == 0.0
    assert brokers.current == SECOND


def test_a_single_broker_is_waited_for() -> None:
    """With one broker every failure is followed by a wait."""
    assert Brokers([FIRST]).failed(LOST, None, None) > 0.0


async def test_results_go_on_to_the_next_broker(pair: list[Mosquitto]) -> None:
    """The first is killed in mid-stream: the second gets all that the first has not acknowledged, and no more."""
    one, two = pair
    options = replace(Options.for_replay(timeout_s=PATIENCE_S), fallbacks=(two.address,))
    async with Subscriber.on(two.address) as second:
        async with Publisher(one.address, TOPICS, options) as publisher:
            async with Subscriber.on(one.address) as first:
                stream = asyncio.create_task(publish_all(publisher, 2000))
                await first.until(300)
                one.kill()
                await first.ended()
            await stream
            await publisher.drain(PATIENCE_S)
            assert publisher.brokers.current == two.address
            assert publisher.statistics.acknowledged == 2000
        await eventually(lambda: 1999 in second.numbers)
    begun = second.numbers[0]
    assert second.numbers == list(range(begun, 2000))
    assert first.numbers == list(range(len(first.numbers)))
    assert begun > 290  # a few were under way when it ended


async def publish_all(publisher: Publisher, count: int) -> None:
    """Publish so many records."""
    for number in range(count):
        await publisher.publish(event(number))


async def test_a_first_broker_that_is_away_is_passed_over(mosquitto: Mosquitto) -> None:
    """Even where the first connection must succeed, one of them is enough; with none, the last one is told of."""
    nobody = BrokerAddress(host=HOST, port=free_port())
    options = replace(Options.for_replay(timeout_s=PATIENCE_S), fallbacks=(mosquitto.address,))
    async with Publisher(nobody, TOPICS, options) as publisher:
        assert publisher.brokers.current == mosquitto.address
    with pytest.raises(BrokerError, match="nobody listens"):
        async with Publisher(nobody, TOPICS, replace(options, fallbacks=(nobody,))):
            pytest.fail("there is no broker to connect to")


async def test_who_has_found_a_broker_stays_with_it(pair: list[Mosquitto]) -> None:
    """The first comes back: nothing is cut for its sake, and it is the first to be tried when the second breaks."""
    one, two = pair
    one.kill()
    options = Options(timeout_s=2.0, fallbacks=(two.address,))
    async with Publisher(one.address, TOPICS, options) as publisher:
        await eventually(lambda: publisher.statistics.connected)
        assert publisher.brokers.current == two.address
        one.start()
        await publisher.publish(event(1))
        await publisher.drain(PATIENCE_S)
        assert publisher.brokers.current == two.address
        two.kill()
        await eventually(lambda: publisher.statistics.reconnects == 1)
        assert publisher.brokers.current == one.address
