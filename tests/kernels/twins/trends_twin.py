"""Trend statistics by loops over all pairs."""

from __future__ import annotations

import math
import statistics
from collections import Counter


def kendall(values: list[float]) -> tuple[int, float]:
    """Kendall's score of the last 64 values against their order, and its variance with ties."""
    values = values[-64:]
    n = len(values)
    score = sum((values[j] > values[i]) - (values[j] < values[i]) for i in range(n) for j in range(i + 1, n))
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values())
    return score, (n * (n - 1) * (2 * n + 5) - ties) / 18.0


def p_value(values: list[float]) -> float:
    """Two-sided p of the score, one step closer to zero for continuity."""
    score, variance = kendall(values)
    if score == 0:
        return 1.0
    return 2.0 * (1.0 - statistics.NormalDist().cdf((abs(score) - 1) / math.sqrt(variance)))


def slope(values: list[float]) -> float:
    """Median slope of all pairs."""
    values = values[-64:]
    n = len(values)
    return statistics.median((values[j] - values[i]) / (j - i) for i in range(n) for j in range(i + 1, n))
