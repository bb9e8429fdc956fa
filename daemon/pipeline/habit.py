"""What the strides or repetitions of a set are usually like: one that is unlike them is likelier to be wrong."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from ankled.daemon.records import Rep

_SIZES: Final = {
    "stride": attrgetter("duration_s", "stride_length_m", "peak_velocity_rad_s"),
    "rep": attrgetter("duration_s", "rom_deg"),
}
"""What is compared."""
_SETTLED: Final = 3
"""Repetitions from which on something is usual."""
_SHARE: Final = 0.25
"""Share by which the usual follows one more repetition."""
_MOST: Final = 1.25
"""How many times the usual a size counts for at most, and its inverse at least: an odd one moves it little."""


class Habit(msgspec.Struct, array_like=True):
    """Running means of a few sizes; 0 is not known."""

    count: int = 0
    usual: list[float] = []

    def likeness(self, rep: Rep) -> float:
        """Return how like the usual a repetition is, 0 to 1: the smaller size over the larger, where that is least."""
        if self.count < _SETTLED:
            return 1.0
        least = 1.0
        for size, usual in zip(_SIZES[rep.kind](rep), self.usual, strict=True):
            if size and usual:
                least = min(least, size / usual, usual / size)
        return max(0.0, least)

    def add(self, rep: Rep) -> None:
        """Take in one more repetition."""
        sizes = _SIZES[rep.kind](rep)
        if not self.count:
            self.usual = [size or 0.0 for size in sizes]
        self.count += 1
        share = max(_SHARE, 1.0 / self.count)
        for place, size in enumerate(sizes):
            before = self.usual[place]
            if size:
                bounded = min(max(size, before / _MOST), before * _MOST) if before else size
                self.usual[place] = before + share * (bounded - before) if before else size
