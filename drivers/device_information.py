"""The Device Information Service of the Bluetooth SIG: who made a device, and which version it is.

Sources: Device Information Service 1.1 and the GATT Specification Supplement (A). Some devices end their strings with
a NUL, which does not belong there (B, a captured SensorTag).

Events: one `info` for each value: `manufacturer`, `model`, `serial`, `firmware`, `hardware`, `software`, `system_id`.
The device's own name (2A00) and its clock (2A2B, Current Time Service) are decoded too but not read at the start: the
system keeps the one to itself, and the other tells nothing about samples.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from ankled.drivers import messages as m
from ankled.drivers.driver import Driver, DriverInfo
from ankled.drivers.errors import DecodeError, shown
from ankled.drivers.uuids import sig

if TYPE_CHECKING:
    from ankled.drivers.messages import DriverInput, DriverOutput, Value

SERVICE: Final = sig(0x180A)
SYSTEM_ID: Final = sig(0x2A23)
CURRENT_TIME: Final = sig(0x2A2B)
STRINGS: Final = {
    "manufacturer": sig(0x2A29),
    "model": sig(0x2A24),
    "serial": sig(0x2A25),
    "firmware": sig(0x2A26),
    "hardware": sig(0x2A27),
    "software": sig(0x2A28),
}
"""Strings of the service."""
NAME: Final = sig(0x2A00)

_TEXTS = {uuid: key for key, uuid in STRINGS.items()} | {NAME: "name"}
_SYSTEM_ID_BYTES = 8
_LONGEST = 512
_TIME = struct.Struct("<H8B")
_YEARS = (1582, 9999)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY = 2


class CurrentTime(msgspec.Struct, frozen=True, kw_only=True):
    """What 2A2B says. `datetime` is local time in ISO 8601, None when year, month or day are not known.

    `day_of_week` counts from Monday 1 to Sunday 7, None when not known. `adjust_reason` is a set of bits: 1 by hand,
    2 by an external reference, 4 change of the time zone, 8 change of daylight saving.
    """

    datetime: str | None
    day_of_week: int | None
    fractions256: int
    adjust_reason: int


def decode_text(data: bytes) -> str:
    """Return a string of the service, without the NUL that some devices end it with and all behind that."""
    try:
        return data.split(b"\0", 1)[0].decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"the text {shown(data)} is not UTF-8, from byte {error.start} on") from None


def encode_text(text: str, *, terminated: bool = False) -> bytes:
    """Return the value of a string; `terminated` with the NUL that does not belong there."""
    data = text.encode() + b"\0" * terminated
    if len(data) > _LONGEST:
        raise DecodeError(f"the text has {len(data)} bytes; an attribute holds at most {_LONGEST}")
    return data


def decode_system_id(data: bytes) -> str:
    """Return the system id as an EUI-64 is written: the company's 3 bytes first, then 5 of its own choice."""
    if len(data) != _SYSTEM_ID_BYTES:
        raise DecodeError(f"a system id has {_SYSTEM_ID_BYTES} bytes, this one {len(data)}")
    return data[::-1].hex(":")


def encode_system_id(text: str) -> bytes:
    """Return the value of 2A23."""
    return bytes.fromhex(text.replace(":", ""))[::-1]


def decode_current_time(data: bytes) -> CurrentTime:
    """Return what 2A2B says: year u16, month, day, hour, minute, second, weekday, fractions / 256 s, reason."""
    if len(data) != _TIME.size:
        raise DecodeError(f"a current time has {_TIME.size} bytes, this one {len(data)}")
    year, month, day, hour, minute, second, weekday, fractions, reason = _TIME.unpack(data)
    _within("hour", hour, 0, 23)
    _within("minute", minute, 0, 59)
    _within("second", second, 0, 59)
    _within("day of the week", weekday, 0, 7)
    if month:
        _within("month", month, 1, 12)
    if year:
        _within("year", year, *_YEARS)
    if day:
        leap = not year or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
        _within("day", day, 1, 31 if not month else _DAYS[month - 1] - (month == _FEBRUARY and not leap))
    known = year and month and day
    return CurrentTime(
        datetime=f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}" if known else None,
        day_of_week=weekday or None,
        fractions256=fractions,
        adjust_reason=reason,
    )


def encode_current_time(now: CurrentTime) -> bytes:
    """Return the value of 2A2B; without `datetime`, midnight of an unknown day."""
    date, _, time = (now.datetime or "0000-00-00T00:00:00").partition("T")
    parts = [int(part) for part in (*date.split("-"), *time.split(":"))]
    return _TIME.pack(*parts, now.day_of_week or 0, now.fractions256, now.adjust_reason)


def _within(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise DecodeError(f"the {what} of the current time is {value}; allowed are {low} to {high}")


class DeviceInformationState(msgspec.Struct):
    """Nothing has to be remembered."""


class DeviceInformation(Driver[DeviceInformationState]):
    """Reads every value once. None of them is mandatory, so one that cannot be read is no error."""

    info = DriverInfo(
        name="device_information",
        title="Device Information Service (Bluetooth SIG)",
        kind="service",
        services=(SERVICE,),
        characteristics={**STRINGS, "system_id": SYSTEM_ID, "name": NAME, "current_time": CURRENT_TIME},
    )
    State: ClassVar = DeviceInformationState

    def start(self) -> list[DriverOutput]:
        """Read everything the service may have."""
        return [m.Read(characteristic=uuid) for uuid in (*STRINGS.values(), SYSTEM_ID)]

    def feed(self, item: DriverInput) -> list[DriverOutput]:
        """Take one input and return what follows."""
        match item:
            case (
                m.ReadResult(characteristic=uuid, data=data, error=None)
                | m.Notification(characteristic=uuid, data=data)
            ):
                value = _value(uuid, data)
                return [m.Event(name="info", value=value)] if value else []
        return []


def _value(uuid: str, data: bytes) -> dict[str, Value]:
    """Return what a characteristic says; nothing for one that is not ours."""
    if uuid in _TEXTS:
        return {_TEXTS[uuid]: decode_text(data)}
    if uuid == SYSTEM_ID:
        return {"system_id": decode_system_id(data)}
    if uuid == CURRENT_TIME:
        return msgspec.structs.asdict(decode_current_time(data))
    return {}
