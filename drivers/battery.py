"""The Battery Service of the Bluetooth SIG: charge and state of a battery, on any device that has it.

Sources: Battery Service 1.1 and the GATT Specification Supplement (level A: official, and two public implementations
agree). Events: `battery` {"level": percent} for 2A19 and for a status that carries a level; `status` for 2BED, keys as
in `BatteryStatus`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import msgspec

from ankled.drivers import messages as m
from ankled.drivers.driver import Driver, DriverInfo
from ankled.drivers.errors import DecodeError
from ankled.drivers.uuids import sig

if TYPE_CHECKING:
    from ankled.drivers.messages import DriverInput, DriverOutput

SERVICE: Final = sig(0x180F)
LEVEL: Final = sig(0x2A19)
STATUS: Final = sig(0x2BED)

READ_AGAIN_S: Final = 300.0
"""How often the level is read where the device does not send it by itself."""
_TRIES = 3
_FULL = 100

Power = Literal["no", "yes", "unknown"]
ChargeState = Literal["unknown", "charging", "discharging_active", "discharging_inactive"]
ChargeLevel = Literal["unknown", "good", "low", "critical"]
ChargingType = Literal["unknown", "constant_current", "constant_voltage", "trickle", "float"]

_POWER: tuple[Power, ...] = ("no", "yes", "unknown", "unknown")
_STATES: tuple[ChargeState, ...] = ("unknown", "charging", "discharging_active", "discharging_inactive")
_LEVELS: tuple[ChargeLevel, ...] = ("unknown", "good", "low", "critical")
_TYPES: tuple[ChargingType, ...] = ("unknown", "constant_current", "constant_voltage", "trickle", "float")
_FAULTS = ("battery", "external_power", "other")

_HAS_IDENTIFIER, _HAS_LEVEL, _HAS_MORE = 1, 2, 4


class BatteryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What 2BED says. `level_percent`, `identifier`, `service_required`, `battery_fault`: None where it is not said."""

    battery_present: bool
    charge_state: ChargeState = "unknown"
    charge_level: ChargeLevel = "unknown"
    wired_power: Power = "no"
    wireless_power: Power = "no"
    charging_type: ChargingType = "unknown"
    charging_faults: tuple[str, ...] = ()
    identifier: int | None = None
    level_percent: int | None = None
    service_required: Power | None = None
    battery_fault: bool | None = None


def decode_level(data: bytes) -> int:
    """Return the charge in percent of 2A19."""
    if len(data) != 1:
        raise DecodeError(f"a battery level has 1 byte, this one {len(data)}")
    return _percent(data[0])


def encode_level(percent: int) -> bytes:
    """Return the value of 2A19."""
    return bytes([_percent(percent)])


def _percent(value: int) -> int:
    if not 0 <= value <= _FULL:
        raise DecodeError(f"the battery level is {value}; allowed are 0 to 100 percent")
    return value


def decode_status(data: bytes) -> BatteryStatus:
    """Return what 2BED says: flags u8, power state u16, and by the flags identifier u16, level u8, more u8."""
    flags = data[0] if data else 0
    needed = 3 + 2 * bool(flags & _HAS_IDENTIFIER) + bool(flags & _HAS_LEVEL) + bool(flags & _HAS_MORE)
    if len(data) < needed:
        raise DecodeError(f"the battery status has {len(data)} bytes; its flags 0x{flags:02x} promise {needed}")
    power = int.from_bytes(data[1:3], "little")
    at = 3
    identifier = level = more = None
    if flags & _HAS_IDENTIFIER:
        identifier = int.from_bytes(data[at : at + 2], "little")
        at += 2
    if flags & _HAS_LEVEL:
        level = _percent(data[at])
        at += 1
    if flags & _HAS_MORE:
        more = data[at]
    kind = power >> 9 & 7
    return BatteryStatus(
        battery_present=bool(power & 1),
        wired_power=_POWER[power >> 1 & 3],
        wireless_power=_POWER[power >> 3 & 3],
        charge_state=_STATES[power >> 5 & 3],
        charge_level=_LEVELS[power >> 7 & 3],
        charging_type=_TYPES[kind] if kind < len(_TYPES) else "unknown",
        charging_faults=tuple(name for bit, name in enumerate(_FAULTS) if power >> 12 + bit & 1),
        identifier=identifier,
        level_percent=level,
        service_required=None if more is None else _POWER[more & 3],
        battery_fault=None if more is None else bool(more & 4),
    )


def encode_status(status: BatteryStatus) -> bytes:
    """Return the value of 2BED."""
    power = (
        status.battery_present
        | _POWER.index(status.wired_power) << 1
        | _POWER.index(status.wireless_power) << 3
        | _STATES.index(status.charge_state) << 5
        | _LEVELS.index(status.charge_level) << 7
        | _TYPES.index(status.charging_type) << 9
        | sum(1 << 12 + bit for bit, name in enumerate(_FAULTS) if name in status.charging_faults)
    )
    flags, rest = 0, b""
    if status.identifier is not None:
        flags |= _HAS_IDENTIFIER
        rest += struct.pack("<H", status.identifier)
    if status.level_percent is not None:
        flags |= _HAS_LEVEL
        rest += encode_level(status.level_percent)
    if status.service_required is not None:
        flags |= _HAS_MORE
        rest += bytes([_POWER.index(status.service_required) | bool(status.battery_fault) << 2])
    return struct.pack("<BH", flags, power) + rest


class BatteryState(msgspec.Struct):
    """`failures` counts reads of the level that failed, one after the other."""

    failures: int = 0


class Battery(Driver[BatteryState]):
    """Reads the level, asks to be told of changes, and reads it again now and then where that is refused."""

    info = DriverInfo(
        name="battery",
        title="Battery Service (Bluetooth SIG)",
        kind="service",
        services=(SERVICE,),
        characteristics={"level": LEVEL, "status": STATUS},
    )
    State: ClassVar = BatteryState

    def start(self) -> list[DriverOutput]:
        """Read and subscribe; the status is optional in the service, so its errors are none."""
        return [
            m.Read(characteristic=LEVEL),
            m.Subscribe(characteristic=LEVEL),
            m.Read(characteristic=STATUS),
            m.Subscribe(characteristic=STATUS),
        ]

    def feed(self, item: DriverInput) -> list[DriverOutput]:
        """Take one input and return what follows."""
        match item:
            case m.ReadResult(characteristic=uuid, error=str() as error):
                return self._unread(error) if uuid == LEVEL else []
            case m.Notification(characteristic=uuid, data=data) | m.ReadResult(characteristic=uuid, data=data):
                return self._value(uuid, data)
            case m.WriteResult(characteristic=uuid, error=str()) if uuid == LEVEL:
                return [m.Deadline(name="read_again", after_s=READ_AGAIN_S)]
            case m.Timeout(name="read_again"):
                return [m.Read(characteristic=LEVEL), m.Deadline(name="read_again", after_s=READ_AGAIN_S)]
        return []

    def _unread(self, error: str) -> list[DriverOutput]:
        """Say that the level could not be read; after a few times stop asking."""
        self.state.failures += 1
        after_s = READ_AGAIN_S if self.state.failures < _TRIES else None
        return [
            m.Event(name="error", value={"message": f"the battery level cannot be read: {error}"}),
            m.Deadline(name="read_again", after_s=after_s),
        ]

    def _value(self, uuid: str, data: bytes) -> list[DriverOutput]:
        if uuid == LEVEL:
            level = decode_level(data)
            self.state.failures = 0
            return [m.Event(name="battery", value={"level": level})]
        if uuid == STATUS:
            status = decode_status(data)
            said: list[DriverOutput] = [m.Event(name="status", value=msgspec.to_builtins(status))]
            if status.level_percent is not None:
                said.append(m.Event(name="battery", value={"level": status.level_percent}))
            return said
        return []
