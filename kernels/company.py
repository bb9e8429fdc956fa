"""Repetitions that are believed only in company: small ones, and turns about the vertical.

Whoever stands or sits about shifts the weight, lifts a heel and turns the foot, and each of these is an excursion. What
tells them from repetitions is that the next is not like it. So such an excursion waits until one like it has followed,
a turn about the vertical until two have, unless a repetition like it was published shortly before.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from ankled.kernels.jit import kernel

MOST = 2
"""How many repetitions may wait."""

_ALIKE = 0.6
"""Ratio of range, and of duration, within which two repetitions are alike."""
_PARALLEL = 0.9
"""Cosine (25 deg) between the ways out of two repetitions that are alike."""
_KNOWN = 0.3
"""Part of the range of the last repetition from which on another may belong to its set."""
_TOWARDS = 0.5
"""Cosine (60 deg) between the ways out of two repetitions of a set: that of a small one is not known well."""


@kernel
def _same_way(a: Any, b: Any, least: float) -> bool:
    """Tell whether two repetitions go out the same way, about axes of their own: the detector's is that of all."""
    along = a.way[0] * b.way[0] + a.way[1] * b.way[1] + a.way[2] * b.way[2]
    a2 = a.way[0] * a.way[0] + a.way[1] * a.way[1] + a.way[2] * a.way[2]
    b2 = b.way[0] * b.way[0] + b.way[1] * b.way[1] + b.way[2] * b.way[2]
    return along > least * sqrt(a2 * b2)


@kernel
def alike(a: Any, b: Any) -> bool:
    """Tell whether repetition `b` (phases.FOUND) looks like another of what `a` is one of."""
    ways = _ALIKE * a.rom_rad < b.rom_rad and _ALIKE * b.rom_rad < a.rom_rad
    long_a, long_b = a.end - a.start, b.end - b.start
    return ways and _ALIKE * long_a < long_b and _ALIKE * long_b < long_a and _same_way(a, b, _PARALLEL)


@kernel
def known(last: Any, now: Any, memory: float) -> bool:
    """Tell whether `now` goes on with the set of `last`, published before; `memory` is how long that counts."""
    if now.start - last.end > memory or now.rom_rad < _KNOWN * last.rom_rad:
        return False
    return (last.by_gyro or not now.by_gyro) and _same_way(last, now, _TOWARDS)


@kernel
def needed(now: Any, alone_range: float) -> int:
    """Return how many others like it a repetition needs to be believed; `alone_range` in rad."""
    if now.by_gyro:
        return 2
    return 1 if now.rom_rad < alone_range else 0
