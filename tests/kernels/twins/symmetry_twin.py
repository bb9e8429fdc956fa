"""Interval of a mean by the t quantile from SciPy, for comparison."""

from __future__ import annotations

import statistics

from scipy import stats


def interval(values: list[float]) -> tuple[float, float]:
    """Bounds of the 95 % interval of the mean."""
    low, high = stats.t.interval(
        0.95, len(values) - 1, loc=statistics.fmean(values), scale=statistics.stdev(values) / len(values) ** 0.5
    )
    return float(low), float(high)
