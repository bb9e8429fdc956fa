"""The supervisor when the radio fails, under a virtual clock: it always comes back, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.live.options import Limits
from ankled.drivers import link_errors
from ankled.drivers.messages import HangUp, Read, Subscribe, Write
from ankled.simulators.peripherals.model import BATTERY_LEVEL
from ankled.simulators.radio.faults import Faults
from ankled.simulators.radio.script import Fault
from tests.daemon.scenes import BARE, now_s, play
from tests.daemon.tiny import COMMAND, INFO, Bench, TinySensor

if TYPE_CHECKING:
    from ankled.simulators.radio.world import World


def test_a_lost_link_is_made_again_within_two_seconds() -> None:
    """The loss is told at once, with its reason; the next link is a new epoch and streams from its own beginning."""

    async def scenario(world: World, _sensor: TinySensor, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 20)
        world.server("left").lose_links()
        lost_s = now_s()
        await bench.until(lambda: bench.status().state == "backoff")
        assert now_s() - lost_s < 0.1
        await bench.until(lambda: bench.status().state == "streaming")
        assert now_s() - lost_s < 2.0
        status = bench.status()
        assert (status.epoch, status.reconnects, status.attempts, status.last_error) == (2, 1, 2, None)

    bench = play(scenario)
    assert bench.downs()[0] == "the connection was lost"
    assert ("left", "backoff") in bench.changes


def test_out_of_range_and_back() -> None:
    """Offline within three seconds of silence, or when the link times out; online again when the sensor is back."""

    async def scenario(world: World, _sensor: TinySensor, bench: Bench) -> None:
        with Faults(world) as faults:
            await bench.until(lambda: len(bench.packets()) > 20)
            faults.apply(Fault(at_s=0, kind="out_of_range", device="left", duration_s=120.0))
            gone_s = now_s()
            await bench.until(lambda: not bench.status().online)
            assert now_s() - gone_s <= 3.3
            await asyncio.sleep(100.0)
            assert bench.status().state == "waiting"
            assert bench.status().attempts == 1
            await bench.until(lambda: bench.status().online)
            assert now_s() - gone_s <= 123.0

    play(scenario)


def test_a_zombie_is_probed_dropped_and_made_again() -> None:
    """The link claims to be up and gives nothing: offline after 3 s, probed at once, dropped without an answer."""

    async def scenario(world: World, _sensor: TinySensor, bench: Bench) -> None:
        with Faults(world) as faults:
            await bench.until(lambda: len(bench.packets()) > 20)
            last_s = bench.packets()[-1].host_ns * 1e-9
            faults.apply(Fault(at_s=0, kind="zombie", device="left", duration_s=60.0))
            await bench.until(lambda: bench.status().state == "silent")
            assert now_s() - last_s == pytest.approx(3.0, abs=0.2)
            await bench.until(lambda: len(bench.downs()) == 1)
            assert now_s() - last_s == pytest.approx(3.0 + Limits().request_s, abs=0.3)
            await bench.until(lambda: bench.status().online, 120.0)

    bench = play(scenario)
    assert "no answer to a read" in str(bench.downs()[0])


def test_a_sleeping_sensor_that_answers_is_kept_and_goes_on() -> None:
    """Silence alone is no proof: the probe is answered, so the same link is there when the sensor wakes up."""

    async def scenario(_world: World, sensor: TinySensor, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 20)
        reads, sensor.asleep = sensor.reads, True
        await bench.until(lambda: bench.status().state == "silent")
        await asyncio.sleep(45.0)
        assert sensor.reads - reads == 5
        assert bench.status().state == "silent"
        sensor.asleep = False
        await bench.until(lambda: bench.status().online)
        assert bench.status().epoch == 1

    assert len(play(scenario).links()) == 2


def test_a_sensor_that_sleeps_too_long_gets_a_new_link() -> None:
    """Its stream may have died on the way; after a minute the link is made anew, which starts it again."""

    async def scenario(_world: World, sensor: TinySensor, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 20)
        sensor.asleep = True
        asleep_s = now_s()
        await bench.until(lambda: len(bench.downs()) == 1, 100.0)
        assert now_s() - asleep_s == pytest.approx(3.0 + Limits().asleep_s, abs=0.5)
        sensor.asleep = False
        await bench.until(lambda: bench.status().online)

    assert "it answers, and has sent nothing" in str(play(scenario).downs()[0])


def test_a_sensor_that_never_starts_is_offline_and_gets_a_new_link() -> None:
    """Connected is a claim: without a first packet it never is online."""

    async def scenario(_world: World, sensor: TinySensor, bench: Bench) -> None:
        sensor.asleep = True
        await bench.until(lambda: bench.status().state == "silent")
        assert now_s() == pytest.approx(Limits().start_s, abs=1.0)
        await bench.until(lambda: len(bench.downs()) == 1, 100.0)

    assert ("left", "streaming") not in play(scenario).changes


def test_silence_of_a_sensor_that_cannot_be_asked_ends_the_link() -> None:
    """With nothing that may be read for a probe, a new link is the only way to find out."""

    async def scenario(_world: World, sensor: TinySensor, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 20)
        sensor.asleep = True
        await bench.until(lambda: len(bench.downs()) == 1)

    bench = play(scenario, TinySensor("Tiny left", services=BARE))
    assert "nothing to be asked for" in str(bench.downs()[0])


def test_a_request_that_is_not_answered_is_told_and_ends_a_silent_link() -> None:
    """The driver gets its result first; no packets since the request began means that the link is dead."""

    async def scenario(world: World, _sensor: TinySensor, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 0)
        world.server("left").hang(on=True)
        asked_s = now_s()
        bench.supervisor.act("left", 1, Write(characteristic=COMMAND, data=b"x"))
        await bench.until(lambda: len(bench.downs()) == 1)
        assert now_s() - asked_s == pytest.approx(Limits().request_s, abs=0.3)
        world.server("left").hang(on=False)

    bench = play(scenario)
    assert "no answer within 5 s" in str(bench.results()[-1].error)
    assert "no packets either" in str(bench.downs()[0])


def test_a_battery_level_proves_the_link_and_not_the_stream() -> None:
    """A sensor that has stopped streaming is offline though its battery speaks; the level is an input all the same."""

    async def scenario(_world: World, sensor: TinySensor, bench: Bench) -> None:
        bench.greet.append(Subscribe(characteristic=BATTERY_LEVEL))
        await bench.until(lambda: len(bench.packets()) > 20)
        reads, sensor.asleep, sensor.battery_every_s = sensor.reads, True, 2.0
        await bench.until(lambda: bench.status().state == "silent")
        await asyncio.sleep(30.0)
        assert bench.status().state == "silent"
        assert sensor.reads == reads, "its battery's notifications are answer enough"
        assert BATTERY_LEVEL in {one.characteristic for one in bench.packets()}

    assert play(scenario).changes.count(("left", "streaming")) == 1


def test_a_slow_sensor_is_not_taken_for_a_silent_one() -> None:
    """Two seconds between packets: silence is six seconds, three intervals learned."""

    async def scenario(_world: World, sensor: TinySensor, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 20, 100.0)
        assert ("left", "silent") not in bench.changes
        sensor.asleep = True
        last_s = bench.packets()[-1].host_ns * 1e-9
        await bench.until(lambda: bench.status().state == "silent")
        assert now_s() - last_s == pytest.approx(6.0, abs=0.2)

    play(scenario, TinySensor("Tiny left", period_s=2.0))


def test_bursts_are_no_silence() -> None:
    """Connection events a second apart bring ten packets at once; the sensor stays online."""

    async def scenario(world: World, _sensor: TinySensor, bench: Bench) -> None:
        with Faults(world) as faults:
            await bench.until(lambda: len(bench.packets()) > 20)
            faults.apply(Fault(at_s=0, kind="bursts", device="left", duration_s=30.0, amount=1.0))
            await asyncio.sleep(40.0)

    bench = play(scenario)
    assert ("left", "silent") not in bench.changes
    assert len(bench.links()) == 2


def test_stopped_while_it_waits_for_the_next_try() -> None:
    """Back-off keeps nobody from stopping."""

    async def scenario(_world: World, _sensor: TinySensor, bench: Bench) -> None:
        bench.greet = [HangUp(reason="no", lasting=True)]
        await bench.until(lambda: (bench.status().retry_s or 0.0) > 100.0)
        stopped_s = now_s()
        bench.supervisor.want([])
        await bench.until(lambda: not bench.supervisor.status().devices)
        assert now_s() - stopped_s < 0.1

    play(scenario)


def test_lost_before_it_is_up() -> None:
    """A link that ends while its fitness is checked never was one; it is tried again as any that was lost."""

    async def scenario(world: World, sensor: TinySensor, bench: Bench) -> None:
        await bench.until(lambda: sensor.connected)
        await asyncio.sleep(0.5)
        assert not bench.links()
        world.server("left").lose_links()
        await bench.until(lambda: bench.status().state == "backoff")
        assert bench.status().last_error == "the connection was lost"
        assert (bench.status().retry_s or 0.0) < 1.0

    assert not play(scenario, info_of=lambda _name: msgspec.structs.replace(INFO, min_mtu=400)).links()


def test_a_request_that_finds_the_link_gone_ends_it() -> None:
    """Whoever notices first: here the error of a request, before the radio has said a word."""

    async def scenario(_world: World, _sensor: TinySensor, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 5)
        epoch = bench.supervisor._devices["left"].epoch
        assert epoch is not None

        async def gone(_uuid: str) -> bytes:
            raise link_errors.LinkLostError("reading: the connection has ended")

        epoch._connection.read = gone  # type: ignore[assignment, method-assign]  # as bleak does when D-Bus is faster
        bench.supervisor.act("left", 1, Read(characteristic=BATTERY_LEVEL))
        await bench.until(lambda: bench.status().epoch == 2)

    bench = play(scenario)
    assert bench.downs()[0] == "reading: the connection has ended"
    assert [one.error for one in bench.results() if one.characteristic == BATTERY_LEVEL] == [bench.downs()[0]]


def test_absent_for_minutes() -> None:
    """Switched off and on: nobody is asked for what is not there, and it comes back by itself as a new epoch."""

    async def scenario(world: World, _sensor: TinySensor, bench: Bench) -> None:
        with Faults(world) as faults:
            await bench.until(lambda: len(bench.packets()) > 20)
            faults.apply(Fault(at_s=0, kind="absent", device="left", duration_s=400.0))
            await asyncio.sleep(399.0)
            assert bench.status().attempts == 1
            await bench.until(lambda: bench.status().online)
            assert bench.status().epoch == 2

    play(scenario)


def test_gone_while_connecting() -> None:
    """The attempt ends by its deadline, holds nobody up for longer, and is made again when the sensor is back."""

    async def scenario(world: World, _sensor: TinySensor, bench: Bench) -> None:
        server = world.server("left")
        await bench.until(lambda: bench.status().state == "connecting")
        server.controller.away += 1
        await bench.until(lambda: bench.status().state != "connecting")
        assert now_s() <= Limits().connect_s + 2.0
        assert bench.supervisor.status().adapters[0].taken == ()
        server.controller.away -= 1
        await bench.until(lambda: bench.status().online)

    play(scenario)


def test_requests_under_way_end_with_the_link() -> None:
    """What was asked of a link that is lost gets no result after its end; the next link starts with an empty list."""

    async def scenario(world: World, _sensor: TinySensor, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 5)
        server = world.server("left")
        server.hang(on=True)
        for _ in range(5):
            bench.supervisor.act("left", 1, Read(characteristic=BATTERY_LEVEL))
        await asyncio.sleep(1.0)
        server.lose_links()
        server.hang(on=False)
        await bench.until(lambda: bench.status().epoch == 2 and bench.status().online)
        await asyncio.sleep(10.0)

    results = play(scenario).results()
    assert [one.epoch for one in results if one.characteristic == BATTERY_LEVEL] in ([], [1])
