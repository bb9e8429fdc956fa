"""Data packets and beats of an OpenAnkle device (docs/openankle.md, A).

0 u16 number of the first sample | 2 u8 format | 3 u8 boot | 4 u32 time of the first sample, us | 8 n x 6 i16:
acc x, y, z, gyr x, y, z.

A beat is 0 u32 what the clock shows, us | 4 u8 boot.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ankled.drivers.errors import DecodeError
from ankled.drivers.openankle.wire import FORMATS, MAX_SAMPLES, Format, decode_format
from ankled.drivers.units import DEG_RAD, G_MPS2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ankled.drivers.samples import FloatArray

HEAD_BYTES: Final = 8
SAMPLE_BYTES: Final = 12
_AXES = 3
_WORDS = 6
_FULL = 32768.0
_HEAD = struct.Struct("<HBBI")
_BEAT = struct.Struct("<IB")


class Scale(NamedTuple):
    """What one step of a word is worth, in m/s2 and rad/s."""

    acc_mps2: float
    gyr_rad_s: float


def scale_of(form: Format) -> Scale:
    """Return the resolution of a format: full scale / 32768."""
    return Scale(form.acc_range_g * G_MPS2 / _FULL, form.gyr_range_dps * DEG_RAD / _FULL)


_SCALES = {byte: scale_of(form) for byte, form in FORMATS.items()}


class Packet(NamedTuple):
    """One packet. `first` (mod 2**16) numbers its first sample, `time_us` (mod 2**32) is that sample's time."""

    first: int
    form: int
    boot: int
    time_us: int
    acc: FloatArray
    gyr: FloatArray


def decode_packet(data: bytes) -> Packet:
    """Return what a packet holds, acc (n, 3) in m/s2 and gyr (n, 3) in rad/s."""
    count, rest = divmod(len(data) - HEAD_BYTES, SAMPLE_BYTES)
    if rest or not 1 <= count <= MAX_SAMPLES:
        raise DecodeError(f"a data packet has 8 bytes and 1 to {MAX_SAMPLES} samples of 12; this one has {len(data)}")
    first, form, boot, time_us = _HEAD.unpack_from(data)
    scale = _SCALES.get(form)
    if scale is None:
        decode_format(form)  # which says what is wrong with it
        raise AssertionError
    words = np.frombuffer(data, "<i2", offset=HEAD_BYTES).reshape(count, _WORDS)
    acc = np.multiply(words[:, :_AXES], scale.acc_mps2, order="C")
    gyr = np.multiply(words[:, _AXES:], scale.gyr_rad_s, order="C")
    return Packet(first, form, boot, time_us, acc, gyr)


def encode_words(form: Format, acc: FloatArray, gyr: FloatArray) -> NDArray[np.int16]:
    """Return samples as words (n, 6), rounded to the resolution and saturated at full scale."""
    scale = scale_of(form)
    words = np.hstack((acc / scale.acc_mps2, gyr / scale.gyr_rad_s))
    return np.clip(np.rint(words), -_FULL, _FULL - 1.0).astype("<i2")


def encode_packet(first: int, form: int, boot: int, time_us: int, words: NDArray[np.int16]) -> bytes:
    """Return the packet of `words` (n, 6); numbers are cut to the width that they have there."""
    return _HEAD.pack(first & 0xFFFF, form, boot & 0xFF, time_us & 0xFFFFFFFF) + words.tobytes()


def decode_beat(data: bytes) -> tuple[int, int]:
    """Return what the board's clock showed (us, mod 2**32) as this was handed to the radio, and the boot byte."""
    if len(data) != _BEAT.size:
        raise DecodeError(f"a beat of the clock has {_BEAT.size} bytes, this one {len(data)}")
    time_us, boot = _BEAT.unpack(data)
    return time_us, boot


def encode_beat(time_us: int, boot: int) -> bytes:
    """Return a beat; numbers are cut to the width that they have there."""
    return _BEAT.pack(time_us & 0xFFFFFFFF, boot & 0xFF)
