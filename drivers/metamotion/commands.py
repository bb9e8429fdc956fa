"""What is written to a MetaMotion. Sources and levels as in `wire`, where nothing else is said."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ankled.drivers.errors import DecodeError
from ankled.drivers.metamotion import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.drivers.metamotion.wire import Sensor

_CONNECTION = struct.Struct("<4H")
_INTERVAL_STEP_MS = 1.25
_TIMEOUT_STEP_MS = 10.0

_CODES = 2
# What the SDK's configuration structures keep of the two bytes: the rate in four bits, the range in three or four.
_RATE_BITS, _RANGE_BITS = 0x0F, 0x0F

RESET: Final = bytes([wire.DEBUG, wire.DEBUG_RESET])
"""Restart the board, which also ends the connection."""

READ_BATTERY: Final = bytes([wire.SETTINGS, wire.READ | wire.BATTERY])

TEAR_DOWN: Final = (
    bytes([wire.PROCESSOR, wire.PROCESSOR_REMOVE_ALL]),
    bytes([wire.EVENTS, wire.EVENTS_REMOVE_ALL]),
    bytes([wire.LOGGING, wire.LOGGING_REMOVE_ALL]),
    bytes([wire.FUSION, wire.FUSION_ENABLE, 0]),
    bytes([wire.FUSION, wire.FUSION_OUTPUT, 0, 0x7F]),
)
"""Take away what an earlier connection may have left: the board keeps all of it when the link goes.

The first three are what the SDK tears down with, the others end the sensor fusion, which holds both sensors. What the
user stored in the board's memory (macros, logged data) is left alone.
"""


def read(module: int, register: int, *, silent: bool = False) -> bytes:
    """Return the command that reads a register; a silent read is answered inside the board only."""
    return bytes([module, register | (0xC0 if silent else wire.READ)])


def power(module: int, *, on: bool) -> bytes:
    """Let a sensor measure or rest; while it measures it cannot be configured."""
    return bytes([module, wire.POWER, on])


def interrupt(module: int, *, on: bool) -> bytes:
    """Let a sensor's samples through, or not: one byte is what to set, the other what to clear."""
    return bytes([module, wire.INTERRUPT, on, not on])


def notify(module: int, register: int, *, on: bool) -> bytes:
    """Ask for the values of a register, or no more."""
    return bytes([module, register, on])


def config(sensor: Sensor, rate_hz: float, full: float) -> bytes:
    """Return the command that sets rate and range (g or degrees per second); both must be offered."""
    return bytes([sensor.module, wire.CONFIG, sensor.rates[rate_hz], sensor.ranges[full]])


def parse_config(sensor: Sensor, data: bytes) -> tuple[float, float]:
    """Return rate in Hz and range in g or degrees per second of a configuration. Raises DecodeError."""
    if len(data) < 2 + _CODES:
        raise DecodeError(f"a configuration has 4 bytes or more, this one {len(data)}")
    rate = _of(sensor.rates, data[2], _RATE_BITS)
    full = _of(sensor.ranges, data[3], _RANGE_BITS)
    if rate is None or full is None:
        raise DecodeError(
            f"the {wire.MODULES[sensor.module]} is set to rate code 0x{data[2]:02x} and range code 0x{data[3]:02x}; "
            f"known are {_codes(sensor.rates)} and {_codes(sensor.ranges)}"
        )
    return rate, full


def start(sensor: Sensor) -> list[bytes]:
    """Return the commands after which packed samples come."""
    return [
        notify(sensor.module, sensor.packed, on=True),
        interrupt(sensor.module, on=True),
        power(sensor.module, on=True),
    ]


def stop(sensor: Sensor) -> list[bytes]:
    """Return the commands after which neither packed nor single samples come, in the reverse order."""
    return [
        power(sensor.module, on=False),
        interrupt(sensor.module, on=False),
        notify(sensor.module, sensor.packed, on=False),
        notify(sensor.module, sensor.single, on=False),
    ]


def connection(min_ms: float, max_ms: float, latency: int, timeout_ms: float) -> bytes:
    """Ask for connection intervals from `min_ms` to `max_ms`, in steps of 1.25 ms, and a supervision timeout."""
    steps = int(min_ms / _INTERVAL_STEP_MS), int(max_ms / _INTERVAL_STEP_MS)
    return bytes([wire.SETTINGS, wire.CONNECTION]) + _CONNECTION.pack(
        *steps, latency, int(timeout_ms / _TIMEOUT_STEP_MS)
    )


def accounter(module: int, register: int, width: int, *, count: bool = False) -> bytes:
    """Add a processor that puts a tick, or a count, of 4 bytes in front of a register's `width` bytes."""
    source = bytes([module, register, 0xFF, (width - 1) << 5])
    return bytes([wire.PROCESSOR, wire.PROCESSOR_ADD]) + source + bytes([0x11, 0x30 if count else 0x31, 3])


def _of(codes: Mapping[float, int], value: int, bits: int) -> float | None:
    return next((meaning for meaning, code in codes.items() if code & bits == value & bits), None)


def _codes(codes: Mapping[float, int]) -> str:
    return ", ".join(f"0x{code:02x}" for code in codes.values())
