"""The wearer's own usual: median and spread of earlier repetitions, robust against a few odd ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_NORMAL: Final = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
_LEAST_SPREAD: Final = 0.1
"""Of a few values the median absolute deviation may be next to nothing: the spread is taken for at least this share."""


class Usual(NamedTuple):
    """Median of some earlier values, their robust standard deviation, and their number."""

    median: float
    spread: float
    number: int

    def excess(self, value: float) -> float:
        """Return by which share a value lies above the median."""
        return value / self.median - 1.0

    def deviations(self, value: float) -> float:
        """Return how many robust standard deviations a value lies above the median."""
        return (value - self.median) / self.spread


def usual(values: Sequence[float]) -> Usual | None:
    """Return the usual of some magnitudes; None unless their median is above zero."""
    middle = median(values) if values else 0.0
    if middle <= 0.0:
        return None
    spread = _NORMAL * median([abs(value - middle) for value in values])
    return Usual(middle, max(spread, _LEAST_SPREAD * middle), len(values))


def median(values: Sequence[float]) -> float:
    """Return the median of at least one value."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])
