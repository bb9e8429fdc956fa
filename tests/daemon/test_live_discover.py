"""What `ankled scan` finds."""

from __future__ import annotations

import asyncio

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

from ankled.daemon.live.discover import Found, discover
from ankled.drivers.link import Backend
from ankled.drivers.link_errors import AdapterOffError
from ankled.simulators.radio.backend import backends
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World
from tests.daemon.scenes import BARE
from tests.daemon.tiny import TinySensor, adapter, now_ns, tiny_sensors


def find(
    world: World, *, adapters: tuple[str, ...] = ("hci0",), off: str | None = None, battery: bool = False
) -> list[Found]:
    """Look around for two seconds."""

    async def run() -> list[Found]:
        async with world:
            there = {name: await adapter(world, name) for name in adapters}
            if off is not None:
                there[off] = await switched_off(world, off)
            return await discover(there, tiny_sensors, 2.0, battery=battery, now_s=lambda: now_ns() * 1e-9)

    return run_virtual(run())


async def switched_off(world: World, name: str) -> Backend:
    """Return an adapter that cannot scan."""
    base_scanner, base_client = backends(await world.central(name))

    class Scanner(base_scanner):  # type: ignore[misc, valid-type]  # made by a function
        """Does not start."""

        async def start(self) -> None:
            raise BleakBluetoothNotAvailableError("x", BleakBluetoothNotAvailableReason.POWERED_OFF)

    return Backend(adapter=name, scanner=Scanner, client=base_client)


def test_everybody_near_the_loudest_first_and_who_takes_them() -> None:
    """Strangers too; a device that two adapters hear is told once."""
    world = World()
    world.add("far", TinySensor("Tiny far"), rssi_dbm=-90)
    world.add("near", TinySensor("Stranger"), rssi_dbm=-40)
    found = find(world, adapters=("hci0", "hci1"))
    assert [one.advertisement.name for one in found] == ["Stranger", "Tiny far"]
    assert [one.drivers for one in found] == [(), ("tiny",)]
    assert [one.battery_percent for one in found] == [None, None]


def test_batteries_are_read_of_those_that_a_driver_knows() -> None:
    """One short connection each; a device without a battery service says so, and a stranger is left alone."""
    world, sensors = World(), [TinySensor("Tiny a"), TinySensor("Stranger"), TinySensor("Tiny b", services=BARE)]
    for sensor in sensors:
        world.add(sensor.name, sensor)
    found = {one.advertisement.name: one for one in find(world, battery=True)}
    assert found["Tiny a"].battery_percent == 87
    assert found["Tiny a"].problem is None
    assert found["Tiny b"].battery_percent is None
    assert "no characteristic" in str(found["Tiny b"].problem)
    assert [sensor.links for sensor in sensors] == [1, 0, 1]
    assert not any(sensor.connected for sensor in sensors)


def test_an_adapter_that_is_off_is_passed_over_unless_it_is_the_only_one() -> None:
    """With none that works there is nothing to find, and the reason is raised."""
    world = World()
    world.add("one", TinySensor())
    assert len(find(world, off="hci9")) == 1
    with pytest.raises(AdapterOffError):
        find(World(), adapters=(), off="hci9")


def test_no_adapter_at_all_finds_nobody() -> None:
    """Nothing to listen with."""

    async def run() -> list[Found]:
        return await discover({}, tiny_sensors, 1.0, now_s=asyncio.get_running_loop().time)

    assert run_virtual(run()) == []
