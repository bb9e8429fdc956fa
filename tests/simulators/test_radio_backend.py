"""bleak on the radio of software: the real BleakScanner and BleakClient, and bleak's own exceptions."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.scanner import BaseBleakScanner
from bleak.backends.service import BleakGATTService
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
)

from ankled.drivers.uuids import sig
from ankled.simulators.radio.backend import SoftClient, SoftScanner, backends
from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.virtual import run_virtual
from tests.simulators.beeper import ANSWER, COMMAND, DATA, LONG, SERVICE, Session, beeper, found, world

if TYPE_CHECKING:
    from collections.abc import Callable


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


CLIENT = {
    "connect": ["self", "pair", "kwargs"],
    "disconnect": ["self"],
    "pair": ["self", "args", "kwargs"],
    "unpair": ["self"],
    "read_gatt_char": ["self", "characteristic", "use_cached", "kwargs"],
    "read_gatt_descriptor": ["self", "descriptor", "use_cached", "kwargs"],
    "write_gatt_char": ["self", "characteristic", "data", "response"],
    "write_gatt_descriptor": ["self", "descriptor", "data"],
    "start_notify": ["self", "characteristic", "callback", "kwargs"],
    "stop_notify": ["self", "characteristic"],
}


def test_the_interface_of_bleak_is_the_one_that_we_implement() -> None:
    """The interface is not promised to stay: when it moves, this says where, before anything behaves oddly."""
    assert set(BaseBleakClient.__abstractmethods__) == {*CLIENT, "mtu_size", "is_connected"}
    assert {name: _parameters(getattr(BaseBleakClient, name)) for name in CLIENT} == CLIENT
    assert set(BaseBleakScanner.__abstractmethods__) == {"start", "stop"}
    assert not SoftClient.__abstractmethods__
    assert not SoftScanner.__abstractmethods__
    own = ["self", "address_or_ble_device", "disconnected_callback", "timeout", "kwargs"]
    assert _parameters(BaseBleakClient.__init__) == own
    assert _parameters(BaseBleakClient.set_disconnected_callback) == ["self", "callback", "kwargs"]
    assert _parameters(BaseBleakScanner.__init__) == ["self", "detection_callback", "service_uuids"]
    assert _parameters(BaseBleakScanner.create_or_update_device) == ["self", "key", "address", "name", "details", "adv"]
    assert _parameters(BaseBleakScanner.call_detection_callbacks) == ["self", "device", "advertisement_data"]
    assert _parameters(BaseBleakScanner.is_allowed_uuid) == ["self", "service_uuids"]
    assert isinstance(inspect.getattr_static(BaseBleakClient, "name"), property)
    assert _parameters(BleakGATTService.__init__) == ["self", "obj", "handle", "uuid"]
    properties = ["self", "obj", "handle", "uuid", "properties", "max_write_without_response_size", "service"]
    assert _parameters(BleakGATTCharacteristic.__init__) == properties
    assert _parameters(BleakGATTDescriptor.__init__) == ["self", "obj", "handle", "uuid", "characteristic"]


def test_a_scan_reports_what_devices_advertise_and_filters_by_service() -> None:
    """Address, name, services, manufacturer data, RSSI; `discover`, the callback and the filter agree."""

    async def run() -> None:
        async with world("left", "right") as air:
            central = await air.central()
            scanner, _ = backends(central)
            seen = await BleakScanner.discover(1.0, return_adv=True, backend=scanner)
            assert set(seen) == {air.server(label).placing.address for label in air.labels}
            device, data = seen[air.server("left").placing.address]
            assert (device.name, data.local_name, data.rssi) == ("Beeper left", "Beeper left", -60)
            assert data.service_uuids == [sig(0x180F)]
            assert data.manufacturer_data == {0xFFFF: b"bp"}
            assert not await BleakScanner.discover(1.0, service_uuids=[SERVICE], backend=scanner)
            assert len(await BleakScanner.discover(1.0, service_uuids=[sig(0x180F)], backend=scanner)) == 2

    run_virtual(run())


def test_several_scanners_share_the_radio_and_the_last_one_stops_it() -> None:
    """One may stop while another goes on; afterwards the controller scans no more."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            (controller,) = (one for one in air.air._members if one.name == "central")
            scanner, _ = backends(central)
            counts = [0, 0]
            scanners = [
                BleakScanner(lambda *_, number=number: counts.__setitem__(number, counts[number] + 1), backend=scanner)
                for number in range(2)
            ]
            for one in scanners:
                await one.start()
            await asyncio.sleep(1.0)
            await scanners[0].stop()
            before = list(counts)
            await asyncio.sleep(1.0)
            assert counts[0] == before[0]
            assert counts[1] > before[1]
            await scanners[1].stop()
            await scanners[1].stop()
            assert not controller.le_scan_enable

    run_virtual(run())


def test_services_are_those_of_the_device() -> None:
    """UUIDs, properties and descriptors; a client may want some services only."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            device = await found(air, central)
            async with Session(device, central, air) as session:
                service = session.client.services.get_service(SERVICE)
                assert service is not None
                properties = {one.uuid: set(one.properties) for one in service.characteristics}
                assert properties == {
                    DATA: {"notify"},
                    COMMAND: {"write", "write-without-response"},
                    ANSWER: {"indicate"},
                    LONG: {"read"},
                }
                data = service.get_characteristic(DATA)
                assert data is not None
                (cccd,) = data.descriptors
                assert cccd.uuid == sig(0x2902)
                assert await session.client.read_gatt_descriptor(cccd) == b"\x00\x00"
                await session.client.start_notify(DATA, lambda *_: None)
                assert await session.client.read_gatt_descriptor(cccd) == b"\x01\x00"
                assert session.client.name == "Beeper left"
            async with Session(device, central, air, services=[sig(0x180F)]) as session:
                assert [one.uuid for one in session.client.services] == [sig(0x180F)]

    run_virtual(run())


def test_errors_are_those_that_bleak_raises_on_linux() -> None:
    """Not found, not connected, twice connected, no notifications, too long, no pairing."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            _, backend = backends(central)
            with pytest.raises(BleakDeviceNotFoundError):
                await BleakClient("C1:00:00:00:00:01", backend=backend, timeout=3.0).connect()
            device = await found(air, central)
            idle = Session(device, central, air)
            with pytest.raises(BleakError, match="Not connected"):
                await idle.client.start_notify(DATA, lambda *_: None)
            await idle.client.disconnect()
            async with Session(device, central, air) as session:
                with pytest.raises(BleakError, match="already connected"):
                    await session.client.connect()
                with pytest.raises(BleakDBusError, match="NotSupported"):
                    await session.client.start_notify(LONG, lambda *_: None)
                with pytest.raises(BleakDBusError, match="Failed to initiate write"):
                    await session.client.write_gatt_char(COMMAND, bytes(245), response=False)
                for attempt in (session.client.pair, session.client.unpair):
                    with pytest.raises(BleakError, match="not supported"):
                        await attempt()
                kept = session.client
            assert not kept.is_connected
            with pytest.raises(BleakError):
                await kept.read_gatt_char("2a19")

    run_virtual(run())


def test_an_address_alone_is_looked_for() -> None:
    """BleakClient with an address scans first, as on Linux."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            _, backend = backends(central)
            async with BleakClient(air.server("left").placing.address, backend=backend) as client:
                assert client.is_connected
                assert client.name == "Beeper left"

    run_virtual(run())


def test_a_device_that_was_seen_and_is_gone_runs_into_the_time_out() -> None:
    """Then the next attempt is free to go on."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            device = await found(air, central)
            air.server("left").controller.away = 1
            session = Session(device, central, air, timeout=5.0)
            begun_s = air.now_s
            with pytest.raises(TimeoutError):
                await session.client.connect()
            assert air.now_s - begun_s == pytest.approx(5.0)
            air.server("left").controller.away = 0
            async with session:
                assert session.client.is_connected
            assert len(session.lost_s) == 1, "only the connection that came about has ended"

    run_virtual(run())


def test_out_of_slots_is_said_as_bluez_says_it() -> None:
    """org.bluez.Error.Failed with the reason of BlueZ's src/error.c."""

    async def run() -> None:
        async with world("left", "right") as air:
            central = await air.central(slots=1)
            devices = [await found(air, central, label) for label in air.labels]
            async with Session(devices[0], central, air):
                with pytest.raises(BleakDBusError) as refused:
                    await Session(devices[1], central, air).client.connect()
                assert refused.value.dbus_error == "org.bluez.Error.Failed"
                assert refused.value.dbus_error_details == "le-connection-concurrent-connection-limit"
            async with Session(devices[1], central, air) as session:
                assert session.client.is_connected

    run_virtual(run())


def test_the_disconnected_callback_comes_once_however_the_link_ends() -> None:
    """By ourselves, and by the supervision timeout; `disconnect` afterwards is harmless."""

    async def run() -> None:
        async with world(timing=Timing(supervision_s=2.0)) as air:
            central = await air.central()
            device = await found(air, central)
            async with Session(device, central, air) as session:
                pass
            assert len(session.lost_s) == 1
            async with Session(device, central, air) as session:
                begun_s = air.now_s
                air.server("left").controller.away = 1
                with pytest.raises(BleakError, match="Not connected"):
                    await session.client.read_gatt_char("2a19")
                assert session.lost_s == [pytest.approx(begun_s + 2.0, abs=0.1)]
                assert not session.client.is_connected
            assert len(session.lost_s) == 1

    run_virtual(run())


def test_a_link_that_dies_during_discovery_fails_the_connect() -> None:
    """With an error of bleak, no callback, and nothing left behind."""

    async def run() -> None:
        async with world(paced=True) as air:
            central = await air.central()
            session = Session(await found(air, central), central, air)
            connecting = asyncio.create_task(session.client.connect())
            await asyncio.sleep(0.5)
            assert air.server("left").connected
            air.server("left").lose_links()
            with pytest.raises(BleakError, match="discover services"):
                await connecting
            assert not session.lost_s
            async with session:
                assert session.client.is_connected

    run_virtual(run())


def test_a_client_that_connects_again_has_forgotten_its_last_connection() -> None:
    """One object, two connections: the second dies during discovery, and only the first had a callback to give."""

    async def run() -> None:
        async with world(paced=True) as air:
            central = await air.central()
            session = Session(await found(air, central), central, air)
            async with session:
                assert session.client.is_connected
            assert len(session.lost_s) == 1
            connecting = asyncio.create_task(session.client.connect())
            await asyncio.sleep(0.5)
            air.server("left").lose_links()
            with pytest.raises(BleakError, match="discover services"):
                await connecting
            assert len(session.lost_s) == 1

    run_virtual(run())


def test_a_connect_that_is_cancelled_lets_go_of_the_device() -> None:
    """In mid-discovery the link exists: it is ended."""

    async def run() -> None:
        async with world(paced=True) as air:
            central = await air.central()
            session = Session(await found(air, central), central, air)
            connecting = asyncio.create_task(session.client.connect())
            await asyncio.sleep(0.5)
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            await asyncio.sleep(0.1)
            assert not air.server("left").connected
            assert not central.host.on_value

    run_virtual(run())


def test_a_read_that_is_given_up_does_not_answer_the_next_one() -> None:
    """The question stays open in the stack, as BlueZ has it: the next one gets its own answer."""

    async def run() -> None:
        async with world(timing=Timing(supervision_s=4.0)) as air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                air.server("left").controller.away = 1
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(session.client.read_gatt_char("2a19"), 1.0)
                next_read = asyncio.create_task(session.client.read_gatt_char(LONG))
                await asyncio.sleep(0.5)
                air.server("left").controller.away = 0
                assert bytes(await next_read)[:4] == bytes([0, 1, 2, 3])
                assert await session.client.read_gatt_char("2a19") == bytes([87])

    run_virtual(run())


def test_a_callback_that_fails_is_reported_and_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The stream goes on, for this client and for others."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                calls = []

                def fail(_characteristic: object, _data: bytearray) -> None:
                    calls.append(air.now_s)
                    msg = "in the callback"
                    raise ValueError(msg)

                await session.client.start_notify(DATA, fail)
                await session.command(b"r\x32")
                await asyncio.sleep(0.5)
                assert len(calls) > 20
                assert session.client.is_connected

    with caplog.at_level(logging.ERROR):
        run_virtual(run())
    assert "in the callback" in caplog.text


def test_a_controller_that_is_gone_is_no_bluetooth() -> None:
    """Everything that waits ends, and everything new is refused: BleakBluetoothNotAvailableError."""

    async def run() -> None:
        async with world("left", "right") as air:
            central = await air.central()
            scanner, _ = backends(central)
            devices = [await found(air, central, label) for label in air.labels]
            async with Session(devices[0], central, air) as session:
                air.server("right").controller.away = 1
                waiting = asyncio.create_task(Session(devices[1], central, air).client.connect())
                await asyncio.sleep(1.0)
                central.host.on_transport_lost()
                with pytest.raises(BleakBluetoothNotAvailableError):
                    await waiting
                assert not session.client.is_connected
                assert len(session.lost_s) == 1
                with pytest.raises(BleakBluetoothNotAvailableError):
                    await BleakScanner.discover(1.0, backend=scanner)
                with pytest.raises(BleakBluetoothNotAvailableError):
                    await Session(devices[0], central, air).client.connect()
            assert beeper(air).connected, "until its supervision timeout"

    run_virtual(run())
