"""Measurement payloads of Movella DOT: which fields each mode has, from bytes and to bytes.

Source: Xsens DOT BLE Services Specifications XD0506P rev F, 3.2 to 3.5 (A); mode 26 from node-movella-dot (C).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from ankled.drivers.errors import DecodeError
from ankled.drivers.units import DEG_RAD, G_MPS2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ankled.drivers.messages import Value
    from ankled.drivers.samples import FloatArray

Length = Literal["short", "medium", "long"]

RATE_QUANTITIES: Final = 21
ACC_RANGE_G: Final = 16.0
GYR_RANGE_DPS: Final = 2000.0

SIZES: Final[dict[Length, int]] = {"short": 20, "medium": 40, "long": 63}
"""Bytes of a value of each characteristic: payloads are filled up with zeros (A; B by a capture of mode 6)."""

USUAL_MODES: Final[dict[Length, int]] = {"short": 6, "medium": RATE_QUANTITIES, "long": 26}
"""What a payload characteristic is taken to send where nobody says which mode was started."""

# Names with units, and their form in `struct`. Angular rates are sent in deg/s, the magnetic field in 1/4096 a.u.
_FORMS: Final = {
    "quaternion": "4f",
    "euler_deg": "3f",
    "free_acc_mps2": "3f",
    "dq": "4f",
    "dv_mps": "3f",
    "acc_mps2": "3f",
    "gyr_dps": "3f",
    "mag_au": "3h",
    "status": "H",
    "clip_count_acc": "B",
    "clip_count_gyr": "B",
}
_MAG_SCALE: Final = 4096.0

_STATUS_BITS: Final = (
    *(f"clip_{sensor}_{axis}" for sensor in ("acc", "gyr", "mag") for axis in "xyz"),
    "mag_is_new",
)
_CLIPS: Final = ("status", "clip_count_acc", "clip_count_gyr")

# Beyond twice the range it is no reading: calibration alters one by a few percent.
_ACC_LIMIT_MPS2: Final = 2.0 * ACC_RANGE_G * G_MPS2
_GYR_LIMIT_DPS: Final = 2.0 * GYR_RANGE_DPS


_F32_MAX: Final = float(np.finfo(np.float32).max)


class Layout(NamedTuple):
    """One payload mode: its name, the characteristic that sends it, and its fields behind the time stamp."""

    name: str
    length: Length
    fields: tuple[str, ...]

    @property
    def packed(self) -> struct.Struct:
        """Its bytes."""
        return struct.Struct("<I" + "".join(_FORMS[field] for field in self.fields))


LAYOUTS: Final[dict[int, Layout]] = {
    2: Layout("extended quaternion", "medium", ("quaternion", "free_acc_mps2", *_CLIPS)),
    3: Layout("complete quaternion", "medium", ("quaternion", "free_acc_mps2")),
    4: Layout("orientation euler", "short", ("euler_deg",)),
    5: Layout("orientation quaternion", "short", ("quaternion",)),
    6: Layout("free acceleration", "short", ("free_acc_mps2",)),
    7: Layout("extended euler", "medium", ("euler_deg", "free_acc_mps2", *_CLIPS)),
    16: Layout("complete euler", "medium", ("euler_deg", "free_acc_mps2")),
    18: Layout("delta quantities with mag", "medium", ("dq", "dv_mps", "mag_au")),
    19: Layout("delta quantities", "medium", ("dq", "dv_mps")),
    20: Layout("rate quantities with mag", "medium", ("acc_mps2", "gyr_dps", "mag_au")),
    21: Layout("rate quantities", "medium", ("acc_mps2", "gyr_dps")),
    22: Layout("custom 1", "medium", ("euler_deg", "free_acc_mps2", "gyr_dps")),
    23: Layout("custom 2", "medium", ("euler_deg", "free_acc_mps2", "mag_au")),
    24: Layout("custom 3", "medium", ("quaternion", "gyr_dps")),
    26: Layout("custom 5", "long", ("quaternion", "acc_mps2", "gyr_dps")),
}
"""The modes with a public layout. 1, 17 and 25 can only be unpacked by the vendor's closed SDK."""

_PACKED: Final = {mode: layout.packed for mode, layout in LAYOUTS.items()}
_RATES: Final = np.dtype([("us", "<u4"), ("acc", "<f4", (3,)), ("gyr", "<f4", (3,)), ("padding", "V12")])


class Payload(NamedTuple):
    """One payload: `time_us` (u32, wraps after 71.6 min), raw `acc` and `gyr` (1, 3) in SI units, and the rest."""

    time_us: int
    acc: FloatArray | None
    gyr: FloatArray | None
    others: dict[str, Value]
    padding: int


def decode(mode: int, data: bytes) -> Payload:
    """Return the content of one value of a payload characteristic. Raises DecodeError.

    `acc` is None where the mode has none but gravity-free acceleration in the earth frame, `gyr` where it has none.
    `padding` is the number that the bytes behind the payload make: 0, says the document.
    """
    packed = _PACKED.get(mode)
    if packed is None:
        raise DecodeError(f"payload mode {mode} has no public layout; allowed are {', '.join(map(str, LAYOUTS))}")
    layout = LAYOUTS[mode]
    if not packed.size <= len(data) <= SIZES[layout.length]:
        raise DecodeError(
            f"a payload of mode {mode} ({layout.name}) has {len(data)} bytes; allowed are {packed.size} to "
            f"{SIZES[layout.length]}"
        )
    time_us, *numbers = packed.unpack_from(data)
    acc = gyr = None
    others: dict[str, Value] = {}
    at = 0
    for field in layout.fields:
        count = int(_FORMS[field][:-1] or 1)
        part = numbers[at : at + count]
        at += count
        if field == "acc_mps2":
            acc = np.array([_checked(field, part, _ACC_LIMIT_MPS2)])
        elif field == "gyr_dps":
            gyr = np.array([_checked(field, part, _GYR_LIMIT_DPS)]) * DEG_RAD
        elif field == "mag_au":
            others[field] = [number / _MAG_SCALE for number in part]
        elif field == "status":
            others[field] = [name for bit, name in enumerate(_STATUS_BITS) if part[0] >> bit & 1]
        else:
            checked = _checked(field, part, _F32_MAX)
            others[field] = list(checked) if count > 1 else checked[0]
    return Payload(time_us, acc, gyr, others, int.from_bytes(data[packed.size :], "little"))


def _checked(field: str, numbers: Sequence[float], limit: float) -> list[float]:
    """Return the numbers of a field. Raises DecodeError where one is not finite or beyond the limit."""
    for number in numbers:
        if not -limit <= number <= limit:
            raise DecodeError(f"{field} is {number:g}; allowed are numbers between {-limit:g} and {limit:g}")
    return list(numbers)


def encode(mode: int, time_us: int, values: Mapping[str, Sequence[float]], *, padded: bool = True) -> bytes:
    """Return the value of a payload characteristic; `values` are named as the fields, a status as one number."""
    layout = LAYOUTS[mode]
    numbers: list[float] = []
    for field in layout.fields:
        scale = _MAG_SCALE if field == "mag_au" else 1.0
        whole = _FORMS[field][-1] != "f"
        numbers += [round(number * scale) if whole else number for number in values[field]]
    data = _PACKED[mode].pack(time_us, *numbers)
    return data.ljust(SIZES[layout.length], b"\0") if padded else data


def encode_rates(time_us: Sequence[int], acc_mps2: FloatArray, gyr_rad_s: FloatArray) -> list[bytes]:
    """Return one value of mode 21 for each sample: acc (n, 3) and gyr (n, 3) saturated at 16 g and 2000 deg/s."""
    values = np.zeros(len(time_us), dtype=_RATES)
    values["us"] = time_us
    values["acc"] = np.clip(acc_mps2, -ACC_RANGE_G * G_MPS2, ACC_RANGE_G * G_MPS2)
    values["gyr"] = np.clip(gyr_rad_s / DEG_RAD, -GYR_RANGE_DPS, GYR_RANGE_DPS)
    data, size = values.tobytes(), _RATES.itemsize
    return [data[at : at + size] for at in range(0, len(data), size)]
