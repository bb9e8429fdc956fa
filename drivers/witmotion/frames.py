"""Data frames of WitMotion sensors, and how they are found in a stream of bytes that has neither length nor checksum.

Source: WT901BLECL datasheet v23-0420, 6.1 (A); frames that straddle notifications and several in one: captures (B).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ankled.drivers.units import DEG_RAD, G_MPS2
from ankled.drivers.witmotion.registers import ACC_RANGE_G, GYR_RANGE_DPS

if TYPE_CHECKING:
    from ankled.drivers.samples import FloatArray

FRAME_BYTES: Final = 20
CLOCK_BYTES: Final = 8
"""YY MM DD HH MN SS and i16 ms, behind the frames of some newer firmware (its existence A, its layout C).

The vendor's issue tracker reports that this clock steps back, so it is not taken for the time of samples.
"""
IMU: Final = b"\x55\x61"
REGISTER: Final = b"\x55\x71"
HEADERS: Final = (IMU, REGISTER)
_START: Final = b"\x55"
_HEADER: Final = re.compile(rb"\x55[\x61\x71]")

_COUNTS: Final = np.dtype("<i2")
FULL_SCALE: Final = 32768.0
_ANGLE_RANGE_DEG: Final = 180.0
_ACC_MPS2: Final = ACC_RANGE_G * G_MPS2 / FULL_SCALE
_GYR_RAD_S: Final = GYR_RANGE_DPS * DEG_RAD / FULL_SCALE
_ANGLE_DEG: Final = _ANGLE_RANGE_DEG / FULL_SCALE

# Largest values of month, day, hour, minute, second and millisecond. Zero is let through: a clock that was never set.
_CLOCK_LIMITS: Final = (12, 31, 23, 59, 59)
_MILLISECONDS: Final = 999


class Found(NamedTuple):
    """What a stretch of bytes held.

    `imu` joins the data frames of 20 bytes each, clocks cut off; `replies` are the register replies; `rest` must stand
    before the next bytes; `after_imu` says that a clock may follow. `skipped` counts bytes that belong to no frame,
    `abandoned` the frames that had begun among them and were never completed.
    """

    imu: bytes
    replies: tuple[bytes, ...]
    rest: bytes
    after_imu: bool
    skipped: int = 0
    abandoned: int = 0


def find(before: bytes, data: bytes, *, after_imu: bool = False) -> Found:
    """Find the frames in `data`, which follows on `before`, the `rest` of the last call.

    A header may also occur inside a frame. So bytes are a frame if another one, its clock or the end of the bytes
    follows; if none of these does, one that begins inside and is followed so is preferred.
    """
    if not before and _whole(data):
        return Found(data, (), b"", after_imu=True)
    buffer = before + data
    imu: list[bytes] = []
    replies: list[bytes] = []
    at = skipped = abandoned = 0
    while at < len(buffer):
        head = buffer[at : at + 2]
        if head in HEADERS:
            end = at + FRAME_BYTES
            if end > len(buffer):
                break
            if not _followed(buffer, at) and (inside := _inside(buffer, at)) is not None:
                abandoned += head == IMU
                skipped += inside - at
                at = inside
                continue
            (imu if head == IMU else replies).append(buffer[at:end])
            at, after_imu = end, head == IMU
        elif head == _START:
            break
        elif after_imu and _may_be_clock(clock := buffer[at : at + CLOCK_BYTES]):
            if len(clock) < CLOCK_BYTES:
                break
            at, after_imu = at + CLOCK_BYTES, False
        else:
            begin = _next(buffer, at + 1)
            skipped += begin - at
            at, after_imu = begin, False
    return Found(b"".join(imu), tuple(replies), buffer[at:], after_imu, skipped, abandoned)


def _whole(data: bytes) -> bool:
    """Tell whether these bytes are data frames back to back: nearly every notification is."""
    count, odd = divmod(len(data), FRAME_BYTES)
    return not odd and data[::FRAME_BYTES] == b"\x55" * count and data[1::FRAME_BYTES] == b"\x61" * count and count > 0


def _followed(buffer: bytes, at: int) -> bool:
    """Tell whether what comes after the frame at `at` fits: the end, a header, or a clock."""
    end = at + FRAME_BYTES
    if buffer[end : end + 2] in (b"", _START, *HEADERS):
        return True
    return buffer[at : at + 2] == IMU and _may_be_clock(buffer[end : end + CLOCK_BYTES])


def _inside(buffer: bytes, at: int) -> int | None:
    """Return where inside the frame at `at` a whole frame begins that is followed as one should be."""
    begin = at + 2
    while (hit := _HEADER.search(buffer, begin, at + FRAME_BYTES + 1)) is not None:
        begin = hit.start()
        if begin + FRAME_BYTES <= len(buffer) and _followed(buffer, begin):
            return begin
        begin += 1
    return None


def _next(buffer: bytes, begin: int) -> int:
    """Return where the next header begins, at the latest where the first half of one ends the bytes."""
    hit = _HEADER.search(buffer, begin)
    if hit is not None:
        return hit.start()
    return len(buffer) - buffer.endswith(_START) if len(buffer) > begin else len(buffer)


def _may_be_clock(data: bytes) -> bool:
    """Tell whether bytes, of which the last may be missing, are a date and a time of day."""
    if any(value > limit for value, limit in zip(data[1:], _CLOCK_LIMITS, strict=False)):
        return False
    return len(data) < CLOCK_BYTES or int.from_bytes(data[6:8], "little") <= _MILLISECONDS


def decode_imu(frames: bytes) -> tuple[FloatArray, FloatArray]:
    """Return acc (n, 3) in m/s2 and gyr (n, 3) in rad/s of joined data frames."""
    counts = np.frombuffer(frames, dtype=_COUNTS).reshape(-1, FRAME_BYTES // 2)[:, 1:7].astype(np.float64)
    return counts[:, :3] * _ACC_MPS2, counts[:, 3:] * _GYR_RAD_S


def decode_angles(frames: bytes) -> FloatArray:
    """Return roll, pitch and yaw (n, 3) in degrees, the sensor's own estimate, of joined data frames."""
    counts = np.frombuffer(frames, dtype=_COUNTS).reshape(-1, FRAME_BYTES // 2)[:, 7:10].astype(np.float64)
    return counts * _ANGLE_DEG


def encode_imu(acc_mps2: FloatArray, gyr_rad_s: FloatArray, angles_deg: FloatArray | None = None) -> bytes:
    """Return data frames of samples (n, 3) each, rounded to 16 bits and saturated at 16 g and 2000 deg/s."""
    values = np.zeros((len(acc_mps2), FRAME_BYTES // 2), dtype=_COUNTS)
    values[:, 0] = int.from_bytes(IMU, "little")
    values[:, 1:4] = _rounded(acc_mps2 / _ACC_MPS2)
    values[:, 4:7] = _rounded(gyr_rad_s / _GYR_RAD_S)
    if angles_deg is not None:
        values[:, 7:10] = _rounded(angles_deg / _ANGLE_DEG)
    return values.tobytes()


def encode_clock(clock_s: float) -> bytes:
    """Return the 8 bytes behind a frame for a clock, in s, that began with the year 2015 as an unset one does."""
    seconds, ms = divmod(round(clock_s * 1000.0), 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return bytes((15, 1, 1 + days % 31, hour, minute, second)) + ms.to_bytes(2, "little")


def _rounded(values: FloatArray) -> FloatArray:
    return np.clip(np.rint(values), -FULL_SCALE, FULL_SCALE - 1.0)
