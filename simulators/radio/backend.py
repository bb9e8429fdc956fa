"""bleak's backend interface on the radio of software: real BleakScanner and BleakClient, no hardware.

Errors are those that bleak raises on Linux, so that whoever handles these handles those.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from bleak import BleakScanner
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bumble import att

from ankled.simulators.radio.client import TRANSACTION_S, Client, Found
from ankled.simulators.radio.errors import ConnectError, LinkLostError, LostError, RadioError, SlotsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from bleak.args import SizedBuffer
    from bleak.backends.client import NotifyCallback

    from ankled.simulators.radio.advertising import Heard
    from ankled.simulators.radio.central import Source
    from ankled.simulators.radio.client import FoundService

T = TypeVar("T")

FAILED: Final = "org.bluez.Error.Failed"
NOT_SUPPORTED: Final = "org.bluez.Error.NotSupported"
OUT_OF_SLOTS: Final = "le-connection-concurrent-connection-limit"  # BlueZ 5.66, src/error.c
ABORTED: Final = "le-connection-abort-by-local"  # the same


def backends(
    central: Source, *, transaction_s: float = TRANSACTION_S
) -> tuple[type[BaseBleakScanner], type[BaseBleakClient]]:
    """Return what BleakScanner(backend=...) and BleakClient(backend=...) want; `transaction_s`: see `client`."""
    scanner = type("SoftScanner", (SoftScanner,), {"central": central})
    client = type("SoftClient", (SoftClient,), {"central": central, "transaction_s": transaction_s, "scanner": scanner})
    return scanner, client


def _as_bleak(error: RadioError) -> BleakError:
    """Return what bleak raises on Linux for the same."""
    match error:
        case SlotsError():
            return BleakDBusError(FAILED, [OUT_OF_SLOTS])
        case ConnectError():
            return BleakDBusError(FAILED, [ABORTED])
        case LostError():
            return BleakBluetoothNotAvailableError(str(error), BleakBluetoothNotAvailableReason.NO_BLUETOOTH)
        case LinkLostError():
            return BleakError("Not connected")
        case _:
            return BleakError(str(error))


class SoftScanner(BaseBleakScanner):
    """Scans with the central that `backends` was given."""

    central: ClassVar[Source]

    def __init__(
        self,
        detection_callback: Any,  # noqa: ANN401  (handed through)
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        **_options: Any,  # noqa: ANN401  (those of other platforms)
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode == "active"
        self._stop: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Begin to scan."""
        self.seen_devices = {}
        try:
            central = await self.central.now()
            self._stop = await central.listen(self._on_heard, active=self._active)
        except RadioError as error:
            raise _as_bleak(error) from error

    async def stop(self) -> None:
        """Scan no more."""
        if self._stop is not None:
            stop, self._stop = self._stop, None
            try:
                await stop()
            except RadioError as error:
                raise _as_bleak(error) from error

    def _on_heard(self, heard: Heard) -> None:
        data = AdvertisementData(
            local_name=heard.name,
            manufacturer_data=heard.manufacturer,
            service_data={},
            service_uuids=list(heard.services),
            tx_power=None,
            rssi=heard.rssi_dbm,
            platform_data=(heard,),
        )
        if self.is_allowed_uuid(data.service_uuids):
            device = self.create_or_update_device(heard.address, heard.address, heard.name, heard, data)
            self.call_detection_callbacks(device, data)


class SoftClient(BaseBleakClient):
    """Connects with the central that `backends` was given."""

    central: ClassVar[Source]
    transaction_s: ClassVar[float]
    scanner: ClassVar[type[BaseBleakScanner]]

    def __init__(self, address_or_ble_device: BLEDevice | str, **options: Any) -> None:  # noqa: ANN401  (handed through)
        super().__init__(address_or_ble_device, **options)
        self._device = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._wanted: set[str] | None = options.get("services")
        self._client: Client | None = None

    @property
    def name(self) -> str:
        """The advertised name, else the address with dashes."""
        return (self._device and self._device.name) or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """The MTU that was agreed on."""
        return 23 if self._client is None else self._client.mtu

    @property
    def is_connected(self) -> bool:
        """Whether the link is up, as far as this side knows."""
        return self._client is not None and self._client.connected

    async def connect(self, pair: bool, **_options: Any) -> None:  # noqa: FBT001, ANN401, ARG002  (bleak's signature)
        """Connect and discover; devices of this radio need no pairing, so it is not done."""
        if self.is_connected:
            raise BleakError("Client is already connected")
        self._client = None
        if self._device is None:
            self._device = await BleakScanner.find_device_by_address(self.address, self._timeout, backend=self.scanner)
            if self._device is None:
                raise BleakDeviceNotFoundError(self.address, f"Device with address {self.address} was not found.")
        async with asyncio.timeout(self._timeout):
            try:
                central = await self.central.now()
                connection = await central.connect(self.address, self._timeout)
            except RadioError as error:
                raise _as_bleak(error) from error
            client = Client(central, connection, self._ended, transaction_s=self.transaction_s)
            try:
                self.services = self._collection(client, await client.discover())
            except LinkLostError as error:
                raise BleakError("failed to discover services, device disconnected") from error
            except BaseException:
                await client.close()
                raise
        self._client = client

    async def disconnect(self) -> None:
        """End the connection, if there is one."""
        if self._client is not None:
            await self._client.close()
        self.services = None

    async def pair(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401  (bleak's signature)
        """Devices of this radio cannot be paired."""
        raise BleakError("pairing is not supported by the radio made of software")

    async def unpair(self) -> None:
        """Devices of this radio cannot be paired."""
        raise BleakError("pairing is not supported by the radio made of software")

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,  # noqa: ARG002  (nothing is cached)
        **_options: Any,  # noqa: ANN401  (those of other platforms)
    ) -> bytearray:
        """Read a value."""
        return bytearray(await self._ask(lambda client: client.read(characteristic.handle)))

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        *,
        use_cached: bool = False,  # noqa: ARG002  (nothing is cached)
        **_options: Any,  # noqa: ANN401  (those of other platforms)
    ) -> bytearray:
        """Read a descriptor."""
        return bytearray(await self._ask(lambda client: client.read(descriptor.handle)))

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,  # noqa: FBT001  (bleak's signature)
    ) -> None:
        """Write a value."""
        if not response and len(data) > self.mtu_size - 3:
            raise BleakDBusError(FAILED, ["Failed to initiate write"])
        await self._ask(lambda client: client.write(characteristic.handle, bytes(data), response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor."""
        await self._ask(lambda client: client.write(descriptor.handle, bytes(data), response=True))

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: NotifyCallback,
        **_options: Any,  # noqa: ANN401  (those of other platforms)
    ) -> None:
        """Subscribe to notifications, or to indications where there are no notifications."""
        if not {"notify", "indicate"} & set(characteristic.properties):
            raise BleakDBusError(NOT_SUPPORTED, ["Operation is not supported"])
        await self._ask(lambda client: client.subscribe(_found(characteristic), _guarded(callback)))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Want no more values."""
        await self._ask(lambda client: client.unsubscribe(_found(characteristic)))

    async def _ask(self, question: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        client = self._client
        if client is None or not client.connected:
            raise BleakError("Not connected")
        try:
            return await question(client)
        except RadioError as error:
            raise _as_bleak(error) from error
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error

    def _ended(self) -> None:
        if self._client is not None and self._disconnected_callback is not None:
            self._disconnected_callback()

    def _collection(self, client: Client, services: tuple[FoundService, ...]) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        for one in services:
            if self._wanted is not None and one.uuid not in self._wanted:
                continue
            service = BleakGATTService(one, one.handle, one.uuid)
            found.add_service(service)
            for each in one.characteristics:
                properties = sorted(gatt_char_props_to_strs(each.properties))
                characteristic = BleakGATTCharacteristic(
                    each, each.handle, each.uuid, properties, lambda: client.mtu - 3, service
                )
                found.add_characteristic(characteristic)
                for descriptor in each.descriptors:
                    found.add_descriptor(
                        BleakGATTDescriptor(descriptor, descriptor.handle, descriptor.uuid, characteristic)
                    )
        return found


def _found(characteristic: BleakGATTCharacteristic) -> Found:
    found = characteristic.obj
    if not isinstance(found, Found):
        raise BleakError(f"characteristic {characteristic.uuid} belongs to another backend")
    return found


def _guarded(callback: NotifyCallback) -> Callable[[bytes], None]:
    """Keep what goes wrong in a callback away from the radio, as D-Bus does."""

    def take(data: bytes) -> None:
        try:
            callback(bytearray(data))
        except Exception as error:  # noqa: BLE001  (of any kind: it is the loop's to report)
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a notification callback failed", "exception": error}
            )

    return take
