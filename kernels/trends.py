"""Trends within a set: velocity loss, Theil-Sen slope with its interval, Mann-Kendall test. Runs once per set."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WINDOW = 64
"""A trend looks at the last repetitions of a set, at most this many."""

FEWEST = 3
"""Fewer values have no trend."""

_NORMAL_95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class TheilSen:
    """Slope per repetition with the bounds of its 95 % interval, in the unit of the values."""

    slope: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MannKendall:
    """Test of a monotonic trend: score S, normal deviate z with continuity correction, two-sided p."""

    score: int
    z: float
    p_value: float


def velocity_loss_percent(velocities: Sequence[float] | NDArray[np.float64]) -> float | None:
    """Return VL% = 100 (v_best - v_last) / v_best; None for an empty set or a best that is not positive.

    v: mean concentric angular velocity of each repetition of one set, rad/s. 0 when the last one is the best.

    Source: L. Sanchez-Medina, J. J. Gonzalez-Badillo, Velocity loss as an indicator of neuromuscular fatigue during
    resistance training, Med. Sci. Sports Exerc. 43 (2011) 1725-1734, doi 10.1249/MSS.0b013e318213f880. Deviation:
    angular instead of bar velocity, and the best repetition is the fastest so far wherever it stands in the set.
    """
    values = np.asarray(velocities, dtype=np.float64)
    if values.size == 0 or not np.all(np.isfinite(values)) or values.max() <= 0.0:
        return None
    return float(100.0 * (values.max() - values[-1]) / values.max())


def theil_sen(values: Sequence[float] | NDArray[np.float64]) -> TheilSen | None:
    """Return the median of the slopes of all pairs, over the last <= 64 values; None for fewer than three values.

    The interval is Sen's: the slopes whose ranks lie z sqrt(var S) / 2 on either side of the middle, with z of 95 %
    and var S the variance of Kendall's score corrected for ties (`score_variance`). Few values: it is wide, at most
    the smallest to the largest slope. `values` must be finite.

    Source: P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, J. Am. Stat. Assoc. 63 (1968)
    1379-1389, doi 10.1080/01621459.1968.10480934.
    """
    y = np.asarray(values, dtype=np.float64)[-WINDOW:]
    if y.size < FEWEST:
        return None
    early, late = np.triu_indices(y.size, k=1)
    slopes = np.sort((y[late] - y[early]) / (late - early))
    reach = _NORMAL_95 * sqrt(score_variance(y))
    low = max(round((slopes.size - reach) / 2.0) - 1, 0)
    high = min(round((slopes.size + reach) / 2.0), slopes.size - 1)
    return TheilSen(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))


def score_variance(values: NDArray[np.float64]) -> float:
    """Return the variance of Kendall's score S without trend, (n(n-1)(2n+5) - sum t(t-1)(2t+5)) / 18, t tied values."""
    n = values.size
    ties = np.unique(values, return_counts=True)[1]
    return float(n * (n - 1) * (2 * n + 5) - np.sum(ties * (ties - 1) * (2 * ties + 5))) / 18.0


def mann_kendall(values: Sequence[float] | NDArray[np.float64]) -> MannKendall | None:
    """Test the last <= 64 values for a monotonic trend; None for fewer than three values.

    S = number of pairs that rise minus number that fall; z = (S -+ 1) / sqrt(var S), 0 for S = 0; p two-sided, from the
    normal distribution (an approximation below about ten values). `values` must be finite. Repetitions are taken as
    independent; where each resembles the one before, p is too small.

    Source: H. B. Mann, Nonparametric tests against trend, Econometrica 13 (1945) 245-259, doi 10.2307/1907187;
    M. G. Kendall, Rank Correlation Methods (1975) for ties and continuity.
    """
    y = np.asarray(values, dtype=np.float64)[-WINDOW:]
    if y.size < FEWEST:
        return None
    early, late = np.triu_indices(y.size, k=1)
    score = int(np.sum(np.sign(y[late] - y[early])))
    if score == 0:
        return MannKendall(0, 0.0, 1.0)
    z = (score - (1 if score > 0 else -1)) / sqrt(score_variance(y))
    return MannKendall(score, z, erfc(abs(z) / sqrt(2.0)))
