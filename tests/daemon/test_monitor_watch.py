"""The watch against a real broker: what is lost on the way is had from the node, across every interruption."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.errors import BrokerError
from ankled.daemon.monitor.collect import Model, Ordered
from ankled.daemon.monitor.watch import Watch
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.records import to_json
from tests.daemon.brokers import HOST, Gate, Mosquitto, eventually, free_port
from tests.daemon.desks import ROOT, TOPIC, Node, rep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TIMEOUT_S = 20.0


class Seen:
    """Takes what a monitor shows."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.notes: list[str] = []

    def ready(self, results: list[Ordered]) -> None:
        """Keep the numbers of results."""
        self.seqs += [one.record.seq for one in results]

    def note(self, text: str) -> None:
        """Keep a sentence."""
        self.notes.append(text)


@contextlib.asynccontextmanager
async def watching(
    *addresses: BrokerAddress, last: int = 200, timeout_s: float = TIMEOUT_S
) -> AsyncIterator[tuple[Model, Seen, Watch]]:
    """Run a monitor."""
    model, seen = Model(), Seen()
    watch = Watch(addresses, model, seen, last=last, timeout_s=timeout_s)
    task = asyncio.create_task(watch.run(), name="test-monitor")
    begun = asyncio.create_task(watch.begun.wait())
    try:
        await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        yield model, seen, watch
    finally:
        begun.cancel()
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def test_a_monitor_that_comes_late_shows_the_whole_set(broker: BrokerAddress, tmp_path: Path) -> None:
    """Killed and started again in mid-set, it has every repetition: the first from history, the rest live."""
    async with Node.at(broker, tmp_path) as node:
        await node.make(*map(rep, range(1, 151)))
        async with watching(broker) as (_, seen, _watch):
            await eventually(lambda: len(seen.seqs) >= 150)
        async with watching(broker) as (model, seen, _watch):
            await eventually(lambda: len(seen.seqs) >= 150)
            await node.make(*map(rep, range(151, 161)))
            await eventually(lambda: len(seen.seqs) >= 160)
        assert seen.seqs == list(range(1, 161))
        assert len(model.nodes["gym"].devices["kim-left"].current) == 160
        assert (model.lost, model.repeats, seen.notes) == (0, 0, [])


async def test_only_the_last_results_are_asked_for(broker: BrokerAddress, tmp_path: Path) -> None:
    """A long past is not fetched: the last so many, then all that comes."""
    async with Node.at(broker, tmp_path) as node:
        await node.make(*map(rep, range(1, 301)), publish=False)
        async with watching(broker, last=120) as (_, seen, _watch):
            await eventually(lambda: len(seen.seqs) >= 120)
            await node.make(rep(301))
            await eventually(lambda: 301 in seen.seqs)
        assert seen.seqs == list(range(181, 302))


async def test_what_a_broker_loses_is_had_from_the_node(broker: BrokerAddress, tmp_path: Path) -> None:
    """Results that never arrive are asked for as soon as a later one shows the gap; all leave once and in order."""
    async with Node.at(broker, tmp_path) as node, watching(broker) as (model, seen, _watch):
        for first in range(1, 301, 30):
            await node.make(*map(rep, range(first, first + 20)))
            await node.make(*map(rep, range(first + 20, first + 29)), publish=False)
            await node.make(rep(first + 29), rep(first))
        await node.publish(TOPIC, to_json(rep(300)))
        await node.publish(TOPIC, to_json(rep(17)))
        await eventually(lambda: len(seen.seqs) >= 300 and model.repeats >= 2)
        assert seen.seqs == list(range(1, 301))
        assert model.lost == 0


async def test_a_cut_connection_loses_nothing(broker: BrokerAddress, gate: Gate, tmp_path: Path) -> None:
    """What was published while the monitor was away is had when it is back, without a later result to show the gap."""
    async with Node.at(broker, tmp_path) as node, watching(gate.address) as (model, seen, watch):
        await node.make(*map(rep, range(1, 21)))
        await eventually(lambda: len(seen.seqs) >= 20)
        await gate.shut()
        await eventually(lambda: not watch.connected)
        assert watch.away
        await node.make(*map(rep, range(21, 61)))
        await gate.open()
        await eventually(lambda: len(seen.seqs) >= 60)
        assert seen.seqs == list(range(1, 61))
        assert model.lost == 0
        assert (len(seen.notes) >= 2, seen.notes[-1]) == (True, f"connected to {gate.address.url} again")


async def test_without_answers_it_says_so_and_goes_on(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Where requests are off, nothing is held up for long, and what is missing is counted."""
    async with Node.at(mosquitto.address, tmp_path) as node:
        node.answers = False
        async with watching(mosquitto.address, timeout_s=1.0) as (model, seen, _watch):
            await node.make(*map(rep, range(1, 4)))
            await node.make(*map(rep, range(4, 8)), publish=False)
            await node.make(*map(rep, range(8, 10)))
            await eventually(lambda: len(seen.seqs) >= 5)
            assert seen.seqs == [1, 2, 3, 8, 9]
            assert model.lost == 4
            assert "does not answer" in seen.notes[0]
            assert "requests may be off" in seen.notes[0]


async def test_a_refusal_is_passed_on(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The node's own sentence is shown, and what is there is shown without the past."""
    async with Node.at(mosquitto.address, tmp_path) as node:
        node.answers = False
        async with watching(mosquitto.address) as (_, seen, _watch):
            await node.asked_for(1)
            await node.make(rep(5))
            answers = f"{ROOT}/bridge/response/history"
            await node.publish(answers, b'{"transaction":"of somebody else","status":"error","error":"x"}')
            await node.publish(answers, b"\x1b[2J" + b"x" * 1_000_000)
            await node.refuse("history is not for you")
            await eventually(lambda: bool(seen.seqs))
            assert seen.seqs == [5]
            assert seen.notes == ["gym/kim-left: the past cannot be had: history is not for you"]


async def test_a_broker_that_was_never_there_is_an_error() -> None:
    """A wrong address ends the command with a sentence: nobody waits for what was never there."""
    address = BrokerAddress(host=HOST, port=free_port())
    with pytest.raises(BrokerError, match=r"nobody listens at 127\.0\.0\.1"):
        async with watching(address):
            pass


async def test_the_first_broker_that_serves_is_watched(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Of several in order those that are away are passed over; with none of them the last says why."""
    away = BrokerAddress(host=HOST, port=free_port())
    async with Node.at(mosquitto.address, tmp_path) as node:
        await node.make(rep(1), rep(2))
        async with watching(away, mosquitto.address) as (_, seen, watch):
            await eventually(lambda: seen.seqs == [1, 2])
            assert watch.connected
    assert any("nobody listens" in one for one in seen.notes)
    assert f"connected to {mosquitto.address.url}" in seen.notes
    with pytest.raises(BrokerError, match="nobody listens"):
        async with watching(away, away):
            pass
