"""The link on BlueZ's side: bleak's own backend against a double of bluetoothd on a private D-Bus."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest
from bleak.backends.bluezdbus.manager import get_global_bluez_manager

from ankled.drivers import link_errors
from ankled.drivers.link import Backend, Connection, Handle, Scanner
from ankled.drivers.patience import strays
from tests.drivers.bluez_double import ADAPTER_ADDRESS, ADDRESS, DATA, SERVICE, bluetoothd, system_bus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ankled.drivers.driver import Advertisement
    from tests.drivers.bluez_double import Bluetoothd

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed")

BLUEZ = Backend(adapter=ADAPTER_ADDRESS)
GAP = frozenset({"00001800-0000-1000-8000-00805f9b34fb"})


@pytest.fixture
async def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Run a system bus of our own, with nobody on it."""
    async with system_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address


@pytest.fixture
async def daemon(bus: str) -> AsyncIterator[Bluetoothd]:
    """Run the double, and let go of bleak's bus at the end."""
    async with bluetoothd(bus) as double:
        yield double
        manager = await get_global_bluez_manager()
        assert manager._bus is not None
        manager._bus.disconnect()
        await asyncio.sleep(0.05)


async def sight() -> tuple[Advertisement, Handle]:
    """Scan until something is heard."""
    heard: asyncio.Queue[tuple[Advertisement, Handle]] = asyncio.Queue()
    scanner = Scanner(BLUEZ, lambda *one: heard.put_nowait(one))
    await scanner.start()
    try:
        return await asyncio.wait_for(heard.get(), 5.0)
    finally:
        await scanner.stop()


async def connect(lost: asyncio.Event | None = None, request_s: float = 5.0) -> Connection:
    """Scan and connect."""
    _, handle = await sight()
    gone = lost or asyncio.Event()
    return await Connection.open(BLUEZ, handle, gone.set, connect_s=5.0, request_s=request_s)


@pytest.mark.parametrize("adapter", [ADAPTER_ADDRESS, ADAPTER_ADDRESS.lower(), "hci3"])
async def test_an_adapter_is_found_by_address_or_name(daemon: Bluetoothd, adapter: str) -> None:
    """Names change after a reset, addresses do not; None leaves it to bleak."""
    assert await Backend(adapter=adapter).resolve() == "hci3"
    assert await Backend().resolve() is None
    assert daemon.calls


async def test_an_adapter_that_is_not_there_or_off_is_named(daemon: Bluetoothd) -> None:
    """The error says what there is instead."""
    with pytest.raises(link_errors.AdapterMissingError, match=f"no adapter hci0; there is hci3 .{ADAPTER_ADDRESS}"):
        await Backend(adapter="hci0").resolve()
    daemon.switch_off()
    with pytest.raises(link_errors.AdapterOffError):
        await BLUEZ.resolve()
    with pytest.raises(link_errors.AdapterOffError):
        await Scanner(Backend(), lambda *_: None).start()


async def test_scan_connect_and_talk(daemon: Bluetoothd) -> None:
    """All of a connection's life, by StartNotify, with the size of packets that BlueZ tells by its characteristics."""
    seen, _ = await sight()
    assert (seen.address, seen.name, seen.rssi_dbm) == (ADDRESS, "Tiny", -61)
    assert SERVICE in seen.services
    connection = await connect()
    assert connection.services == (SERVICE,)
    assert connection.characteristics == {DATA: frozenset({"read", "write", "notify"})}
    assert connection.mtu == 185
    assert await connection.read(DATA) == b"\x2a"
    await connection.write(DATA, b"set", response=False)
    assert daemon.value == b"set"
    values: list[bytes] = []
    await connection.subscribe(DATA, values.append)
    daemon.notify(b"one")
    daemon.notify(b"two")
    await asyncio.sleep(0.1)
    await connection.unsubscribe(DATA)
    assert values == [b"one", b"two"]
    await connection.close()
    assert daemon.calls.count("Disconnect") == 1
    assert strays() == 0


async def test_a_lost_connection_is_told_once_and_closing_it_releases_its_bus(daemon: Bluetoothd) -> None:
    """Each connection of bleak has a D-Bus connection of its own, which only `close` gives back, also after a loss."""
    lost = asyncio.Event()
    connection = await connect(lost)
    daemon.lose()
    await asyncio.wait_for(lost.wait(), 5.0)
    with pytest.raises(link_errors.LinkLostError):
        await connection.read(DATA)
    backend = connection._client._backend
    await connection.close()
    assert getattr(backend, "_bus", "none") is None


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("org.bluez.Error.Failed", "le-connection-concurrent-connection-limit", link_errors.OutOfSlotsError),
        ("org.bluez.Error.Failed", "le-connection-adapter-not-powered", link_errors.AdapterOffError),
        ("org.bluez.Error.Failed", "le-connection-timeout", link_errors.LinkTimeoutError),
        ("org.bluez.Error.Failed", "something new", link_errors.LinkFailedError),
        ("org.bluez.Error.InProgress", "Operation already in progress", link_errors.BusyError),
        ("org.freedesktop.DBus.Error.UnknownObject", "gone", link_errors.DeviceNotFoundError),
        ("org.freedesktop.DBus.Error.ServiceUnknown", "gone", link_errors.NoBluetoothdError),
    ],
)
async def test_what_connecting_fails_with(
    daemon: Bluetoothd, name: str, body: str, kind: type[link_errors.LinkError]
) -> None:
    """D-Bus names and BlueZ's codes become classes; the message keeps what was said."""
    daemon.errors["Connect"] = (name, body)
    with pytest.raises(kind, match=ADDRESS) as raised:
        await connect()
    assert type(raised.value) is kind
    assert strays() == 0


async def test_a_refusal_has_its_code(daemon: Bluetoothd) -> None:
    """An ATT error leaves the link as it is."""
    connection = await connect()
    daemon.errors["WriteValue"] = ("org.bluez.Error.Failed", "Operation failed with ATT error: 0x85")
    with pytest.raises(link_errors.RequestRefusedError) as raised:
        await connection.write(DATA, b"x", response=True)
    assert raised.value.code == 0x85
    assert await connection.read(DATA) == b"\x2a"
    await connection.close()


async def test_a_bluetoothd_that_hangs_holds_nobody_up(daemon: Bluetoothd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a request nor closing waits for it for longer than its deadline."""
    monkeypatch.setattr("ankled.drivers.link._BLUEZ_S", 0.2)
    connection = await connect(request_s=0.2)
    daemon.mute = {"ReadValue", "Disconnect"}
    with pytest.raises(link_errors.LinkTimeoutError, match=r"no answer within 0\.2 s"):
        await connection.read(DATA)
    await connection.close()
    assert strays() == 0


async def test_a_link_that_somebody_left_is_found_and_taken_over(daemon: Bluetoothd) -> None:
    """A device that BlueZ is connected to does not advertise; connecting to it does not connect again."""
    assert await BLUEZ.held(GAP) == []
    daemon.hold()
    await asyncio.sleep(0.05)
    ((seen, handle),) = await BLUEZ.held(GAP)
    assert (seen.address, seen.name) == (ADDRESS, "Tiny")
    connection = await Connection.open(BLUEZ, handle, lambda: None, connect_s=5.0, request_s=5.0)
    assert "Connect" not in daemon.calls
    assert await connection.read(DATA) == b"\x2a"
    await connection.close()
    assert "Disconnect" in daemon.calls


async def test_a_power_cycle_switches_off_and_on(daemon: Bluetoothd) -> None:
    """By D-Bus, which needs no privilege beyond speaking to bluetoothd."""
    await BLUEZ.power_cycle()
    assert daemon.calls.count("Set") == 2
    assert await BLUEZ.resolve() == "hci3"
    await Backend().power_cycle()
    assert daemon.calls.count("Set") == 4


async def test_no_bluetoothd(bus: str) -> None:
    """A bus without bluetoothd."""
    assert bus
    with pytest.raises(link_errors.NoBluetoothdError):
        await BLUEZ.resolve()
    with pytest.raises(link_errors.NoBluetoothdError):
        await Scanner(Backend(), lambda *_: None).start()


async def test_no_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No D-Bus at all, as in most containers."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    with pytest.raises(link_errors.NoBluetoothdError):
        await BLUEZ.resolve()
    with pytest.raises(link_errors.NoBluetoothdError):
        await Scanner(Backend(), lambda *_: None).start()


async def test_no_permission(daemon: Bluetoothd) -> None:
    """The policy of the bus may keep this user from bluetoothd."""
    daemon.errors["GetManagedObjects"] = ("org.freedesktop.DBus.Error.AccessDenied", "Rejected send message")
    with pytest.raises(link_errors.NoPermissionError):
        await BLUEZ.resolve()
    daemon.errors.clear()


async def test_a_scan_that_is_refused(daemon: Bluetoothd) -> None:
    """NotReady means off, InProgress busy; and the next start is a fresh one."""
    for name, kind in (("NotReady", link_errors.AdapterOffError), ("InProgress", link_errors.BusyError)):
        daemon.errors["StartDiscovery"] = (f"org.bluez.Error.{name}", "x")
        with pytest.raises(kind):
            await sight()
    daemon.errors.clear()
    assert (await sight())[0].address == ADDRESS


async def test_a_scan_that_was_given_up_does_not_begin_later(
    daemon: Bluetoothd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller that hangs answers some time; bluetoothd would then refuse every scan as one more of ours."""
    monkeypatch.setattr("ankled.drivers.link._BLUEZ_S", 0.3)
    daemon.mute = {"StartDiscovery"}
    for backend in (BLUEZ, Backend()):
        daemon.calls.clear()
        with pytest.raises(link_errors.LinkTimeoutError):
            await Scanner(backend, lambda *_: None).start()
        await asyncio.sleep(0.1)
        assert daemon.calls[-2:] == ["StartDiscovery", "StopDiscovery"]
    daemon.mute = set()
    assert (await sight())[0].address == ADDRESS


async def test_a_scanner_knows_that_its_bus_is_lost(daemon: Bluetoothd) -> None:
    """It would wait for ever; a new start is on a new bus."""
    scanner = Scanner(BLUEZ, lambda *_: None)
    lost = [scanner.lost]
    await scanner.start()
    lost.append(scanner.lost)
    (await get_global_bluez_manager())._bus.disconnect()  # type: ignore[union-attr]  # there is one, or it fails here
    await asyncio.sleep(0.1)
    lost.append(scanner.lost)
    await scanner.start()
    lost.append(scanner.lost)
    assert lost == [False, False, True, False]
    await scanner.stop()
    assert "GetManagedObjects" in daemon.calls
