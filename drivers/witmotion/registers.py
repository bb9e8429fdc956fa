"""Registers of WitMotion sensors: commands, replies, return rates and the battery.

Sources: [BLE] WT901BLECL datasheet v23-0420, [STD] WIT standard communication protocol, [SDK] WITMOTION's BWT901BLE5_0
SDK. Confidence: A vendor's document or SDK, B two independent programs or captures, C one third-party source.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ankled.drivers.errors import DecodeError

if TYPE_CHECKING:
    from ankled.drivers.messages import Value

# [BLE] 6.3 and [STD], A.
SAVE: Final = 0x00
RATE: Final = 0x03
READ: Final = 0x27
VERSION: Final = 0x2E
TIME: Final = 0x30
MAGNETIC: Final = 0x3A
TEMPERATURE: Final = 0x40
QUATERNION: Final = 0x51
BATTERY: Final = 0x64  # [SDK], A; not in the register table of [BLE]
KEY: Final = 0x69

# [BLE] 3.1 and 6.1.1, A: fixed, whatever the range registers of wired models may say.
ACC_RANGE_G: Final = 16.0
GYR_RANGE_DPS: Final = 2000.0

_COMMAND: Final = struct.Struct("<2sBH")
_COMMAND_HEAD: Final = b"\xff\xaa"  # [BLE] 6.2, A
_REPLY: Final = struct.Struct("<2sH8h")
_REPLY_HEAD: Final = b"\x55\x71"  # [BLE] 6.1.2, A
REPLY_VALUES: Final = 8

RATE_CODES: Final[dict[float, tuple[int, ...]]] = {
    1.0: (0x03,),
    2.0: (0x04,),
    5.0: (0x05,),
    10.0: (0x06,),
    20.0: (0x07,),
    50.0: (0x08,),
    100.0: (0x09,),
    200.0: (0x0A, 0x0B),
}
"""Codes of the return rates in Hz, the likeliest first.

[BLE] 6.2.4 and [STD] agree up to 100 Hz (A). For 200 Hz [BLE] has 0x0A and [STD] 0x0B (A, in conflict); one program for
BLE devices takes 0x0A for 125 Hz (C), and on old wired firmware it means one frame on demand (C). [BLE] is about these
very devices, so its code comes first; the other follows where the arrivals show a different rate. The document's 0.2
and 0.5 Hz are left out: nothing can be measured at such rates.
"""

PLAIN_CODES: Final = frozenset(range(0x03, 0x0A))
"""Codes that mean the same rate everywhere."""

# Percent when the voltage is above the one beside it. [SDK] and WITMOTION's support, A; one cell.
_ONE_CELL: Final = (
    (3.96, 100.0),
    (3.93, 90.0),
    (3.87, 75.0),
    (3.82, 60.0),
    (3.79, 50.0),
    (3.77, 40.0),
    (3.73, 30.0),
    (3.70, 20.0),
    (3.68, 15.0),
    (3.50, 10.0),
    (3.40, 5.0),
)
# The same for models with two cells. [SDK], A.
_TWO_CELLS: Final = ((8.8, 100.0), (8.5, 90.0), (7.75, 60.0), (7.35, 30.0), (6.8, 10.0), (6.5, 0.0))
_MOST_OF_ONE_CELL_V: Final = 5.5


def encode_command(register: int, value: int) -> bytes:
    """Return the command that writes `value` (u16) to a register; there is no acknowledgement."""
    return _COMMAND.pack(_COMMAND_HEAD, register, value)


def decode_command(data: bytes) -> tuple[int, int]:
    """Return register and value (u16) of a command. Raises DecodeError."""
    if len(data) != _COMMAND.size or data[:2] != _COMMAND_HEAD:
        raise DecodeError(f'"{data.hex()}" is no command; allowed are ff aa and three bytes: register, low, high')
    _, register, value = _COMMAND.unpack(data)
    return register, value


def read_command(register: int) -> bytes:
    """Return the command that has a register and the seven behind it sent."""
    return encode_command(READ, register)


UNLOCK: Final = encode_command(KEY, 0xB588)  # [STD], A; without it settings are not taken
SAVE_SETTINGS: Final = encode_command(SAVE, 0)  # [BLE] 6.2.3, A; without it settings end at power-off


def encode_reply(register: int, values: tuple[int, ...]) -> bytes:
    """Return the frame that answers a read: up to 8 values (i16) from a register on, zeros behind them."""
    return _REPLY.pack(_REPLY_HEAD, register, *values, *(0,) * (REPLY_VALUES - len(values)))


def decode_reply(frame: bytes) -> tuple[int, tuple[int, ...]]:
    """Return register and the 8 values (i16) of the frame that answers a read. Raises DecodeError."""
    if len(frame) != _REPLY.size or frame[:2] != _REPLY_HEAD:
        raise DecodeError(f'"{frame.hex()}" is no register reply; allowed are 55 71 and {_REPLY.size - 2} bytes')
    _, register, *values = _REPLY.unpack(frame)
    return register, tuple(values)


def battery_percent(volts: float) -> float | None:
    """Return the charge for a battery voltage by the vendor's tables, None where there is no battery voltage."""
    if volts <= 0.0:
        return None
    table = _ONE_CELL if volts <= _MOST_OF_ONE_CELL_V else _TWO_CELLS
    return next((percent for above, percent in table if volts > above), 0.0)


def battery_volts(percent: float) -> float:
    """Return the voltage, in steps of 0.01 V, at which a cell has this charge, or the next lower one of the table."""
    above = next((above for above, step in _ONE_CELL if percent >= step), _ONE_CELL[-1][0] - 0.1)
    return round(above + 0.01, 2)


def firmware(low: int, high: int) -> str:
    """Return the version as the vendor writes it: a number, or three of them where the highest of the 32 bits is set.

    [SDK], A: the three are bits 29 to 14, 12 to 8 and 6 to 0 of registers 0x2F (`high`) and 0x2E (`low`).
    """
    word = (high & 0xFFFF) << 16 | low & 0xFFFF
    return f"{word >> 14 & 0xFFFF}.{word >> 8 & 0x1F}.{word & 0x7F}" if word >> 31 else str(low & 0xFFFF)


def describe(register: int, values: tuple[int, ...]) -> dict[str, Value]:
    """Return a register reply with names and units for what the documents tell of.

    Keys: `start_register`, `values` (8 x i16) and, by register, `rate_code`, `version`, `mag_raw` (3),
    `temperature_deg_c`, `quaternion` (w, x, y, z) or `battery_v`.
    """
    told: dict[str, Value] = {"start_register": register, "values": list(values)}
    if register == RATE:
        told["rate_code"] = values[0]
    elif register == VERSION:  # [BLE] 6.1.2.4
        told["version"] = values[0] & 0xFFFF
    elif register == MAGNETIC:  # [BLE] 6.1.2.1: mG before the model's own scale
        told["mag_raw"] = list(values[:3])
    elif register == TEMPERATURE:  # [BLE] 6.1.2.3
        told["temperature_deg_c"] = values[0] / 100.0
    elif register == QUATERNION:  # [BLE] 6.1.2.2
        told["quaternion"] = [value / 32768.0 for value in values[:4]]
    elif register == BATTERY:  # [SDK]
        told["battery_v"] = values[0] / 100.0
    return told
