"""Left against right: symmetry index, log ratio, mean over pairs with its interval, share of the load."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FEWEST = 3
"""Fewer pairs have a mean but no interval."""

# Quantiles of Student's t for a two-sided 95 % interval, by degrees of freedom from 1. Computed with scipy.stats.t.
_STUDENT_95 = (
    12.706204736432095,
    4.302652729911275,
    3.182446305284263,
    2.7764451051977987,
    2.570581835636314,
    2.446911851144969,
    2.3646242515927844,
    2.306004135204166,
    2.2621571628540993,
    2.2281388519649385,
)
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean and the bounds of its 95 % interval; the bounds are None for fewer than three values."""

    mean: float
    low: float | None
    high: float | None
    count: int


def _comparable(left: float, right: float) -> bool:
    """Tell whether both are finite, neither is zero and both have one sign: else a ratio of them means nothing."""
    return isfinite(left) and isfinite(right) and left * right > 0.0


def index_percent(left: float, right: float) -> float | None:
    """Return SI = 100 (R - L) / (0.5 (R + L)), in (-200, 200); positive: the right leg has more.

    None when a side is zero or not finite, or when the signs differ. For two negative values (forces of one
    direction) magnitudes are compared.

    Source: R. O. Robinson et al., Use of force platform variables to quantify the effects of chiropractic manipulation
    on gait symmetry, J. Manipulative Physiol. Ther. 10 (1987) 172-176.
    """
    if not _comparable(left, right):
        return None
    left, right = abs(left), abs(right)
    return 100.0 * (right - left) / (0.5 * (right + left))


def log_ratio_percent(left: float, right: float) -> float | None:
    """Return 100 ln(R / L): like the index for small differences, but it adds up and has no ceiling. None as there."""
    return 100.0 * log(right / left) if _comparable(left, right) else None


def student_95(freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t for `freedom` >= 1 degrees of freedom.

    A table up to 10, beyond it the expansion about the normal quantile (error below 1e-5). Source: Abramowitz & Stegun,
    Handbook of Mathematical Functions (1964), 26.7.5.
    """
    if freedom <= len(_STUDENT_95):
        return _STUDENT_95[freedom - 1]
    z = _NORMAL_95
    terms = (
        z,
        (z**3 + z) / 4.0,
        (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0,
        (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0,
        (79.0 * z**9 + 776.0 * z**7 + 1482.0 * z**5 - 1920.0 * z**3 - 945.0 * z) / 92160.0,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))


def mean_interval(values: Sequence[float] | NDArray[np.float64]) -> Interval | None:
    """Return the mean of `values` (the indices of the pairs) with a 95 % interval by Student's t; None when empty.

    Pairs are taken as independent, which makes the interval somewhat too narrow for neighbours that resemble.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.size == 0:
        return None
    mean = float(np.mean(x))
    if x.size < FEWEST:
        return Interval(mean, None, None, int(x.size))
    reach = student_95(x.size - 1) * float(np.std(x, ddof=1)) / sqrt(x.size)
    return Interval(mean, mean - reach, mean + reach, int(x.size))


def load_share_percent(
    left: Sequence[float] | NDArray[np.float64], right: Sequence[float] | NDArray[np.float64]
) -> tuple[float, float] | None:
    """Return the share of each leg, (left, right) in percent, of the summed |impulse|; None when the sum is zero."""
    of_left, of_right = float(np.sum(np.abs(left))), float(np.sum(np.abs(right)))
    total = of_left + of_right
    if not isfinite(total) or total <= 0.0:
        return None
    return 100.0 * of_left / total, 100.0 * of_right / total
