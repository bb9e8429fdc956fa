"""Polar Measurement Data service: its control point, both ways.

Sources: `online_measurement.pdf` and `documentation/` of polarofficial/polar-ble-sdk (A, unless marked), issues of that
repository in which users show bytes of real devices (B). The PDF has two errata: one of its service UUIDs lacks the
last digit, and one figure reads the bytes 45 FF as -184 (they are -187).
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from ankled.drivers.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SERVICE: Final = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL: Final = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA: Final = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

COMPANY: Final = 0x006B
"""Polar Electro Oy in advertisements (B: real H10 and Verity Sense in issues of several projects)."""
MIN_MTU: Final = 232
"""Frames are as long as this allows, and streams do not start below it (B: issues #287 and #439)."""

ACC: Final = 2
GYRO: Final = 5
SDK_MODE: Final = 9
TYPES: Final = (
    "ECG", "PPG", "ACC", "PPI", "", "GYRO", "MAG", "SKIN_TEMPERATURE", "", "SDK_MODE", "LOCATION", "PRESSURE",
    "TEMPERATURE", "OFFLINE_RECORDING", "OFFLINE_HR",
)  # fmt: skip
"""Measurement types by number; the bits of the features count alike."""
_TYPE_MASK = 0x3F
"""The bits above tell offline recordings from live streams."""

GET_SETTINGS: Final = 1
START: Final = 2
STOP: Final = 3
GET_SDK_SETTINGS: Final = 4
OPERATIONS: Final = (
    "", "get settings", "start", "stop", "get SDK mode settings", "get status", "get SDK mode status",
    "get offline trigger status", "set offline trigger mode", "set offline trigger settings",
)  # fmt: skip

OK: Final = 0
INVALID_OPERATION: Final = 1
INVALID_TYPE: Final = 2
NOT_SUPPORTED: Final = 3
INVALID_LENGTH: Final = 4
INVALID_PARAMETER: Final = 5
ALREADY: Final = 6
INVALID_RESOLUTION: Final = 7
INVALID_RATE: Final = 8
INVALID_RANGE: Final = 9
INVALID_MTU: Final = 10
INVALID_CHANNELS: Final = 11
INVALID_STATE: Final = 12
IN_CHARGER: Final = 13
STATUSES: Final = (
    "ok", "invalid operation", "invalid measurement type", "not supported", "invalid length", "invalid parameter",
    "already in that state", "invalid resolution", "invalid sample rate", "invalid range",
    "the MTU of the link is too small", "invalid number of channels", "invalid state", "the device is in its charger",
    "its disk is full",
)  # fmt: skip

_FEATURES = 0x0F
_ANSWER = 0xF0
_STOPPED = 0x01
_HEAD = 4
"""Answer: F0, operation, type, status; then a byte that is not 0 if more follows, and parameters."""
FEATURES_SIZE: Final = 17

SAMPLE_RATE: Final = 0
RESOLUTION: Final = 1
RANGE: Final = 2
CHANNELS: Final = 4
FACTOR: Final = 5
_SETTINGS: Final = {
    SAMPLE_RATE: ("sample_rate_hz", struct.Struct("<H")),
    RESOLUTION: ("resolution_bits", struct.Struct("<H")),
    RANGE: ("range", struct.Struct("<H")),
    3: ("range_milliunit", struct.Struct("<i")),
    CHANNELS: ("channels", struct.Struct("<B")),
    FACTOR: ("factor", struct.Struct("<f")),
    6: ("security", struct.Struct("<16s")),
}
"""Name and form of the values of each setting. A range is in g for ACC and in deg/s for GYRO."""

Settings: TypeAlias = dict[int, list[float]]
"""Values by the number of the setting."""


class Answer(msgspec.Struct, frozen=True):
    """What the control point answers. `more`: the parameters go on in the next answer."""

    operation: int
    type: int
    status: int
    more: bool = False
    parameters: bytes = b""


class Stopped(msgspec.Struct, frozen=True):
    """The device has stopped these streams on its own."""

    types: tuple[int, ...]


class Features(msgspec.Struct, frozen=True):
    """The measurement types that a device has."""

    types: tuple[int, ...]


def type_name(number: int) -> str:
    """Return the name of a measurement type, or its number where it has none."""
    return (TYPES[number] if number < len(TYPES) else "") or f"type {number}"


def operation_name(number: int) -> str:
    """Return what an operation does, or its number."""
    return (OPERATIONS[number] if number < len(OPERATIONS) else "") or f"operation {number}"


def status_name(number: int) -> str:
    """Return what a status means, or its number."""
    return STATUSES[number] if number < len(STATUSES) else f"status {number}"


def command(operation: int, type_: int, settings: Iterable[tuple[int, float]] = ()) -> bytes:
    """Return a command, with one value for each setting, in the order given: the device takes any."""
    return bytes((operation, type_)) + encode_settings((key, [value]) for key, value in settings)


def decode_settings(data: bytes) -> Settings:
    """Return settings of number u8, count u8, values. A block of one byte is empty: the H10 ends a start with 01."""
    settings: Settings = {}
    if len(data) <= 1:
        return settings
    at = 0
    while at < len(data):
        if (known := _SETTINGS.get(data[at])) is None:
            raise DecodeError(f"setting {data[at]} at byte {at} is not known; allowed are 0 to {max(_SETTINGS)}")
        name, form = known
        count = data[at + 1] if at + 1 < len(data) else 0
        end = at + 2 + count * form.size
        if end > len(data):
            raise DecodeError(f"{name} at byte {at} needs {end - at} bytes; the settings end after {len(data) - at}")
        values = [value for (value,) in form.iter_unpack(data[at + 2 : end])]
        if wrong := [value for value in values if data[at] == FACTOR and not math.isfinite(value)]:
            raise DecodeError(f"the factor is {wrong[0]:g}; allowed are finite numbers")
        if form.format != "<16s":  # the key of an offline recording is not for us
            settings[data[at]] = values
        at = end
    return settings


def encode_settings(settings: Iterable[tuple[int, Sequence[float]]]) -> bytes:
    """Return settings as they are sent."""
    out = bytearray()
    for key, values in settings:
        form = _SETTINGS[key][1]
        out += bytes((key, len(values)))
        for value in values:
            out += form.pack(value if key == FACTOR else round(value))
    return bytes(out)


def named(settings: Settings) -> dict[str, list[float]]:
    """Return settings by their names."""
    return {_SETTINGS[key][0]: values for key, values in settings.items()}


def decode_control(data: bytes) -> Answer | Stopped | Features:
    """Return what the control point says: by indication an answer or that streams have stopped, read its features."""
    if not data:
        raise DecodeError("the control point says nothing; an answer has at least 4 bytes")
    match data[0]:
        case 0x0F:
            if len(data) < 2:  # noqa: PLR2004  (the mark and eight bits)
                raise DecodeError("the features end after their mark 0f; at least one byte of bits must follow")
            bits = int.from_bytes(data[1:], "little")
            return Features(tuple(number for number, name in enumerate(TYPES) if name and bits >> number & 1))
        case 0xF0:
            if len(data) < _HEAD:
                raise DecodeError(f"an answer has at least {_HEAD} bytes, this one {len(data)}")
            more, parameters = data[3] == OK and data[_HEAD : _HEAD + 1] > b"\0", data[_HEAD + 1 :]
            return Answer(data[1], data[2] & _TYPE_MASK, data[3], more, parameters if data[3] == OK else b"")
        case 0x01:
            if len(data) == 1:
                raise DecodeError("streams have stopped but none is named; at least one type must follow")
            return Stopped(tuple(byte & _TYPE_MASK for byte in data[1:]))
    raise DecodeError(f"0x{data[0]:02x} is no message of the control point; it begins with f0, 01 or 0f")


def encode_answer(answer: Answer, size: int) -> list[bytes]:
    """Return an answer as indications of at most `size` bytes. Errors are sent without parameters."""
    head = bytes((_ANSWER, answer.operation, answer.type, answer.status))
    rest = answer.parameters if answer.status == OK else b""
    step = size - len(head) - 1
    parts = [rest[at : at + step] for at in range(0, len(rest), step)] or [b""]
    return [head + bytes((number < len(parts),)) + part for number, part in enumerate(parts, 1)]


def encode_stopped(types: Iterable[int]) -> bytes:
    """Return the message that streams have stopped."""
    return bytes((_STOPPED, *types))


def encode_features(types: Iterable[int]) -> bytes:
    """Return the value of the control point."""
    bits = sum(1 << number for number in types)
    return bytes((_FEATURES,)) + bits.to_bytes(FEATURES_SIZE - 1, "little")
