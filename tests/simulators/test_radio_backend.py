"""bleak on the radio of software: the real BleakScanner and BleakClient, and bleak's own exceptions."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.scanner import BaseBleakScanner
from bleak.backends.service import BleakGATTService
from bleak.exc import (
    BleakError,
)

from ankled.drivers.uuids import sig
from ankled.simulators.radio.backend import SoftClient, SoftScanner, backends
from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.virtual import run_virtual
from tests.simulators.beeper import ANSWER, COMMAND, DATA, LONG, SERVICE, Session, found, world

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
