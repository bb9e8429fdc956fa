"""The supervisor cut short at any moment, and a thousand times over: nothing is left behind."""

from __future__ import annotations

import asyncio
import gc

import pytest
from bleak import BleakClient

from ankled.daemon.live.options import Limits
from ankled.drivers.patience import strays
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World
from tests.daemon.scenes import BARE, LEFT, now_s, play, tasks
from tests.daemon.tiny import Bench, TinySensor, adapter


def test_stopped_in_the_middle_of_connecting() -> None:
    """No need to wait for a connection that nobody wants any more: stopping takes no longer than cancelling it."""

    async def scenario(world: World, _sensor: TinySensor, bench: Bench) -> None:
        await bench.until(lambda: bench.status().state == "connecting")
        world.server("left").controller.away += 1
        await asyncio.sleep(0.5)
        stopped_s = now_s()
        bench.supervisor.want([])
        await bench.until(lambda: not bench.supervisor.status().devices)
        assert now_s() - stopped_s <= 7.0
        assert bench.supervisor.status().adapters[0].taken == ()
        world.server("left").controller.away -= 1

    assert not play(scenario).inputs


@pytest.mark.parametrize("steps", range(1, 40, 3))
def test_cancelled_at_any_moment_of_connecting(steps: int) -> None:
    """However far it has come, a cancelled supervisor leaves no link, no slot and no task behind."""

    async def run() -> None:
        world, sensor = World(), TinySensor("Tiny left")
        world.add("left", sensor)
        async with world:
            bench = Bench([LEFT], {"hci": await adapter(world)})
            before = tasks()
            task = asyncio.create_task(bench.supervisor.run())
            await bench.until(lambda: bool(bench.changes))
            for _ in range(steps):
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.sleep(1.0)
            assert not sensor.connected
            assert tasks() - before <= {"advertise left"}
            assert [one.up for one in bench.links()] in ([], [True, False])
        assert strays() == 0

    run_virtual(run())


def test_a_thousand_losses_leave_nothing_behind() -> None:
    """As many tasks, clients and slots after as before; every link of its own epoch; the sensor streams at the end."""
    losses = 1000

    async def scenario(world: World, sensor: TinySensor, bench: Bench) -> None:
        server, counts = world.server("left"), []
        for number in range(losses + 1):
            await bench.until(lambda: ("left", "streaming") in bench.changes[-1:], 100.0)
            if number in {10, losses}:
                gc.collect()
                counts.append((sorted(tasks()), sum(isinstance(one, BleakClient) for one in gc.get_objects())))
            if number < losses:
                server.lose_links()
                await bench.until(lambda: ("left", "backoff") in bench.changes[-1:])
        assert counts[0] == counts[1]
        assert counts[0][1] <= 2
        assert sensor.links == losses + 1
        assert bench.supervisor.status().adapters[0].taken == ("left",)

    bench = play(scenario, TinySensor("Tiny left", services=BARE), limits=Limits(steady_s=0.0))
    assert bench.links()[-1].epoch == losses + 1
