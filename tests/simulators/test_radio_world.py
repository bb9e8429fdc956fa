"""A world: how it begins and ends, what it says of mistakes, and every simulated device in it."""

from __future__ import annotations

import asyncio

import pytest
from bleak.exc import BleakGATTProtocolError

from ankled.simulators.peripherals import catalogue
from ankled.simulators.peripherals.board import Board
from ankled.simulators.peripherals.motion import Stage
from ankled.simulators.radio.client import Client
from ankled.simulators.radio.errors import RadioError
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World, static_address
from tests.simulators.beeper import (
    Beeper,
    Session,
    Still,
    found,
    world,
)


def test_a_value_too_long_for_the_link_is_a_defect() -> None:
    """It is raised when the world ends: a device must keep to mtu - 3."""

    async def run() -> None:
        air = World()
        air.add("left", Beeper(size=300))
        async with air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                await session.stream(50)
                await asyncio.sleep(0.5)
                assert not session.received

    with pytest.raises(RadioError, match="left sends 300 bytes"):
        run_virtual(run())


def test_a_defect_of_a_device_is_answered_and_raised_when_the_world_ends() -> None:
    """The central gets Unlikely Error; nothing is swept under the carpet."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                with pytest.raises(BleakGATTProtocolError) as refused:
                    await session.command(b"x")
                assert refused.value.code == 0x0E

    with pytest.raises(ZeroDivisionError, match="defect"):
        run_virtual(run())


def test_the_stage_begins_when_all_devices_stream() -> None:
    """Not when the first of them does; `begun` tells when the scenario begins."""

    async def run() -> None:
        shared = Stage(10.0)
        air = world("left", "right", stage=shared)
        async with air:
            central = await air.central()
            left, right = [Session(await found(air, central, label), central, air) for label in air.labels]
            async with left, right:
                begun = asyncio.create_task(air.begun())
                await left.stream(50)
                await asyncio.sleep(5.0)
                assert not begun.done()
                await right.stream(50)
                streaming_s = air.now_s
                assert await begun == shared.begins_s
                assert 0.0 <= air.now_s - streaming_s <= 0.031

    run_virtual(run())


def test_a_stage_can_begin_at_once() -> None:
    """Then the scenario does not wait for anybody."""

    async def run() -> None:
        shared = Stage(10.0)
        async with world(stage=shared, begin="at once") as air:
            assert await air.begun() == shared.begins_s == 0.5

    run_virtual(run())


def test_nothing_is_left_when_a_world_ends() -> None:
    """No task, no timer, no link, even in mid-stream; the client hears of the end."""

    async def run() -> None:
        async with world("left", "right") as air:
            central = await air.central()
            sessions = [Session(await found(air, central, label), central, air) for label in air.labels]
            for session in sessions:
                await session.client.connect()
                await session.stream(100)
            await asyncio.sleep(1.0)
        assert [len(session.lost_s) for session in sessions] == [1, 1]
        assert not air.air.links
        assert asyncio.all_tasks() == {asyncio.current_task()}
        loop = asyncio.get_running_loop()
        assert not [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]  # white box

    run_virtual(run())


def test_mistakes_in_building_a_world_are_told() -> None:
    """Labels differ, devices come before the beginning, a world begins once, unknown labels are named."""

    async def run() -> None:
        air = world("left")
        with pytest.raises(RadioError, match='two devices "left"'):
            air.add("left", Beeper())
        with pytest.raises(RadioError, match="has not begun"):
            _ = air.now_s
        async with air:
            with pytest.raises(RadioError, match="too late"):
                air.add("right", Beeper())
            with pytest.raises(RadioError, match='no device "rigth"; there are: left'):
                air.server("rigth")
            with pytest.raises(RadioError, match="no stage"):
                await air.begun()
        with pytest.raises(RadioError, match="begins once"):
            await air.__aenter__()
        too_long = World()
        too_long.add("left", Beeper("n" * 40))
        with pytest.raises(RadioError, match="does not fit"):
            await too_long.__aenter__()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(run())


@pytest.mark.parametrize("name", catalogue.DEVICES)
def test_every_simulated_device_can_be_found_and_serves_what_it_declares(name: str) -> None:
    """Advertisement and GATT table of each family come through the air as they are."""

    async def run() -> None:
        device = catalogue.make(name, Board(Still()))
        air = World()
        air.add("left", device)
        async with air:
            central = await air.central()
            address = static_address("left")
            await found(air, central)
            heard = central.heard[address]
            assert (heard.name, set(heard.services)) == (device.advertising.name, set(device.advertising.services))
            assert heard.manufacturer == device.advertising.manufacturer
            client = Client(central, await central.connect(address, 1.0), lambda: None)
            services = {service.uuid: service for service in await client.discover()}
            for declared in device.services:
                uuids = [one.uuid for one in services[declared.uuid].characteristics]
                assert uuids == [one.uuid for one in declared.characteristics]
            await client.close()

    run_virtual(run())
