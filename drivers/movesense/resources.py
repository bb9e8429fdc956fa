"""What the answers and data of resources hold, apart from the streams of motion: encoded and decoded.

Fields stand in the order of the vendor's API files, little-endian, without padding (B, captures of a Flash sensor).
An array of an `Info` or a `Config` is preceded by its count as u8; that of a measurement fills the payload (B). Keys
are the vendor's own; where it gives no unit, they say it. Layouts without a capture are marked (A: the API files).
"""

from __future__ import annotations

import math
import re
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ankled.drivers.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.drivers.messages import Value

ACC_INFO: Final = "/Meas/Acc/Info"
GYRO_INFO: Final = "/Meas/Gyro/Info"
IMU_CONFIG: Final = "/Meas/IMU/Config"
ENERGY: Final = "/System/Energy/Level"

_ONE, _COUNTED, _FILLS = "one", "counted", "fills"


class Field(NamedTuple):
    """One field: its key, the `struct` code of a value, and whether it is one value or an array, and of which kind."""

    key: str
    code: str
    form: str = _ONE

    @property
    def size(self) -> int:
        """Bytes of one value."""
        return struct.calcsize("<" + self.code)


_RATES = Field("SampleRates", "H", _COUNTED)
_LAYOUTS: Final = tuple(
    (re.compile(f"/?{path}", re.IGNORECASE), fields)
    for path, fields in (
        ("Meas/Acc/Info", (_RATES, Field("Ranges", "B", _COUNTED))),
        ("Meas/(Gyro|Magn)/Info", (_RATES, Field("Ranges", "H", _COUNTED))),
        (
            "Meas/IMU/Info",
            (
                _RATES,
                Field("AccRanges", "B", _COUNTED),
                Field("GyroRanges", "H", _COUNTED),
                Field("MagnRanges", "H", _COUNTED),
            ),
        ),
        ("Meas/Acc/Config", (Field("GRange", "B"),)),  # A
        ("Meas/Gyro/Config", (Field("DPSRange", "i"),)),  # A
        ("Meas/IMU/Config", (Field("AccRange", "B"), Field("GyroRange", "H"), Field("MagnRange", "H"))),  # A
        ("Meas/Temp", (Field("timestamp_ms", "I"), Field("kelvin", "f"))),
        ("Meas/Temp/Info", (Field("MinKelvin", "I"), Field("MaxKelvin", "I"), Field("Accuracy", "f"))),
        ("Meas/HR", (Field("average_bpm", "f"), Field("rr_ms", "H", _FILLS))),
        ("Meas/HR/Info", (Field("MinRrMs", "H"), Field("MaxRrMs", "H"), Field("Accuracy", "f"))),
        (r"Meas/ECG/\d+", (Field("timestamp_ms", "I"), Field("samples_counts", "i", _FILLS))),
        (r"Meas/ECG/\d+/mV", (Field("timestamp_ms", "I"), Field("samples_uV", "h", _FILLS))),
        (
            "Meas/ECG/Info",
            (
                _RATES,
                Field("ArraySize", "H"),
                Field("LowPassFilters", "H", _COUNTED),
                Field("HighPassFilters", "f", _COUNTED),
            ),
        ),
        ("Meas/ECG/Config", (Field("LowPassHz", "H"), Field("HighPassHz", "f"))),
        (
            "Time/Detailed",
            # relativeTime is in ms, whatever tickRate says (B, measured).
            (Field("utcTime_us", "Q"), Field("relativeTime", "I"), Field("tickRate", "I"), Field("accuracy", "I")),
        ),
        ("System/Energy/Level", (Field("level", "B"),)),
    )
)


@lru_cache(maxsize=64)
def layout(path: str) -> tuple[Field, ...] | None:
    """Return the fields of a resource, or None if they are not known."""
    return next((fields for pattern, fields in _LAYOUTS if pattern.fullmatch(path)), None)


def decode(path: str, payload: bytes) -> dict[str, Value]:
    """Return the fields of a resource by their keys. Raises DecodeError unless they take all bytes."""
    values: dict[str, Value] = {}
    at = 0
    for field in _known(path):
        count = 1
        if field.form == _COUNTED:
            _need(path, field.key, payload, at + 1)
            count = payload[at]
            at += 1
        elif field.form == _FILLS:
            count = (len(payload) - at) // field.size
        end = at + count * field.size
        _need(path, field.key, payload, end)
        read: list[Value] = list(struct.unpack_from(f"<{count}{field.code}", payload, at))
        if field.code == "f" and not all(isinstance(one, float) and math.isfinite(one) for one in read):
            raise DecodeError(f"{field.key} of {path} holds a number that is not finite")
        values[field.key] = read[0] if field.form == _ONE else read
        at = end
    if at != len(payload):
        raise DecodeError(f"{path} has {len(payload)} bytes; its fields take {at}")
    return values


def encode(path: str, values: Mapping[str, Any]) -> bytes:
    """Return the payload of a resource."""
    payload = b""
    for field in _known(path):
        value = values[field.key]
        several = [value] if field.form == _ONE else list(value)
        payload += bytes([len(several)]) if field.form == _COUNTED else b""
        payload += struct.pack(f"<{len(several)}{field.code}", *several)
    return payload


def numbers(values: Mapping[str, Value], key: str) -> list[float]:
    """Return an array of a decoded resource."""
    value = values.get(key)
    return [float(one) for one in value if isinstance(one, int | float)] if isinstance(value, list) else []


def _known(path: str) -> tuple[Field, ...]:
    fields = layout(path)
    if fields is None:
        raise DecodeError(f"what {path} holds is not known")
    return fields


def _need(path: str, key: str, payload: bytes, end: int) -> None:
    if end > len(payload):
        raise DecodeError(f"{path} has {len(payload)} bytes; with its {key} there must be {end}")
