"""A simulated device on the air: advertises, serves its GATT table, and sends what its `Peripheral` has ready."""

from __future__ import annotations

import asyncio
import random
import struct
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec
from bumble import att, device, hci

from ankled.drivers.uuids import sig
from ankled.simulators.peripherals.model import Peripheral
from ankled.simulators.radio.advertising import encode
from ankled.simulators.radio.controller import AirController
from ankled.simulators.radio.errors import RadioError
from ankled.simulators.radio.host import QuietHost
from ankled.simulators.radio.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.simulators.peripherals.model import Outgoing
    from ankled.simulators.radio.air import Air
    from ankled.simulators.radio.connection import Link

FULL: Final = 32
"""Packets that may wait in a device's stack; while they do, its samples stay in its FIFO."""

_GAP: Final = sig(0x1800)
_GATT: Final = sig(0x1801)
_VALUE: Final = struct.Struct("<BH")  # ATT: opcode, handle


class Placing(msgspec.Struct, frozen=True, kw_only=True):
    """A device and how it is on the air; `interval_s` is the connection interval that it asks for, if it does."""

    label: str
    peripheral: Peripheral
    address: str
    mtu: int
    rssi_dbm: int
    advertising_s: float
    interval_s: float | None


class Server:
    """One device. `fail` is told of a defect in the peripheral; `stepped` is called after each connection event.

    `lost_share` and `doubled_share` are how many of the values get lost in the sensor, or are sent twice.
    """

    def __init__(
        self, air: Air, placing: Placing, fail: Callable[[Exception], None], stepped: Callable[[], None]
    ) -> None:
        self.air = air
        self.placing = placing
        self.peripheral = placing.peripheral
        self.lost_share = self.doubled_share = 0.0
        self._hangs = 0
        self.controller = AirController(placing.label, air, slots=1)
        self.controller.rssi_dbm = placing.rssi_dbm
        self.controller.asks_interval_s = placing.interval_s
        self.controller.on_event = self._on_event
        self.host = QuietHost()
        self.host.controller = self.controller
        self._fail = fail
        self._stepped = stepped
        self._chance = random.Random(placing.label)  # noqa: S311  (faults that repeat; no secret)
        self._connection: device.Connection | None = None
        self._outbox: deque[tuple[bool, bytes]] = deque()
        self._confirmation: asyncio.Future[None] | None = None
        self._advertising: asyncio.Task[None] | None = None
        self._table = Table(self.peripheral, lambda: air.now_s, fail)
        declared = {service.uuid for service in self.peripheral.services}
        self._device = device.Device(
            config=device.DeviceConfiguration(
                name=self.peripheral.name,
                address=hci.Address(placing.address),
                gap_service_enabled=_GAP not in declared,
                gatt_service_enabled=_GATT not in declared,
            ),
            host=self.host,
        )
        self._device.gatt_server.max_mtu = placing.mtu
        self._device.add_services(self._table.services)
        self._device.on(device.Device.EVENT_CONNECTION, self._opened)

    @property
    def connected(self) -> bool:
        """Whether a central is connected, from this side's view."""
        return self._connection is not None

    @property
    def links(self) -> list[Link]:
        """The ways to its central."""
        return [end.way for end in self.controller.ends if end.way is not None]

    async def start(self) -> None:
        """Switch on and advertise. Raises RadioError if what it advertises is too long."""
        await self._device.power_on()
        await self._advertise()

    async def stop(self) -> None:
        """Switch off; whoever is connected sees a time-out."""
        self._device.remove_listener(device.Device.EVENT_CONNECTION, self._opened)
        self.controller.vanish()
        self._closed()
        await asyncio.sleep(0)  # lets the host hear of it
        if self._advertising is not None:
            self._advertising.cancel()
            await asyncio.gather(self._advertising, return_exceptions=True)
        await self._device.power_off()
        self.air.leave(self.controller)

    def restart(self) -> None:
        """Lose power for a moment: the connection is gone without a word, the clock begins anew."""
        self.controller.vanish()
        self._closed()
        self.peripheral.reset(self.air.now_s)

    def lose_links(self) -> None:
        """End the connection for both sides now, as if it had timed out."""
        for link in self.links:
            link.drop(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def hang(self, *, on: bool) -> None:
        """Let the firmware hang, with the link up, or go on; as often off as on."""
        self._hangs += 1 if on else -1
        self.host.deaf = self._hangs > 0

    def stretch(self, interval_s: float | None) -> None:
        """Let connection events come at another interval than was agreed on."""
        self.controller.stretched_s = interval_s
        for link in self.links:
            link.retime()

    async def _advertise(self) -> None:
        self._device.advertising_data, self._device.scan_response_data = encode(self.peripheral.advertising)
        interval_ms = self.placing.advertising_s * 1e3
        await self._device.start_advertising(advertising_interval_min=interval_ms, advertising_interval_max=interval_ms)

    def _opened(self, connection: device.Connection) -> None:
        def grown() -> None:
            self.peripheral.connect(connection.att_mtu, self.air.now_s)

        def ended(_reason: int) -> None:
            if self._connection is connection:
                self._closed()
            self._advertising = asyncio.create_task(self._advertise(), name=f"advertise {self.placing.label}")

        self._connection = connection
        connection.on(connection.EVENT_CONNECTION_ATT_MTU_UPDATE, grown)
        connection.on(connection.EVENT_DISCONNECTION, ended)
        self.peripheral.connect(connection.att_mtu, self.air.now_s)

    def _closed(self) -> None:
        if self._connection is None:
            return
        self._connection = self._confirmation = None
        self._outbox.clear()
        self._table.forget()
        self.peripheral.disconnect(self.air.now_s)

    def _on_event(self) -> None:
        """Send what is ready at a connection event, unless what was sent before still waits."""
        if self._connection is None or self.host.deaf or self._outbox or self.host.waiting > FULL:
            return
        try:
            for value in self.peripheral.advance(self.air.now_s):
                self._put(value, self._connection.att_mtu)
        except Exception as defect:  # noqa: BLE001  (of any kind: the world ends with it)
            self._fail(defect)
        self._send()
        self._stepped()

    def _put(self, value: Outgoing, mtu: int) -> None:
        if len(value.data) > mtu - 3:
            raise RadioError(
                f"{self.placing.label} sends {len(value.data)} bytes of {value.characteristic}; {mtu - 3} fit"
            )
        copies = 1
        if self.lost_share and self._chance.random() < self.lost_share:
            copies = 0
        elif self.doubled_share and self._chance.random() < self.doubled_share:
            copies = 2
        indicate = self._table.indicates(value.characteristic)
        opcode = att.Opcode.ATT_HANDLE_VALUE_INDICATION if indicate else att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION
        packet = _VALUE.pack(opcode, self._table.handle(value.characteristic)) + value.data
        self._outbox.extend([(indicate, packet)] * copies)

    def _send(self) -> None:
        """Send in order; an indication waits until the one before it is confirmed."""
        connection = self._connection
        while self._outbox and connection is not None:
            indicate, packet = self._outbox[0]
            if indicate and self._confirmation is not None:
                return
            self._outbox.popleft()
            if indicate:
                self._confirmation = asyncio.get_running_loop().create_future()
                self._confirmation.add_done_callback(self._confirmed)
                self._device.gatt_server.pending_confirmations[connection] = self._confirmation
            self.host.send_l2cap_pdu(connection.handle, att.ATT_CID, packet)

    def _confirmed(self, confirmation: asyncio.Future[None]) -> None:
        if confirmation is self._confirmation and self._connection is not None:
            self._confirmation = None
            self._device.gatt_server.pending_confirmations[self._connection] = None
            self._send()
