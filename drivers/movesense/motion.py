"""Payloads of the motion streams, whole and in parts: encoded and decoded.

A payload is the time of its first sample, u32 in ms since the sensor began, then one array after the other: all
accelerations in m/s2, all angular rates in deg/s, all magnetic fields in uT, each value f32 (A, the API files; B,
captures). There is no count: the length tells how many samples there are.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from ankled.drivers.errors import DecodeError
from ankled.drivers.movesense.wire import FIRST, PART_BYTES, THIRD
from ankled.drivers.units import DEG_RAD, G_MPS2

if TYPE_CHECKING:
    from ankled.drivers.samples import FloatArray

_ARRAYS: Final = {
    "acc": ("acc",),
    "gyro": ("gyr",),
    "magn": ("magn",),
    "imu6": ("acc", "gyr"),
    "imu6m": ("acc", "magn"),
    "imu9": ("acc", "gyr", "magn"),
}
_PATH = re.compile(r"/?Meas/(Acc|Gyro|Magn|IMU6|IMU6m|IMU9)/([1-9]\d{0,4})", re.IGNORECASE)

STAMP_BYTES: Final = 4
_VECTOR_BYTES = 12
_LONGEST_BYTES = 2048

_LIMITS: Final = {
    "acc": ("an acceleration", "m/s2", 20.0 * G_MPS2),
    "gyr": ("an angular rate", "deg/s", 2500.0),
    "magn": ("a magnetic field", "uT", 1e5),
}
"""No Movesense measures beyond 16 g and 2293 deg/s (32767 steps of 70 mdps, for a range of 2000), and none says that it
measures beyond 5000 uT: what is far above is not a reading but bytes that are out of step."""

_MAGNITUDE: Final = 0x7FFFFFFF
"""The bits of an f32 without its sign: as integers they are in the order of the magnitudes, with NaN above all."""
_MOST: Final = {
    name: int.from_bytes(struct.pack("<f", most), "little") for name, (_what, _unit, most) in _LIMITS.items()
}


class Stream(NamedTuple):
    """A motion stream: its arrays in their order, and its nominal rate."""

    arrays: tuple[str, ...]
    rate_hz: float

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample."""
        return _VECTOR_BYTES * len(self.arrays)

    def fits(self, size: int) -> bool:
        """Tell whether a payload of that many bytes holds whole samples."""
        return size > STAMP_BYTES and (size - STAMP_BYTES) % self.sample_bytes == 0


class Motion(NamedTuple):
    """A payload: `stamp_ms` of the first sample; arrays (n, 3) in m/s2, rad/s and uT."""

    stamp_ms: int
    acc: FloatArray | None
    gyr: FloatArray | None
    magn: FloatArray | None


class Parts(msgspec.Struct):
    """The beginning of a payload whose other parts are still to come; `last` is the type of the part before."""

    begun: bytes = b""
    last: int = 0


@lru_cache(maxsize=64)
def stream_of(path: str) -> Stream | None:
    """Return the motion stream of a resource, or None for anything else."""
    found = _PATH.fullmatch(path)
    return Stream(_ARRAYS[found[1].lower()], float(found[2])) if found else None


def decode(stream: Stream, payload: bytes) -> Motion:
    """Return what a whole payload holds. Raises DecodeError."""
    if not stream.fits(len(payload)):
        raise DecodeError(
            f"a payload of {'+'.join(stream.arrays)} has {len(payload)} bytes; {STAMP_BYTES} and a multiple of"
            f" {stream.sample_bytes} are allowed"
        )
    arrays = len(stream.arrays)
    words = np.frombuffer(payload, "<u4", offset=STAMP_BYTES) & _MAGNITUDE
    for name, peak in zip(stream.arrays, words.reshape(arrays, -1).max(axis=1).tolist(), strict=True):
        if peak > _MOST[name]:
            raise DecodeError(_beyond(name, peak))
    values = np.frombuffer(payload, "<f4", offset=STAMP_BYTES).astype(np.float64)
    cubes = dict(zip(stream.arrays, values.reshape(arrays, -1, 3), strict=True))
    gyr = cubes.get("gyr")
    if gyr is not None:
        gyr *= DEG_RAD
    return Motion(int.from_bytes(payload[:STAMP_BYTES], "little"), cubes.get("acc"), gyr, cubes.get("magn"))


def _beyond(name: str, word: int) -> str:
    """Return the sentence about a reading that cannot be."""
    what, unit, most = _LIMITS[name]
    peak: float = struct.unpack("<f", word.to_bytes(4, "little"))[0]
    return f"{what} is {peak:.4g} {unit}; a Movesense measures up to {most:.4g}"


def encode(stamp_ms: int, acc: FloatArray | None, gyr: FloatArray | None, magn: FloatArray | None = None) -> bytes:
    """Return the payload of samples in m/s2, rad/s and uT; the time wraps as the sensor's does."""
    arrays = [acc, None if gyr is None else gyr / DEG_RAD, magn]
    return (stamp_ms % (1 << 32)).to_bytes(STAMP_BYTES, "little") + b"".join(
        array.astype("<f4").tobytes() for array in arrays if array is not None
    )


def join(parts: Parts, stream: Stream, kind: int, body: bytes) -> bytes | None:
    """Return the whole payload that this part completes, or None while parts are missing. Raises DecodeError.

    Only the length tells whether a first part is all there is. A full part (150 bytes) never is: 146 bytes behind the
    stamp are no whole number of vectors. What fits neither way is refused, and so is what continues nothing.
    """
    begun, last = parts.begun, parts.last
    parts.begun, parts.last = b"", 0
    if kind != FIRST and (not begun or (kind, last) == (THIRD, FIRST)):
        raise DecodeError(f"this is part {kind - FIRST + 1} of a payload whose part before it did not come")
    whole = begun + body if kind != FIRST else body
    if stream.fits(len(whole)):
        return whole
    if kind == THIRD or len(body) < PART_BYTES or len(whole) > _LONGEST_BYTES:
        raise DecodeError(
            f"a payload of {'+'.join(stream.arrays)} ends after {len(whole)} bytes; {STAMP_BYTES} and a multiple of"
            f" {stream.sample_bytes} are allowed, in parts of {PART_BYTES}"
        )
    parts.begun, parts.last = whole, max(kind, FIRST)
    return None
