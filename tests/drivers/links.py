"""Getting a link to one tiny sensor on the radio of software."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ankled.drivers.link import Backend, Connection, Handle, Scanner
from ankled.drivers.patience import strays
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World
from tests.daemon.tiny import TinySensor, adapter

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ankled.drivers.driver import Advertisement


def play(scenario: Callable[[World, TinySensor, Backend], Coroutine[None, None, None]]) -> None:
    """Run a scenario with one sensor and one adapter."""

    async def run() -> None:
        world, sensor = World(), TinySensor()
        world.add("one", sensor)
        async with world:
            await scenario(world, sensor, await adapter(world))

    run_virtual(run())
    assert strays() == 0


async def sight(backend: Backend) -> tuple[Advertisement, Handle]:
    """Scan until something is heard."""
    heard: asyncio.Queue[tuple[Advertisement, Handle]] = asyncio.Queue()
    scanner = Scanner(backend, lambda *one: heard.put_nowait(one))
    await scanner.start()
    try:
        return await asyncio.wait_for(heard.get(), 5.0)
    finally:
        await scanner.stop()


async def connect(backend: Backend, lost: Callable[[], None] = lambda: None, connect_s: float = 10.0) -> Connection:
    """Scan and connect."""
    _, handle = await sight(backend)
    return await Connection.open(backend, handle, lost, connect_s=connect_s, request_s=2.0)
