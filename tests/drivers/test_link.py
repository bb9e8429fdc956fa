"""The link on the radio of software, under a virtual clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection

from ankled.drivers import link_errors
from ankled.drivers.link import Backend, Connection, Scanner
from ankled.drivers.uuids import sig
from ankled.simulators.peripherals.model import BATTERY_LEVEL
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World
from tests.daemon.tiny import COMMAND, DATA, QUICK, SERVICE, TinySensor, adapter
from tests.drivers.links import connect, play

if TYPE_CHECKING:
    from ankled.drivers.driver import Advertisement


def test_a_scanner_tells_what_a_device_says() -> None:
    """Address, name, services and signal, by a plain callback; nothing after it was stopped; and it may start again."""

    async def scenario(world: World, _sensor: TinySensor, backend: Backend) -> None:
        heard: list[Advertisement] = []
        scanner = Scanner(backend, lambda seen, _handle: heard.append(seen))
        for _ in range(2):
            await scanner.start()
            await asyncio.sleep(1.0)
            await scanner.stop()
            await scanner.stop()
            count = len(heard)
            await asyncio.sleep(1.0)
            assert len(heard) == count >= 5
            heard.clear()
        await scanner.start()
        await asyncio.sleep(0.5)
        await scanner.stop()
        seen = heard[-1]
        assert (seen.address, seen.name) == (world.server("one").placing.address, "Tiny 1")
        assert (seen.services, seen.rssi_dbm) == ((SERVICE,), -60)

    play(scenario)


def test_what_is_found_on_a_connection() -> None:
    """Services, characteristics with their properties, and the size of packets that both agreed on."""

    async def scenario(_world: World, _sensor: TinySensor, backend: Backend) -> None:
        connection = await connect(backend)
        assert {SERVICE, sig(0x180F), sig(0x1800)} <= set(connection.services)
        assert connection.characteristics[DATA] == {"notify"}
        assert connection.characteristics[COMMAND] == {"write"}
        assert connection.characteristics[BATTERY_LEVEL] == {"read", "notify"}
        assert connection.mtu == 247
        await connection.close()

    play(scenario)


def test_requests() -> None:
    """Read, write in the way that is offered, subscribe and unsubscribe."""

    async def scenario(_world: World, sensor: TinySensor, backend: Backend) -> None:
        connection = await connect(backend)
        assert await connection.read(BATTERY_LEVEL) == bytes([87])
        for uuid, response in ((COMMAND, True), (COMMAND, False), (QUICK, True), (QUICK, False)):
            await connection.write(uuid, f"{response}".encode(), response=response)
        await asyncio.sleep(0.1)
        assert sensor.commands == [b"True", b"False", b"True", b"False"]
        values: list[bytes] = []
        await connection.subscribe(DATA, values.append)
        await asyncio.sleep(1.0)
        await connection.unsubscribe(DATA)
        count = len(values)
        assert count >= 8
        assert all(type(value) is bytes for value in values)
        await asyncio.sleep(1.0)
        assert len(values) == count
        await connection.close()

    play(scenario)


def test_what_is_not_offered_is_not_even_asked() -> None:
    """The error names the characteristic and what it does offer; the link is good."""

    async def scenario(_world: World, sensor: TinySensor, backend: Backend) -> None:
        connection = await connect(backend)
        for asking, words in (
            (connection.read(COMMAND), "offers write, and not read"),
            (connection.write(DATA, b"", response=True), "offers notify, and not write or write-without-response"),
            (connection.subscribe(COMMAND, print), "offers write, and not notify or indicate"),
            (connection.unsubscribe(sig(0x2A53)), "no characteristic 00002a53"),
        ):
            with pytest.raises(link_errors.NotOfferedError, match=words):
                await asking
        assert not sensor.reads
        sensor.refusals = 1
        with pytest.raises(link_errors.RequestRefusedError) as refused:
            await connection.write(COMMAND, b"no", response=True)
        assert refused.value.code == 0x0E
        assert await connection.read(BATTERY_LEVEL)
        await connection.close()

    play(scenario)


def test_a_loss_is_told_once_and_closing_is_not_one() -> None:
    """After the loss every request says so; closing then is still right, and as often as one likes."""

    async def scenario(world: World, sensor: TinySensor, backend: Backend) -> None:
        losses: list[int] = []
        connection = await connect(backend, lambda: losses.append(1))
        world.server("one").lose_links()
        await asyncio.sleep(0.5)
        assert losses == [1]
        with pytest.raises(link_errors.LinkLostError):
            await connection.read(BATTERY_LEVEL)
        await connection.close()
        await connection.close()
        again = await connect(backend, lambda: losses.append(2))
        await again.close()
        await asyncio.sleep(0.5)
        assert losses == [1]
        assert not sensor.connected

    play(scenario)


def test_more_connections_than_the_controller_has_slots() -> None:
    """Refused with a class of its own."""

    async def run() -> None:
        world = World()
        for label in "ab":
            world.add(label, TinySensor(f"Tiny {label}"))
        async with world:
            backend = await adapter(world, slots=1)
            first = await connect(backend)
            with pytest.raises(link_errors.OutOfSlotsError):
                await connect(backend)
            await first.close()
            second = await connect(backend)
            await second.close()

    run_virtual(run())


def test_of_two_characteristics_with_one_uuid_the_first_counts() -> None:
    """By its handle, whatever the order in which they were found."""
    table = BleakGATTServiceCollection()
    service = BleakGATTService(None, 1, SERVICE)
    table.add_service(service)
    for handle, properties in ((9, ["read"]), (4, ["notify"])):
        table.add_characteristic(
            BleakGATTCharacteristic(None, handle, DATA.upper(), properties, lambda: 100, service)  # type: ignore[arg-type]  # literals
        )

    class Client:
        """Has found them."""

        services = table

    connection = Connection(Client(), 1.0)  # type: ignore[arg-type]  # what of it is used here
    connection._learn()
    assert connection.characteristics == {DATA: frozenset({"notify"})}
    assert connection.mtu == 103


def test_an_unknown_signal_is_none() -> None:
    """-127 dBm is what bleak gives where the adapter did not say."""
    heard: list[Advertisement] = []
    scanner = Scanner(Backend(), lambda seen, _handle: heard.append(seen))
    scanner._scanner = object()  # type: ignore[assignment]  # it runs

    class Data:
        """What bleak gives."""

        local_name = None
        service_uuids: tuple[str, ...] = ()
        manufacturer_data: dict[int, bytes] = {}  # noqa: RUF012  (never changed)
        rssi = -127

    scanner._detected(BLEDevice("C0:11:22:33:44:55", "Kept", None), Data())  # type: ignore[arg-type]  # in its form
    assert (heard[0].rssi_dbm, heard[0].name) == (None, "Kept")
