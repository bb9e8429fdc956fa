"""Delta coding of samples: a reference, then blocks of differences in as few bits as each block needs.

A reference of `channels` little-endian integers is the first sample. Blocks follow to the end of the data: bits of one
difference u8, number of samples u8, and the differences from sample to sample, sample by sample and channel by channel,
the lowest bit first, signed, padded to whole bytes. (A: PDF, and the tests of the vendor's SDK.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ankled.drivers.errors import DecodeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ankled.drivers.samples import FloatArray

WIDEST: Final = 32
_MOST_SAMPLES = 255
_BLOCK_HEAD = 2

_WEIGHTS: Final[list[FloatArray]] = [
    np.array([*(2.0**bit for bit in range(width - 1)), -(2.0 ** (width - 1))]) for width in range(1, WIDEST + 1)
]
"""What the bits of a two's complement number of each width are worth. Float64 holds all these sums exactly."""


def decode(data: bytes, at: int, *, channels: int, bits: int) -> FloatArray:
    """Return samples (n, channels), whole numbers, of the delta coded data from byte `at` on. Raises DecodeError.

    `bits` is the resolution of a sample. Sums are not cut off to it, so that a device may pass its limits for a while.
    """
    size = (bits + 7) // 8
    first, at = at, at + channels * size
    end = len(data)
    if at > end:
        raise DecodeError(f"the reference needs {channels * size} bytes; there are {end - first}")
    reference = [
        float(int.from_bytes(data[start : start + size], "little", signed=True)) for start in range(first, at, size)
    ]
    parts = [np.array(reference)]
    while at < end:
        if at + _BLOCK_HEAD > end:
            raise DecodeError(f"a block of differences ends in its head at byte {at}; width and count are 2 bytes")
        width, count = data[at], data[at + 1]
        at += _BLOCK_HEAD
        if not count:
            continue
        if not 1 <= width <= WIDEST:
            raise DecodeError(f"the differences at byte {at} are {width} bits wide; allowed are 1 to {WIDEST}")
        length = width * count * channels
        wanted = (length + 7) // 8
        if at + wanted > end:
            raise DecodeError(f"{count} samples of {width} bits at byte {at} need {wanted} bytes; {end - at} are left")
        raw = np.frombuffer(data, np.uint8, wanted, at)
        parts.append(np.unpackbits(raw, count=length, bitorder="little").reshape(-1, width) @ _WEIGHTS[width - 1])
        at += wanted
    return np.cumsum(np.concatenate(parts).reshape(-1, channels), axis=0)


def encode(values: NDArray[np.int64], *, bits: int, limit: int, together: int = 10) -> tuple[bytes, int]:
    """Return the first of the samples (n, channels) that fit into `limit` bytes, coded, and how many these are.

    Widths are even and change after `together` samples at the soonest: so do those of real frames (B: issues #187,
    #331, #443). Fewer than n samples means that the next one, at the width of its block, does not fit.
    """
    channels = values.shape[1]
    size = (bits + 7) // 8
    out = bytearray(b"".join(int(value).to_bytes(size, "little", signed=True) for value in values[0]))
    steps = _wrapped(np.diff(values, axis=0))
    done = 0
    for width, count in _blocks(steps, together):
        fit = max(min(count, (limit - len(out) - _BLOCK_HEAD) * 8 // (width * channels)), 0)
        if fit:
            out += bytes((width, fit))
            block = steps[done : done + fit].reshape(-1, 1) >> np.arange(width) & 1
            out += np.packbits(block.astype(np.uint8).reshape(-1), bitorder="little").tobytes()
        done += fit
        if fit < count:
            break
    return bytes(out), 1 + done


def _wrapped(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return differences modulo 2^32: the patterns of floats may lie further apart than 31 bits reach."""
    return steps.astype(np.int32).astype(np.int64)


def _blocks(steps: NDArray[np.int64], together: int) -> list[tuple[int, int]]:
    """Return width and count of blocks that hold the differences (n, channels)."""
    if not len(steps):
        return []
    largest = np.maximum(steps, ~steps).max(axis=1)
    starts = np.arange(0, len(steps), together)
    magnitude = np.maximum.reduceat(largest, starts).astype(np.float64)
    widths = np.frexp(magnitude)[1] + 1  # the exponent of a whole number is how many bits it has
    blocks: list[tuple[int, int]] = []
    for start, odd in zip(starts.tolist(), widths.tolist(), strict=True):
        width, count = odd + odd % 2, min(together, len(steps) - start)
        if blocks and blocks[-1][0] == width and blocks[-1][1] + count <= _MOST_SAMPLES:
            blocks[-1] = (width, blocks[-1][1] + count)
        else:
            blocks.append((width, count))
    return blocks
