"""Which found event is which true one: one-to-one matches, and what is counted from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.datasets.common import FloatArray

BoolArray: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Counts:
    """True events found, true events missed, and found events that are none."""

    hits: int = 0
    missed: int = 0
    false: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both together."""
        return Counts(self.hits + other.hits, self.missed + other.missed, self.false + other.false)

    def precision(self) -> float:
        """Return the share of found events that are true; NaN without any."""
        return _share(self.hits, self.hits + self.false)

    def recall(self) -> float:
        """Return the share of true events that were found; NaN without any."""
        return _share(self.hits, self.hits + self.missed)

    def f1(self) -> float:
        """Return the harmonic mean of precision and recall; NaN with neither true nor found events."""
        return _share(2 * self.hits, 2 * self.hits + self.missed + self.false)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


@dataclass(frozen=True, slots=True)
class Match:
    """Pairs (index of truth, index of found) in order of truth, out of so many true and found ones."""

    pairs: tuple[tuple[int, int], ...]
    truth: int
    found: int

    def counts(self) -> Counts:
        """Return hits, missed and false."""
        hits = len(self.pairs)
        return Counts(hits, self.truth - hits, self.found - hits)


def _greedy(cost: FloatArray, allowed: BoolArray) -> Match:
    """Take the cheapest allowed pair, then the cheapest of what is left, until none is left."""
    order = np.argsort(cost, axis=None, kind="stable")
    truth_free = np.ones(cost.shape[0], dtype=np.bool_)
    found_free = np.ones(cost.shape[1], dtype=np.bool_)
    pairs: list[tuple[int, int]] = []
    for flat in order[allowed.ravel()[order]]:
        i, j = divmod(int(flat), cost.shape[1])
        if truth_free[i] and found_free[j]:
            truth_free[i] = found_free[j] = False
            pairs.append((i, j))
    return Match(tuple(sorted(pairs)), cost.shape[0], cost.shape[1])


def match_events(truth_s: FloatArray, found_s: FloatArray, tolerance_s: float) -> Match:
    """Pair each found time with at most one true time not more than `tolerance_s` away, the closest pairs first."""
    distance = np.abs(truth_s[:, None] - found_s[None, :])
    return _greedy(distance, distance <= tolerance_s)


def match_intervals(truth_s: FloatArray, found_s: FloatArray) -> Match:
    """Pair intervals (n, 2) that share more than half of the shorter one, the longest overlaps first."""
    truth_s, found_s = truth_s.reshape(-1, 2), found_s.reshape(-1, 2)
    first = np.maximum(truth_s[:, None, 0], found_s[None, :, 0])
    last = np.minimum(truth_s[:, None, 1], found_s[None, :, 1])
    shorter = np.minimum((truth_s[:, 1] - truth_s[:, 0])[:, None], (found_s[:, 1] - found_s[:, 0])[None, :])
    overlap = last - first
    return _greedy(-overlap, overlap > 0.5 * shorter)


def inside(times_s: FloatArray, spans_s: Iterable[tuple[float, float]]) -> BoolArray:
    """Return which of the times lie within any of the spans, ends included."""
    mask = np.zeros(len(times_s), dtype=np.bool_)
    for start, end in spans_s:
        mask |= (times_s >= start) & (times_s <= end)
    return mask


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean, standard deviation and mean absolute value of signed errors; NaN without any."""

    bias: float
    sd: float
    mean_absolute: float


def spread(errors: FloatArray) -> Spread:
    """Return the spread of signed errors."""
    if not len(errors):
        return Spread(float("nan"), float("nan"), float("nan"))
    return Spread(float(np.mean(errors)), float(np.std(errors)), float(np.mean(np.abs(errors))))


def percentile(values: FloatArray, percent: float) -> float:
    """Return a percentile, NaN of nothing."""
    return float(np.percentile(values, percent)) if len(values) else float("nan")
