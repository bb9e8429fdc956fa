"""What a Movella DOT tells of itself and lets be set: information, control, reports, battery, measurement control.

Source: Xsens DOT BLE Services Specifications XD0506P rev F, chapters 2 to 4 (A), unless marked otherwise.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.drivers.errors import DecodeError

if TYPE_CHECKING:
    from ankled.drivers.messages import Value


def _uuid(short: int) -> str:
    return f"1517{short:04x}-4947-11e9-8646-d663bd873d93"


CONFIGURATION_SERVICE: Final = _uuid(0x1000)
DEVICE_INFO: Final = _uuid(0x1001)
DEVICE_CONTROL: Final = _uuid(0x1002)
DEVICE_REPORT: Final = _uuid(0x1004)
MEASUREMENT_SERVICE: Final = _uuid(0x2000)
MEASUREMENT_CONTROL: Final = _uuid(0x2001)
LONG_PAYLOAD: Final = _uuid(0x2002)
MEDIUM_PAYLOAD: Final = _uuid(0x2003)
SHORT_PAYLOAD: Final = _uuid(0x2004)
BATTERY_SERVICE: Final = _uuid(0x3000)
BATTERY: Final = _uuid(0x3001)
MESSAGE_SERVICE: Final = _uuid(0x7000)
MESSAGE_CONTROL: Final = _uuid(0x7001)
MESSAGE_ACKNOWLEDGE: Final = _uuid(0x7002)
MESSAGE_NOTIFICATION: Final = _uuid(0x7003)

COMPANY_ID: Final = 0x0886  # Xsens Technologies B.V.

RATES_HZ: Final = (1.0, 4.0, 10.0, 12.0, 15.0, 20.0, 30.0, 60.0)
"""Output rates that can be streamed; 120 Hz is for recordings inside the sensor alone."""

_INFO: Final = struct.Struct("<6s3BH5BIQ6s")
_CONTROL: Final = struct.Struct("<8B16sHB5x")
_MEASUREMENT: Final = struct.Struct("<3B")
_MEASUREMENT_TYPE: Final = 1
_REPORT_BYTES: Final = 36
_TAG_BYTES: Final = 16
_BATTERY_BYTES: Final = 2
_FULL_PERCENT: Final = 100

# 1, 4 and 5: A. 0, 2 and 3: node-movella-dot, C.
SUCCESS: Final = 0
POWER_OFF: Final = 1
BUSY: Final = 2
ILLEGAL_COMMAND: Final = 3
POWER_SAVING: Final = 4
BUTTON: Final = 5
REPORTS: Final = {
    SUCCESS: "success",
    POWER_OFF: "power off",
    BUSY: "busy",
    ILLEGAL_COMMAND: "illegal command",
    POWER_SAVING: "power saving",
    BUTTON: "button",
}
REFUSALS: Final = (BUSY, ILLEGAL_COMMAND)
_STAMP_BYTES: Final = (4, 8)


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """The device control characteristic. A write changes only what `visit` marks.

    Power saving begins after `idle_min` and `idle_s` without, `connected_min` and `connected_s` with a connection.
    """

    VISIT_OUTPUT_RATE = 0x10

    visit: int = 0
    identify: int = 0
    power_options: int = 0
    idle_min: int = 10
    idle_s: int = 0
    connected_min: int = 30
    connected_s: int = 0
    tag: str = "Xsens DOT"
    output_rate_hz: int = 60
    filter_profile: int = 0


def encode_control(control: Control) -> bytes:
    """Return the 32 bytes of the device control characteristic."""
    tag = control.tag.encode()[:_TAG_BYTES]
    return _CONTROL.pack(
        control.visit,
        control.identify,
        control.power_options,
        control.idle_min,
        control.idle_s,
        control.connected_min,
        control.connected_s,
        len(tag),
        tag,
        control.output_rate_hz,
        control.filter_profile,
    )


def decode_control(data: bytes) -> Control:
    """Return the content of the device control characteristic. Raises DecodeError."""
    _size("device control", data, _CONTROL.size)
    visit, identify, power, idle_min, idle_s, connected_min, connected_s, length, tag, rate, profile = _CONTROL.unpack(
        data
    )
    return Control(
        visit=visit,
        identify=identify,
        power_options=power,
        idle_min=idle_min,
        idle_s=idle_s,
        connected_min=connected_min,
        connected_s=connected_s,
        tag=_text(tag[: min(length, _TAG_BYTES)]),
        output_rate_hz=rate,
        filter_profile=profile,
    )


def rate_control(rate_hz: float) -> bytes:
    """Return the write that sets the output rate and nothing else."""
    return encode_control(Control(visit=Control.VISIT_OUTPUT_RATE, tag="", output_rate_hz=round(rate_hz)))


def encode_measurement(mode: int, *, start: bool) -> bytes:
    """Return the write that starts or stops a measurement, which is also how its state reads."""
    return _MEASUREMENT.pack(_MEASUREMENT_TYPE, start, mode)


def decode_measurement(data: bytes) -> tuple[bool, int]:
    """Return whether a measurement runs, and its payload mode. Raises DecodeError."""
    _size("measurement control", data, _MEASUREMENT.size)
    kind, action, mode = _MEASUREMENT.unpack(data)
    if kind != _MEASUREMENT_TYPE or action not in (0, 1):
        raise DecodeError(f"measurement control is {data.hex(' ')}; allowed are 01, then 00 or 01, then the mode")
    return bool(action), mode


def encode_info(address: str, firmware: tuple[int, int, int], serial: int, product_code: str) -> bytes:
    """Return the 34 bytes of the device information of a sensor built at the end of 2021."""
    octets = bytes.fromhex(address.replace(":", ""))[::-1]
    return _INFO.pack(octets, *firmware, 2021, 10, 28, 12, 0, 0, 0, serial, product_code.encode())


def decode_info(data: bytes) -> dict[str, Value]:
    """Return `address`, `firmware`, `built`, `soft_device`, `serial` and `product_code`. Raises DecodeError."""
    _size("device info", data, _INFO.size)
    octets, major, minor, revision, year, month, day, hour, minute, second, soft, serial, code = _INFO.unpack(data)
    return {
        "address": address(octets),
        "firmware": f"{major}.{minor}.{revision}",
        "built": f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}",
        "soft_device": soft,
        "serial": f"{serial:X}",
        "product_code": _text(code),
    }


def encode_battery(percent: float, *, charging: bool = False) -> bytes:
    """Return the two bytes of the battery characteristic."""
    return bytes((round(percent), charging))


def decode_battery(data: bytes) -> dict[str, Value]:
    """Return `level` in percent, None where it is none, and `charging`. Raises DecodeError."""
    _size("battery", data, _BATTERY_BYTES)
    return {"level": float(data[0]) if data[0] <= _FULL_PERCENT else None, "charging": data[1] != 0}


def encode_report(kind: int, clock_ms: int | None = None) -> bytes:
    """Return the 36 bytes of a report; `clock_ms` (u32) stands in that of the button."""
    stamp = b"" if clock_ms is None else b"\x04" + clock_ms.to_bytes(4, "little")
    return (bytes((kind,)) + stamp).ljust(_REPORT_BYTES, b"\0")


def decode_report(data: bytes) -> dict[str, Value]:
    """Return `code` and `report` in words, for the button also `clock_ms`. Raises DecodeError."""
    if not data or len(data) > _REPORT_BYTES:
        raise DecodeError(f"a device report has {len(data)} bytes; allowed are 1 to {_REPORT_BYTES}")
    kind = data[0]
    if kind not in REPORTS:
        known = ", ".join(f"{code} {name}" for code, name in REPORTS.items())
        raise DecodeError(f"a device report has type {kind}; allowed are {known}")
    told: dict[str, Value] = {"code": kind, "report": REPORTS[kind]}
    if kind == BUTTON:
        length = data[1] if len(data) > 1 else 0
        if length not in _STAMP_BYTES or len(data) < 2 + length:
            raise DecodeError(f"the time stamp of the button has {length} bytes; allowed are 4 and 8")
        told["clock_ms"] = int.from_bytes(data[2 : 2 + length], "little")
    return told


def address(octets: bytes) -> str:
    """Return a Bluetooth address from its six bytes, the last one first."""
    return ":".join(f"{octet:02X}" for octet in reversed(octets))


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", errors="replace")


def _size(what: str, data: bytes, size: int) -> None:
    if len(data) != size:
        raise DecodeError(f"{what} has {len(data)} bytes; allowed are {size}")
