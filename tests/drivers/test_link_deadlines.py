"""The link when nobody answers, or when nobody wants the answer any more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ankled.drivers import link_errors
from ankled.drivers.link import Backend, Connection
from ankled.drivers.patience import _GRACE_S, strays
from ankled.simulators.peripherals.model import BATTERY_LEVEL
from ankled.simulators.radio.backend import backends
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World
from tests.daemon.tiny import TinySensor
from tests.drivers.links import connect, play, sight


def test_a_device_that_is_gone_takes_no_longer_than_the_deadline() -> None:
    """And leaves the adapter free for the next connection."""

    async def scenario(world: World, _sensor: TinySensor, backend: Backend) -> None:
        _, handle = await sight(backend)
        world.server("one").controller.away += 1
        begun_s = world.now_s
        with pytest.raises(link_errors.LinkTimeoutError):
            await Connection.open(backend, handle, lambda: None, connect_s=3.0, request_s=2.0)
        assert world.now_s - begun_s <= 3.0 + _GRACE_S
        world.server("one").controller.away -= 1
        connection = await connect(backend)
        await connection.close()

    play(scenario)


def test_a_device_that_does_not_answer_takes_no_longer_than_the_deadline() -> None:
    """A link that claims to be up and is not."""

    async def scenario(world: World, _sensor: TinySensor, backend: Backend) -> None:
        connection = await connect(backend)
        world.server("one").hang(on=True)
        begun_s = world.now_s
        with pytest.raises(link_errors.LinkTimeoutError, match="no answer within 2 s"):
            await connection.read(BATTERY_LEVEL)
        assert world.now_s - begun_s == pytest.approx(2.0, abs=0.1)
        await connection.close()

    play(scenario)


@pytest.mark.parametrize("steps", range(0, 60, 7))
def test_cancelled_while_connecting(steps: int) -> None:
    """However far it has come: the device is free again, and the next connection works."""

    async def scenario(_world: World, sensor: TinySensor, backend: Backend) -> None:
        _, handle = await sight(backend)
        opening = asyncio.create_task(Connection.open(backend, handle, lambda: None, connect_s=10.0, request_s=2.0))
        for _ in range(steps):
            await asyncio.sleep(0.002)
        opening.cancel()
        try:
            connection = await opening
        except asyncio.CancelledError:
            pass
        else:
            await connection.close()
        await asyncio.sleep(1.0)
        assert not sensor.connected
        again = await connect(backend)
        await again.close()

    play(scenario)


def test_an_operation_that_does_not_end_is_let_go_and_counted() -> None:
    """As with a bluetoothd that hangs in the middle of a call: whoever waits gets a time-out, and health a count."""

    async def run() -> None:
        world = World()
        world.add("one", TinySensor())
        async with world:
            base_scanner, base_client = backends(await world.central())
            release = asyncio.Event()

            class Stubborn(base_client):  # type: ignore[misc, valid-type]  # made by a function
                """Does not mind being cancelled."""

                async def connect(self, *_arguments: Any, **_options: Any) -> None:
                    while not release.is_set():
                        try:
                            await release.wait()
                        except asyncio.CancelledError:
                            continue

            backend = Backend(scanner=base_scanner, client=Stubborn)
            begun_s = asyncio.get_running_loop().time()
            with pytest.raises(link_errors.LinkTimeoutError):
                await connect(backend, connect_s=1.0)
            assert asyncio.get_running_loop().time() - begun_s <= 2.0 + _GRACE_S
            assert strays() == 1
            release.set()
            await asyncio.sleep(0.1)
            assert strays() == 0

    run_virtual(run())
