"""Scenes for the supervisor on the radio of software: one adapter, and a sensor or two."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ankled.daemon.live.options import Wanted
from ankled.drivers.patience import strays
from ankled.drivers.uuids import sig
from ankled.simulators.peripherals.model import Characteristic, Service
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World
from tests.daemon.tiny import DATA, SERVICE, Bench, TinySensor, adapter, running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

LEFT = Wanted(slug="left", name="Tiny left")
RIGHT = Wanted(slug="right", name="Tiny right")


# Only what is needed to stream; the services that every device has are declared without anything to read in them.
BARE = (
    Service(uuid=sig(0x1800), characteristics=()),
    Service(uuid=sig(0x1801), characteristics=()),
    Service(uuid=SERVICE, characteristics=(Characteristic(uuid=DATA, properties=("notify",)),)),
)


def both(scenario: Callable[[World, Bench], Coroutine[None, None, None]], **options: Any) -> Bench:
    """Run a scenario with two sensors and one adapter."""

    async def run() -> Bench:
        world = World()
        for label in ("left", "right"):
            world.add(label, TinySensor(f"Tiny {label}"))
        async with world:
            wanted = options.pop("wanted", [LEFT, RIGHT])
            slots = options.pop("slots", 7)
            bench = Bench(wanted, {"hci": await adapter(world, slots=slots)}, **options)
            async with running(bench):
                await scenario(world, bench)
        return bench

    return run_virtual(run())


def play(
    scenario: Callable[[World, TinySensor, Bench], Coroutine[None, None, None]],
    sensor: TinySensor | None = None,
    **options: Any,
) -> Bench:
    """Run a scenario with one sensor, and check that nothing is left of it."""

    async def run() -> Bench:
        world, device = World(), sensor or TinySensor("Tiny left")
        world.add("left", device)
        async with world:
            bench = Bench([LEFT], {"hci": await adapter(world)}, **options)
            before = tasks()
            async with running(bench):
                await scenario(world, device, bench)
            await asyncio.sleep(1.0)
            assert tasks() - before <= {"advertise left"}
            assert not device.connected
        return bench

    bench = run_virtual(run())
    assert strays() == 0
    return bench


def tasks() -> set[str]:
    """Return the names of the tasks there are."""
    return {task.get_name() for task in asyncio.all_tasks()}


def now_s() -> float:
    """Return the time of the loop."""
    return asyncio.get_running_loop().time()
