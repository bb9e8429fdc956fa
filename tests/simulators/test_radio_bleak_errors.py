"""What goes wrong below bleak on the radio of software arrives as bleak's own exceptions, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
)

from ankled.simulators.radio.backend import backends
from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.virtual import run_virtual
from tests.simulators.beeper import COMMAND, DATA, LONG, Session, beeper, found, world


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
