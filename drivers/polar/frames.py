"""Frames of the data characteristic: type u8, time of the last sample u64, frame type u8, samples.

The time counts ns since 2000-01-01 on the sensor's own clock. Sources as in `wire`; all A.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ankled.drivers.errors import DecodeError
from ankled.drivers.polar import delta
from ankled.drivers.polar.wire import ACC, GYRO, type_name
from ankled.drivers.units import DEG_RAD, G_MPS2, MILLI_G_MPS2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ankled.drivers.samples import FloatArray

AXES: Final = 3
HEAD: Final = struct.Struct("<BQB")
_TYPE_MASK = 0x3F

DELTA_FACTOR: Final = 0x80
"""16-bit differences; times the factor of the start answer these are g, or deg/s."""
DELTA: Final = 0x81
"""ACC: 16-bit differences in mG. GYRO: differences of the bit patterns of three float32 in deg/s."""
RAW: Final = 1
"""ACC: x, y, z of 16 bits in mG; types 0 and 2 are the same with 8 and 24 bits."""
_RAW_BITS: Final = {0: 8, RAW: 16, 2: 24}
_EXPONENT: Final = 0x7F800000
"""All ones here in a float32: infinity, or no number."""
_LARGEST_FACTOR: Final = 1000.0
_LARGEST_DPS: Final = 1e5
"""No sensor turns so fast: a float32 beyond it is no measurement."""


class Frame(msgspec.Struct, frozen=True):
    """A frame as it is sent. `stamp_ns` is the time of its last sample, ns since 2000-01-01 of the sensor's clock."""

    type: int
    stamp_ns: int
    frame_type: int


def checked_factor(factor: float) -> float:
    """Return a factor that can be one. Raises DecodeError for zero, negative, endless and no numbers."""
    if not 0.0 < factor <= _LARGEST_FACTOR:
        raise DecodeError(f"the factor is {factor:g}; allowed is more than 0 up to {_LARGEST_FACTOR:g}")
    return factor


def decode_head(data: bytes) -> Frame:
    """Return what a frame is. Raises DecodeError."""
    if len(data) < HEAD.size:
        raise DecodeError(f"a frame has at least {HEAD.size} bytes, this one {len(data)}")
    type_, stamp_ns, frame_type = HEAD.unpack_from(data)
    return Frame(type_ & _TYPE_MASK, stamp_ns, frame_type)


def decode_samples(frame: Frame, data: bytes, factor: float | None) -> FloatArray:
    """Return the samples (n, 3) of a whole frame: m/s2 for ACC, rad/s for GYRO. Raises DecodeError.

    `factor` is what the device answered to the start of the stream, None if it answered none. Vendor's SDK: then it is
    1. But 0x80 of ACC in whole g would make no sense, so that is refused.
    """
    match frame.type, frame.frame_type:
        case (2, 0x80):
            if factor is None:
                raise DecodeError("frame type 0x80 of ACC needs the factor that the device answers to the start")
            return _delta16(data) * (G_MPS2 * factor)
        case (2, 0x81):
            return _delta16(data) * (MILLI_G_MPS2 * _or_one(factor))
        case (2, 0 | 1 | 2):
            return _raw(data, _RAW_BITS[frame.frame_type]) * MILLI_G_MPS2
        case (5, 0x80):
            return _delta16(data) * (DEG_RAD * _or_one(factor))
        case (5, 0x81):
            return _floats(data) * (DEG_RAD * _or_one(factor))
    allowed = {ACC: "00, 01, 02, 80 and 81", GYRO: "80 and 81"}[frame.type]
    raise DecodeError(
        f"frame type 0x{frame.frame_type:02x} of {type_name(frame.type)} is not known; allowed: {allowed}"
    )


def encode(
    type_: int, frame_type: int, stamps_ns: NDArray[np.int64], values: NDArray[np.int64], limit: int
) -> tuple[bytes, int, bool]:
    """Return a frame of at most `limit` bytes, how many of the samples it holds, and whether no further one would fit.

    `values` (n, 3) are whole numbers in the unit of the frame type, for GYRO 0x81 the bit patterns of float32
    (`patterns`); `stamps_ns` (n,) are their times, of which the frame gets that of its last sample.
    """
    room = limit - HEAD.size
    if frame_type in _RAW_BITS:
        size = _RAW_BITS[frame_type] // 8
        most = room // (AXES * size)
        count = min(most, len(values))
        content = values[:count].astype("<i8").view(np.uint8).reshape(-1, 8)[:, :size].tobytes()
        full = count == most
    else:
        bits = 32 if (type_, frame_type) == (GYRO, DELTA) else 16
        content, count = delta.encode(values, bits=bits, limit=room)
        full = count < len(values)
    return HEAD.pack(type_, int(stamps_ns[count - 1]), frame_type) + content, count, full


def patterns(values: FloatArray) -> NDArray[np.int64]:
    """Return the bit patterns of values as float32, as signed numbers."""
    return values.astype(np.float32).view(np.int32).astype(np.int64)


def _or_one(factor: float | None) -> float:
    return 1.0 if factor is None else factor


def _delta16(data: bytes) -> FloatArray:
    return delta.decode(data, HEAD.size, channels=AXES, bits=16)


def _floats(data: bytes) -> FloatArray:
    """Return float32 values whose bit patterns are delta coded, modulo 2^32."""
    whole = delta.decode(data, HEAD.size, channels=AXES, bits=32)
    words = whole.astype(np.int64).astype(np.int32)
    if np.any(words & _EXPONENT == _EXPONENT):  # asked of the bits, because to convert some NaNs is an error of its own
        raise DecodeError("a frame of GYRO holds values that are no numbers; angular rates are finite")
    values = words.view(np.float32).astype(np.float64)
    if np.any(np.abs(values) > _LARGEST_DPS):
        raise DecodeError(f"a frame of GYRO holds values beyond {_LARGEST_DPS:g} deg/s, which no sensor has")
    return values


def _raw(data: bytes, bits: int) -> FloatArray:
    """Return whole numbers of 8, 16 or 24 bits."""
    size = bits // 8
    length = len(data) - HEAD.size
    if not length or length % (AXES * size):
        raise DecodeError(f"{length} bytes of samples; x, y, z of {bits} bits are {AXES * size} bytes a sample")
    if bits == 16:  # noqa: PLR2004  (the usual case, the fast way)
        return np.frombuffer(data, "<i2", -1, HEAD.size).astype(np.float64).reshape(-1, AXES)
    wide = np.zeros((length // size, 4), np.uint8)
    wide[:, 4 - size :] = np.frombuffer(data, np.uint8, -1, HEAD.size).reshape(-1, size)
    return (wide.view("<i4") >> (32 - bits)).astype(np.float64).reshape(-1, AXES)
