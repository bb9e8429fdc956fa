"""A simulated Movella DOT: settings behind a mask, one sample a packet, and silence where a condition is not met.

It has neither a magnetometer nor sensor fusion: of the payload modes it offers 21 alone. How a real one refuses is
known from third-party programs only (C): it reports an illegal command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ankled.drivers.errors import DecodeError
from ankled.drivers.movella_dot import device, message, payload
from ankled.drivers.movella_dot.clock import MODULUS_US
from ankled.simulators.peripherals.model import Advertising, AttError, Characteristic, Outgoing, Peripheral, Service

if TYPE_CHECKING:
    from ankled.simulators.peripherals.board import Board
    from ankled.simulators.peripherals.model import Property

_ADDRESS: Final = "D4:22:CD:00:A1:B2"
_FIRMWARE: Final = (2, 0, 0)
_SERIAL: Final = 0xD422CD00A1B2
_PRODUCT_CODE: Final = "XS-T02"
_RATES_HZ: Final = (*(round(rate) for rate in device.RATES_HZ), 120)
_TIMEOUT_MINUTES: Final = 30
_ACKNOWLEDGE_BYTES: Final = 160
_IDLE: Final = 0x06
_INVALID: Final = 0x02
_POWER_OFF: Final = 0x01
_MASKED: Final = (
    (0x02, ("power_options",)),
    (0x04, ("idle_min", "idle_s", "connected_min", "connected_s")),
    (0x08, ("tag",)),
)

_TABLE: Final[tuple[tuple[str, tuple[tuple[str, tuple[Property, ...]], ...]], ...]] = (
    (
        device.CONFIGURATION_SERVICE,
        (
            (device.DEVICE_INFO, ("read",)),
            (device.DEVICE_CONTROL, ("read", "write")),
            (device.DEVICE_REPORT, ("notify",)),
        ),
    ),
    (
        device.MEASUREMENT_SERVICE,
        (
            (device.MEASUREMENT_CONTROL, ("read", "write")),
            (device.LONG_PAYLOAD, ("notify",)),
            (device.MEDIUM_PAYLOAD, ("notify",)),
            (device.SHORT_PAYLOAD, ("notify",)),
        ),
    ),
    (device.BATTERY_SERVICE, ((device.BATTERY, ("read", "notify")),)),
    (
        device.MESSAGE_SERVICE,
        (
            (device.MESSAGE_CONTROL, ("write",)),
            (device.MESSAGE_ACKNOWLEDGE, ("read",)),
            (device.MESSAGE_NOTIFICATION, ("notify",)),
        ),
    ),
)
_SERVICES: Final = tuple(
    Service(
        uuid=service,
        characteristics=tuple(Characteristic(uuid=uuid, properties=properties) for uuid, properties in characteristics),
    )
    for service, characteristics in _TABLE
)


class SimulatedMovellaDot(Peripheral):
    """Movella DOT v2. With `synced` somebody has synchronised it before: its rate is fixed until that is stopped."""

    driver = "movella_dot"

    def __init__(self, board: Board, name: str = "Movella DOT", *, rate_hz: int = 60, synced: bool = False) -> None:
        """Put a board into a casing that advertises `name`."""
        super().__init__(board, name)
        self.control = device.Control(tag=name, output_rate_hz=rate_hz)
        self.synced = synced
        self.mode = payload.RATE_QUANTITIES
        self._waiting: list[Outgoing] = []
        self._acknowledged = b""
        self._told_percent = round(board.battery_percent)

    @property
    def services(self) -> tuple[Service, ...]:
        """The GATT table."""
        return _SERVICES

    @property
    def advertising(self) -> Advertising:
        """Its name and the vendor's company id; the services are not advertised."""
        return Advertising(name=self.name, manufacturer={device.COMPANY_ID: b""})

    def connect(self, mtu: int, now_s: float) -> None:
        """Begin a connection."""
        super().connect(mtu, now_s)
        self._told_percent = round(self.board.battery_percent)

    def disconnect(self, now_s: float) -> None:
        """End the connection and the measurement; settings and a synchronisation stay."""
        super().disconnect(now_s)
        self._waiting.clear()

    def reset(self, now_s: float) -> None:
        """Lose power for a moment."""
        super().reset(now_s)
        self.control = device.Control(tag=self.control.tag)
        self.synced = False

    def press(self, now_s: float) -> None:
        """Click the button once."""
        self._report(device.BUTTON, round(self.board.clock_s(now_s) * 1000.0))

    def read(self, characteristic: str, now_s: float) -> bytes:
        """Return the value of a characteristic. Raises AttError."""
        if characteristic == device.DEVICE_INFO:
            return device.encode_info(_ADDRESS, _FIRMWARE, _SERIAL, _PRODUCT_CODE)
        if characteristic == device.DEVICE_CONTROL:
            return device.encode_control(self.control)
        if characteristic == device.MEASUREMENT_CONTROL:
            return device.encode_measurement(self.mode, start=self.board.running)
        if characteristic == device.BATTERY:
            return device.encode_battery(self.board.battery_percent)
        if characteristic == device.MESSAGE_ACKNOWLEDGE:
            return self._acknowledged.ljust(_ACKNOWLEDGE_BYTES, b"\0")
        return super().read(characteristic, now_s)

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Take a command. Raises AttError for a value that is too short or too long."""
        takes = {
            device.DEVICE_CONTROL: self._configure,
            device.MEASUREMENT_CONTROL: self._measure,
            device.MESSAGE_CONTROL: self._message,
        }
        take = takes.get(characteristic)
        if take is None:
            raise AttError(AttError.WRITE_NOT_PERMITTED)
        if self.refusals > 0:
            self.refusals -= 1
            self._report(device.ILLEGAL_COMMAND)
            return
        take(data, now_s)

    def _configure(self, data: bytes, now_s: float) -> None:
        """Change what the mask marks; the rate and the filter only while nothing is measured or synchronised."""
        try:
            asked = device.decode_control(data)
        except DecodeError:
            raise AttError(AttError.INVALID_LENGTH) from None
        changes: dict[str, object] = {}
        for bit, fields in _MASKED:
            if asked.visit & bit:
                changes |= {field: getattr(asked, field) for field in fields}
        fixed = self.board.running or self.synced
        for bit, field, allowed in ((0x10, "output_rate_hz", _RATES_HZ), (0x20, "filter_profile", (0, 1))):
            if asked.visit & bit:
                value = getattr(asked, field)
                if fixed or value not in allowed:
                    self._report(device.ILLEGAL_COMMAND)
                    return
                changes[field] = value
        if max(asked.idle_min, asked.connected_min) > _TIMEOUT_MINUTES:
            changes = {key: value for key, value in changes.items() if not key.startswith(("idle", "connected"))}
        self.control = msgspec.structs.replace(self.control, **changes)
        if asked.visit & 0x02 and asked.power_options & _POWER_OFF:
            self._report(device.POWER_OFF)
            self.board.halt(now_s)

    def _measure(self, data: bytes, now_s: float) -> None:
        """Start or stop a measurement."""
        if len(data) != len(device.encode_measurement(0, start=False)):
            raise AttError(AttError.INVALID_LENGTH)
        try:
            start, mode = device.decode_measurement(data)
        except DecodeError:
            self._report(device.ILLEGAL_COMMAND)
            return
        rate_hz = self.control.output_rate_hz
        if not start:
            self.board.halt(now_s)
        elif self.board.running:
            self._report(device.BUSY)
        elif mode != payload.RATE_QUANTITIES or rate_hz not in device.RATES_HZ:
            self._report(device.ILLEGAL_COMMAND)
        else:
            self.mode = mode
            self.board.begin(float(rate_hz), now_s)

    def _message(self, data: bytes, now_s: float) -> None:  # noqa: ARG002  (in the form of the others)
        """Take a message; what is no command is acknowledged as invalid."""
        try:
            mid, identifier, rest = message.split(data)
        except DecodeError:
            self._acknowledged = message.encode(message.RECORDING, message.RECORDING_ACK, bytes((_INVALID,)))
            return
        echo = bytes((identifier,)) + rest
        if mid == message.SYNCHRONISATION and identifier == message.GET_SYNC_STATUS:
            self._notify(message.SYNC_STATUS, message.SYNCED if self.synced else message.NOT_SYNCED)
        elif mid == message.SYNCHRONISATION and identifier == message.STOP_SYNC:
            self._notify(message.STOP_SYNC_RESULT, 0 if self.synced else 1)
            self.synced = False
        elif mid == message.SYNCHRONISATION and identifier == message.START_SYNC:
            self.synced = True
            self._acknowledged = message.encode(mid, message.SYNC_ACK, b"\0" + echo)
        else:
            result = _IDLE if (mid, identifier) == (message.RECORDING, message.GET_STATE) else _INVALID
            self._acknowledged = message.encode(message.RECORDING, message.RECORDING_ACK, bytes((result,)) + echo)

    def _notify(self, identifier: int, value: int) -> None:
        data = message.encode(message.SYNCHRONISATION, identifier, bytes((value,)))
        self._waiting.append(Outgoing(characteristic=device.MESSAGE_NOTIFICATION, data=data))

    def _report(self, kind: int, clock_ms: int | None = None) -> None:
        data = device.encode_report(kind, clock_ms)
        self._waiting.append(Outgoing(characteristic=device.DEVICE_REPORT, data=data))

    def advance(self, now_s: float) -> list[Outgoing]:
        """Return everything that is ready; what nobody subscribed to, or what no packet can hold, is lost."""
        percent = round(self.board.battery_percent)
        if percent != self._told_percent:
            self._told_percent = percent
            self._waiting.append(Outgoing(characteristic=device.BATTERY, data=device.encode_battery(percent)))
        outgoing = self._waiting + self._samples(now_s)
        self._waiting = []
        return [out for out in outgoing if out.characteristic in self.subscribed and len(out.data) <= self.mtu - 3]

    def _samples(self, now_s: float) -> list[Outgoing]:
        count = self.board.ready(now_s)
        if count <= 0:
            return []
        taken = self.board.take(count)
        stamps = np.rint(taken.time_s * 1e6).astype(np.int64) % MODULUS_US
        values = payload.encode_rates(stamps.tolist(), taken.acc, taken.gyr)
        return [Outgoing(characteristic=device.MEDIUM_PAYLOAD, data=data) for data in values]
