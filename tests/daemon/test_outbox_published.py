"""The outbox and the publisher together against a real broker: what is stored arrives, in order, whatever fails."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.live.outlet import BrokerOutlet, result_of
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.outbox.result import Account, Bounds
from ankled.daemon.records import Live, Set
from tests.daemon.brokers import PATIENCE_S, Gate, Mosquitto, Subscriber, event, eventually, firsts, payload, retained
from tests.daemon.records import make

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TOPICS = Topics(node="gym")
LIVE = Options(timeout_s=2.0)
ROOT = "ankled/gym/"


def offer(outbox: Outbox, *numbers: int) -> None:
    """Have results computed."""
    for number in numbers:
        outbox.offer(result_of(event(number), TOPICS))


@contextlib.asynccontextmanager
async def opened(gate: Gate) -> AsyncIterator[Gate]:
    """Open a gate, and shut it for good at the end."""
    await gate.open()
    yield gate
    await gate.shut()


def balanced(account: Account, offered: int) -> bool:
    """Whether it is known of every result what became of it."""
    return (
        account.offered
        == offered
        == (account.acknowledged + account.pending + account.dropped + account.lost + account.forgotten)
    )


async def test_a_broker_killed_while_results_flow_gets_all_of_them(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """SIGKILL in mid-stream: all arrive, in order, and what comes twice is what was acknowledged within a minute."""
    async with (
        Outbox(tmp_path / "o.db", None, ROOT) as outbox,
        opened(Gate(mosquitto.address)) as gate,
        Publisher(gate.address, TOPICS, LIVE, outbox) as publisher,
    ):
        async with Subscriber.on(mosquitto.address) as before:
            offer(outbox, *range(1, 301))
            await before.until_numbers(300)
            offer(outbox, *range(301, 1001))
            await before.until_numbers(310)
            mosquitto.kill()
            await gate.shut()
            await before.ended()
        offer(outbox, *range(1001, 1101))
        mosquitto.start()
        async with Subscriber.on(mosquitto.address) as after:
            await gate.open()
            await publisher.drain(PATIENCE_S)
            await after.until_numbers(1)
            await eventually(lambda: after.numbers[-1] == 1100)
        account = await outbox.account()
    assert before.numbers == firsts(before.numbers)
    assert after.numbers == firsts(after.numbers)
    assert set(before.numbers + after.numbers) == set(range(1, 1101))
    assert after.numbers == list(range(after.numbers[0], 1101))
    assert balanced(account, 1100)
    assert account.acknowledged == 1100


async def test_what_a_lost_connection_may_have_swallowed_comes_again(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """All results of the last minute come again on a new connection, with the same bytes, and older ones do not."""
    async with Outbox(tmp_path / "o.db", None, ROOT) as outbox:
        async with Publisher(mosquitto.address, TOPICS, LIVE, outbox) as publisher:
            offer(outbox, *range(1, 6))
            await publisher.drain(PATIENCE_S)
        await outbox.account()  # writes down what was acknowledged
        await outbox._worker.submit(lambda store: store.pass_time(61.0))
        async with Publisher(mosquitto.address, TOPICS, LIVE, outbox) as publisher:
            offer(outbox, 6, 7)
            await publisher.drain(PATIENCE_S)
        async with (
            Subscriber.on(mosquitto.address) as again,
            Publisher(mosquitto.address, TOPICS, LIVE, outbox) as publisher,
        ):
            offer(outbox, 8)
            await again.until_numbers(3)
    assert again.numbers == [6, 7, 8]


async def test_what_is_sent_again_holds_up_nothing_for_long(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """At a low rate the latest of the last minute come again, not all of them: what is new waits behind them."""
    async with Outbox(tmp_path / "o.db", Bounds(rate_per_s=20.0), ROOT) as outbox:
        async with Publisher(mosquitto.address, TOPICS, LIVE, outbox) as publisher:
            offer(outbox, *range(1, 1001))
            await publisher.drain(PATIENCE_S)
        async with Subscriber.on(mosquitto.address) as again:
            slow = msgspec.structs.replace(LIVE, rate_per_s=20.0)
            async with Publisher(mosquitto.address, TOPICS, slow, outbox):
                offer(outbox, 1001)
                await again.until_numbers(501)
    assert again.numbers == [*range(501, 1001), 1001]


async def test_a_new_run_tells_what_a_broker_retains(mosquitto: Mosquitto, tmp_path: Path, last_set: Set) -> None:
    """The last set is told to a broker that has forgotten it, by a daemon that has not computed it, after days too."""
    topic = TOPICS.device("left", "set")
    sets = [msgspec.structs.replace(last_set, id=f"s/left/set/{n}", seq=n) for n in (1, 2)]
    bounds = Bounds(kept_s=3600.0)
    async with (
        Outbox(tmp_path / "o.db", bounds, ROOT) as outbox,
        Publisher(mosquitto.address, TOPICS, LIVE, outbox) as publisher,
    ):
        outlet = BrokerOutlet(publisher, outbox)
        for one in sets:
            outlet.take(one)
        await publisher.drain(PATIENCE_S)
        assert msgspec.json.decode((await retained(mosquitto.address, topic))[topic])["seq"] == 2
    mosquitto.kill()
    mosquitto.start()
    async with Outbox(tmp_path / "o.db", bounds, ROOT) as outbox:
        await outbox._worker.submit(lambda store: store.pass_time(4000.0))
        assert await outbox.history("left", 0, 9) == []
        async with Subscriber.on(mosquitto.address, topic) as heard, Publisher(mosquitto.address, TOPICS, LIVE, outbox):
            await heard.until(1)
        assert [payload(message) for message in heard.messages] == [result_of(sets[1], TOPICS).payload], (
            "the last one alone"
        )
        await outbox.clear([topic])
        async with Publisher(mosquitto.address, TOPICS, LIVE, outbox) as publisher:
            offer(outbox, 3)
            await publisher.drain(PATIENCE_S)
            assert publisher.statistics.sent == 1


async def test_a_broker_that_stays_away_fills_the_outbox_to_its_bounds(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The oldest are dropped and counted; what is left arrives in order when the broker comes."""
    gate = Gate(mosquitto.address)
    size = 1000 * (200 + len(result_of(event(5000), TOPICS).payload))
    async with (
        Outbox(tmp_path / "o.db", Bounds(size_bytes=size), ROOT) as outbox,
        opened(gate),
        Publisher(gate.address, TOPICS, LIVE, outbox) as publisher,
    ):
        await gate.shut()
        await eventually(lambda: not publisher.statistics.connected)
        for start in range(0, 5000, 50):
            offer(outbox, *range(start + 1, start + 51))
            account = await outbox.account()
            assert account.size_bytes <= size
            assert balanced(account, start + 50)
        account = await outbox.account()  # the last of them are stored now
        assert balanced(account, 5000)
        assert account.dropped == 5000 - account.pending >= 4000
        async with Subscriber.on(mosquitto.address) as heard:
            await gate.open()
            await publisher.drain(PATIENCE_S)
            await heard.until_numbers(account.pending)
        final = await outbox.account()
    assert firsts(heard.numbers) == list(range(5001 - account.pending, 5001))
    assert balanced(final, 5000)
    assert final.dropped == account.dropped


async def test_only_what_is_stored_is_published(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Whatever a subscriber has heard stands in the file, under the same numbers, if the process ended right then."""
    path = tmp_path / "o.db"
    async with (
        Subscriber.on(mosquitto.address) as heard,
        Outbox(path, None, ROOT) as outbox,
        Publisher(mosquitto.address, TOPICS, LIVE, outbox),
    ):
        for number in range(1, 301):
            offer(outbox, number)
            await asyncio.sleep(0)
            told = set(heard.numbers)
            if number % 20 == 0:
                await heard.until_numbers(number)
                stored = await outbox.history("left", 0, 10**6)
                assert told <= {each.seq for each in stored}
    assert heard.numbers == list(range(1, 301))


async def test_moments_pass_the_outbox_by(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """A live record is sent while it is of interest, and counted nowhere; it has no number."""
    live = make(Live, device="left", node="gym")
    async with (
        Outbox(tmp_path / "o.db", None, ROOT) as outbox,
        Publisher(mosquitto.address, TOPICS, LIVE, outbox) as publisher,
    ):
        outlet = BrokerOutlet(publisher, outbox)
        await eventually(lambda: publisher.statistics.connected)
        async with Subscriber.on(mosquitto.address, TOPICS.device("left", "live")) as heard:
            while not heard.messages:
                outlet.take(live)
                await asyncio.sleep(0.01)
        assert (await outbox.account()).offered == outlet.taken == 0
    with pytest.raises(TypeError, match="has no seq"):
        result_of(live, TOPICS)


async def test_results_of_an_outbox_are_offered_there(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """A caller that hands a record to the publisher past the outbox is told so."""
    async with Outbox(tmp_path / "o.db") as outbox, Publisher(mosquitto.address, TOPICS, LIVE, outbox) as publisher:
        with pytest.raises(TypeError, match="offer the result there"):
            await publisher.publish(event(1))


async def test_the_rate_is_bounded_after_a_burst(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """What has waited goes out at the rate that was set: the burst at once, the rest no faster than that."""
    options = msgspec.structs.replace(LIVE, rate_per_s=100.0, burst=20)
    loop = asyncio.get_running_loop()
    async with Outbox(tmp_path / "o.db", None, ROOT) as outbox:
        offer(outbox, *range(1, 121))
        await outbox.account()
        begun_s = loop.time()
        async with Publisher(mosquitto.address, TOPICS, options, outbox) as publisher:
            await publisher.drain(PATIENCE_S)
        assert loop.time() - begun_s >= 0.95
