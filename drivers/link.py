"""The live radio: bleak behind a few typed calls with deadlines. The one file that imports bleak.

Every failure leaves as a LinkError. No policy is in here: whom to connect to, and when to try again, is the daemon's.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NewType, TypeVar, cast

from bleak import BleakAdapter, BleakClient, BleakScanner, exc
from bleak.backends.bluezdbus import manager as bluez_manager
from bleak.exc import BleakBluetoothNotAvailableReason as Reason

from ankled.drivers import bluez, bluez_watch, link_errors
from ankled.drivers.driver import Advertisement
from ankled.drivers.link_errors import LinkError
from ankled.drivers.patience import within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
    from dbus_fast.aio import MessageBus

T = TypeVar("T")
Handle = NewType("Handle", object)
"""What a scanner hands out and a connection is opened with."""

_BLUEZ_S = 10.0  # deadline of what bluetoothd answers by itself
_MANAGERS: Final = bluez_manager._global_instances  # noqa: SLF001  (the only way to have bleak begin anew)
_UNKNOWN_RSSI_DBM = -127  # what bleak gives where the adapter did not say
_ATT_HEADER = 3  # opcode and handle, which a packet holds beside the value

_BY_REASON: dict[Reason, type[LinkError]] = {
    Reason.NO_BLUETOOTH: link_errors.AdapterMissingError,
    Reason.NO_BLE_CENTRAL_ROLE: link_errors.AdapterMissingError,
    Reason.POWERED_OFF: link_errors.AdapterOffError,
    Reason.UNKNOWN: link_errors.AdapterError,
}  # any other is that somebody denies it

_open: set[Connection] = set()


def translate(error: Exception, doing: str, gone: type[LinkError] = link_errors.LinkLostError) -> LinkError:
    """Return what an exception of bleak or D-Bus, raised while `doing`, tells us to do.

    `gone` is for a D-Bus object that is not there any more, which means another thing for each kind of object.
    """
    kind: type[LinkError]
    match error:
        case exc.BleakGATTProtocolError():
            return link_errors.RequestRefusedError(f"{doing}: the device answered {error.args[1]}", int(error.code))
        case exc.BleakBluetoothNotAvailableError():
            kind = _BY_REASON.get(error.reason, link_errors.NoPermissionError)
        case exc.BleakDeviceNotFoundError():
            kind = link_errors.DeviceNotFoundError
        case exc.BleakCharacteristicNotFoundError():
            kind = link_errors.NotOfferedError
        case exc.BleakDBusError():
            kind = bluez.kind_of(error.dbus_error, error.args[1] if len(error.args) > 1 else "", gone)
        case _:
            kind = bluez.kind_of_failure(error, gone)
    silent = "no answer in time" if kind is link_errors.LinkTimeoutError else type(error).__name__
    said = str(error.args[0]) if isinstance(error, exc.BleakBluetoothNotAvailableError) else str(error)  # not its tuple
    return kind(f"{doing}: {said.rstrip('.') or silent}")


async def _within(
    timeout_s: float, work: Coroutine[Any, Any, T], doing: str, gone: type[LinkError] = link_errors.LinkLostError
) -> T:
    """Await what bleak does for so long at most. Raises LinkError."""
    try:
        return await within(timeout_s, work, doing)
    except LinkError:
        raise
    except Exception as error:  # the races inside of bleak show as KeyError, AttributeError or AssertionError
        raise translate(error, doing, gone) from error


def _bus() -> MessageBus | None:
    """Return the one bus by which bleak hears of everything, if it is connected."""
    manager = _MANAGERS.get(asyncio.get_running_loop())
    bus = None if manager is None else manager._bus  # noqa: SLF001  (nothing else tells)
    return bus if bus is not None and bus.connected else None


def _ended_below(path: str) -> None:
    """Note that what is below this path of BlueZ is gone. bleak has to forget all it knows of a bluetoothd that is."""
    for connection in [*_open]:
        if connection.path.startswith(path):
            connection.ended()
    if path == "/" and (bus := _bus()) is not None:
        bus.disconnect()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """How to reach one adapter. Without classes of its own it is one of BlueZ: named hciN or, better, by its address.

    None is the first one that is powered.
    """

    adapter: str | None = None
    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None
    watcher: Callable[[Callable[[], None]], Awaitable[None]] | None = None
    """How `watch` works for an adapter that is not of BlueZ."""

    async def watch(self, changed: Callable[[], None]) -> None:
        """Until cancelled, call `changed` when the adapter may have begun or ceased to work. Ends links that ended."""
        watcher = partial(bluez_watch.watch, _ended_below) if self.scanner is None else self.watcher
        if watcher is not None:
            await watcher(changed)

    async def resolve(self) -> str | None:
        """Return the adapter's present name. Raises AdapterError when it is not there, off, or out of reach."""
        if self.scanner is not None or self.adapter is None:
            return self.adapter
        return await _within(_BLUEZ_S, bluez.named(self.adapter), f"looking for adapter {self.adapter}")

    async def held(self, services: frozenset[str]) -> list[tuple[Advertisement, Handle]]:
        """Return devices with one of these services that BlueZ is connected to, by whomever; they do not advertise."""
        if self.scanner is not None:
            return []
        name = await self.resolve()
        doing = "asking for connected devices"
        adapter = await _within(_BLUEZ_S, BleakAdapter.get(bluez={"adapter": name} if name else {}), doing)
        there = await _within(_BLUEZ_S, adapter.get_connected_devices(sorted(services)), doing)
        said = [(one, tuple(one.details["props"].get("UUIDs", ()))) for one in there]
        return [(Advertisement(address=one.address, name=one.name, services=uuids), Handle(one)) for one, uuids in said]

    async def power_cycle(self) -> None:
        """Switch the adapter off and on, which drops every link it has. Does nothing to one that is not of BlueZ."""
        if self.scanner is not None:
            return
        doing = f"power cycling adapter {self.adapter or 'default'}"
        await _within(2.0 * _BLUEZ_S, bluez.power_cycle(self.adapter), doing, link_errors.AdapterMissingError)


class Scanner:
    """Gives what is heard to a plain function, while it runs. Starting anew always means a new scanner of bleak."""

    def __init__(self, backend: Backend, seen: Callable[[Advertisement, Handle], None]) -> None:
        self._backend: Final = backend
        self._seen: Final = seen
        self._scanner: BleakScanner | None = None
        self._bus: MessageBus | None = None

    @property
    def lost(self) -> bool:
        """Whether it hears nothing any more because the D-Bus connection by which it hears has ended."""
        return self._bus is not None and not self._bus.connected

    async def start(self) -> None:
        """Begin to scan. Raises LinkError, an AdapterError where the adapter is to blame."""
        await self.stop()
        name = await self._backend.resolve()
        scanner = BleakScanner(self._detected, bluez={"adapter": name} if name else {}, backend=self._backend.scanner)
        self._scanner = scanner
        try:
            await _within(_BLUEZ_S, scanner.start(), "starting to scan", link_errors.AdapterMissingError)
        except BaseException:
            self._undo(name)
            await self.stop()
            raise
        self._bus = _bus() if self._backend.scanner is None else None

    async def stop(self) -> None:
        """Scan no more. What fails on the way out is of no interest: a new start begins afresh."""
        scanner, self._scanner, self._bus = self._scanner, None, None
        if scanner is not None:
            with suppress(LinkError):
                await _within(_BLUEZ_S, scanner.stop(), "stopping to scan")

    def _undo(self, name: str | None) -> None:
        """Have bluetoothd not begin later what was given up: it would refuse every scan after that as one too many."""
        if self._backend.scanner is None and (bus := _bus()) is not None:
            with suppress(exc.BleakError):  # there is no adapter any more
                default = _MANAGERS[asyncio.get_running_loop()].get_default_adapter
                bus.send(bluez.stop_discovery(f"/org/bluez/{name}" if name else default()))

    def _detected(self, device: BLEDevice, heard: AdvertisementData) -> None:
        if self._scanner is None:
            return
        seen = Advertisement(
            address=device.address,
            name=heard.local_name or device.name,
            services=tuple(heard.service_uuids),
            manufacturer=heard.manufacturer_data,
            rssi_dbm=None if heard.rssi == _UNKNOWN_RSSI_DBM else heard.rssi,
        )
        self._seen(seen, Handle(device))


class Connection:
    """One connection, never used again once it is lost or closed. `characteristics` gives the properties of each."""

    def __init__(
        self, client: BleakClient, timeout_s: float, lost: Callable[[], None] = lambda: None, path: str = ""
    ) -> None:
        self._client: Final = client
        self._lost: Final = lost
        self._timeout_s: Final = timeout_s
        self.path: Final = path
        self._found: dict[str, BleakGATTCharacteristic] = {}
        self._closing = False
        self.services: tuple[str, ...] = ()
        self.characteristics: dict[str, frozenset[str]] = {}

    @classmethod
    async def open(
        cls, backend: Backend, handle: Handle, lost: Callable[[], None], *, connect_s: float, request_s: float
    ) -> Connection:
        """Connect and discover. `lost` is called once when the link ends without `close`. Raises LinkError."""
        device = cast("BLEDevice", handle)
        client = BleakClient(device, lambda _: connection.ended(), timeout=connect_s, backend=backend.client)
        path = "" if backend.client is not None else str(device.details["path"])
        connection = cls(client, request_s, lost, path)
        try:
            _open.add(connection)
            # bleak's own deadline, the same, comes first where it works; it then cleans up by itself
            doing = f"connecting to {device.address}"
            await _within(connect_s + 0.5, client.connect(), doing, link_errors.DeviceNotFoundError)
            connection._learn()
        except BaseException:
            await connection.close()
            raise
        return connection

    def ended(self) -> None:
        """Note that it is over, whoever says so first."""
        if not self._closing:
            self._closing = True
            self._lost()

    def _learn(self) -> None:
        """Keep what was discovered. Of two characteristics with the same UUID the first counts."""
        table = self._client.services
        self.services = tuple(dict.fromkeys(service.uuid.lower() for service in table))
        for _, one in sorted(table.characteristics.items()):
            self._found.setdefault(one.uuid.lower(), one)
        self.characteristics = {uuid: frozenset(one.properties) for uuid, one in self._found.items()}

    @property
    def mtu(self) -> int:
        """The size of an ATT packet now; it may still grow. BlueZ tells it by way of its characteristics only."""
        return max((one.max_write_without_response_size for one in self._found.values()), default=20) + _ATT_HEADER

    async def subscribe(self, uuid: str, callback: Callable[[bytes], None]) -> None:
        """Give each value the characteristic sends to a plain function. Raises LinkError."""
        one = self._offering(uuid, "notify", "indicate")
        await self._ask(self._client.start_notify(one, lambda _, data: callback(bytes(data))), f"subscribing to {uuid}")

    async def unsubscribe(self, uuid: str) -> None:
        """Let the characteristic send no more. Raises LinkError."""
        one = self._offering(uuid, "notify", "indicate")
        await self._ask(self._client.stop_notify(one), f"unsubscribing from {uuid}")

    async def read(self, uuid: str) -> bytes:
        """Return the value of a characteristic. Raises LinkError."""
        one = self._offering(uuid, "read")
        return bytes(await self._ask(self._client.read_gatt_char(one), f"reading {uuid}"))

    async def write(self, uuid: str, data: bytes, *, response: bool) -> None:
        """Write as asked, or else in the one way that the characteristic offers. Raises LinkError."""
        one = self._offering(uuid, "write", "write-without-response")
        wanted = "write" if response else "write-without-response"
        respond = response == (wanted in one.properties)
        await self._ask(self._client.write_gatt_char(one, data, response=respond), f"writing {uuid}")

    async def close(self) -> None:
        """Disconnect and release everything, also when the link is lost: bleak releases its D-Bus connection here."""
        self._closing = True
        _open.discard(self)
        with suppress(LinkError):  # it is released all the same, and what the device makes of it cannot be helped
            await _within(_BLUEZ_S, self._client.disconnect(), f"disconnecting from {self._client.address}")

    def _offering(self, uuid: str, *ways: str) -> BleakGATTCharacteristic:
        one = self._found.get(uuid)
        if one is None:
            raise link_errors.NotOfferedError(f"the device has no characteristic {uuid}")
        if not set(ways) & set(one.properties):
            offers = ", ".join(one.properties) or "nothing"
            raise link_errors.NotOfferedError(f"characteristic {uuid} offers {offers}, and not {' or '.join(ways)}")
        return one

    async def _ask(self, work: Coroutine[Any, Any, T], doing: str) -> T:
        try:
            return await _within(self._timeout_s, work, doing)
        except link_errors.LinkFailedError as error:
            if self._client.is_connected:
                raise
            raise link_errors.LinkLostError(f"{doing}: the connection has ended") from error
