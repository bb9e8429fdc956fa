"""Repetitions of a whole recorded angle, looking both ways: a zigzag with hysteresis, for a known axis and sign."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def repetitions(x: Array, hysteresis: float) -> list[tuple[int, int, int]]:
    """Return (onset, peak, end) of every valley - peak - valley of `x` that turns by at least `hysteresis`.

    Onset and end are the samples next to the peak within 0.3 of the excursion from the higher of the two valleys.
    """
    turns: list[int] = [0]
    rising, best = True, 0
    for k in range(len(x)):
        if (x[k] > x[best]) == rising and x[k] != x[best]:
            best = k
        elif abs(x[k] - x[best]) >= hysteresis:
            turns.append(best)
            rising, best = not rising, k
    turns.append(best)
    found = []
    for before, peak, after in zip(turns, turns[1:], turns[2:], strict=False):
        if x[peak] - x[before] < hysteresis or x[peak] - x[after] < hysteresis:
            continue
        base = max(x[before], x[after])
        low = x < base + 0.3 * (x[peak] - base)
        onset = before + int(np.flatnonzero(low[before:peak])[-1])
        end = peak + int(np.flatnonzero(low[peak : after + 1])[0])
        found.append((onset, peak, end))
    return found
