"""Bytes changed at random, all of it from one seeded generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

ODD: Final = (
    b"\0", b"\xff", b"\x7f", b"\x80", b"\0" * 4, b"\xff" * 4, b"\0\0\0\x80", b"\xff\xff\xff\x7f", b"\0\0\x80\x7f",
    b"\0\0\xc0\x7f", b"\xff" * 8, b"\0\0\0\0\0\0\xf8\x7f", b"\xff" * 7 + b"\x7f", b"\x01\0\0\0\0\0\0\0",
)  # fmt: skip
"""Ends of ranges, infinities and numbers that are none, as they stand in packets."""


def mutated(rng: random.Random, data: bytes, others: Sequence[bytes] = (), most: int = 1 << 20) -> bytes:
    """Return bytes with one to six changes: bits, odd values, pieces lost, doubled, swapped or from elsewhere."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(len(found) + 1)
        to = min(len(found), at + rng.choice((1, 1, 2, 4, 8, 32, 256)))
        match rng.randrange(8):
            case 0 if at < len(found):
                found[at] ^= 1 << rng.randrange(8)
            case 1:
                odd = rng.choice(ODD)
                found[at : at + len(odd)] = odd
            case 2:
                del found[at:to]
            case 3:
                found[at:at] = found[at:to] * rng.choice((1, 1, 2, 16))
            case 4:
                del found[at:]
            case 5 if others:
                other = rng.choice(others)
                start = rng.randrange(len(other) + 1)
                found[at:to] = other[start : start + (to - at)]
            case 6:
                back = rng.randrange(len(found) + 1)
                piece = bytes(found[at:to])
                del found[at:to]
                found[back:back] = piece
            case _:
                found[at:at] = rng.randbytes(rng.choice((1, 2, 4, 20)))
    return bytes(found[:most])
