"""Values, extremes, spans and means of a sampled signal between two fractional sample positions.

Events fall between samples, so every measure takes positions as floats: sample `k` of a window is at `k.0`. A signal
is read as the straight lines between its samples; positions outside the signal are moved to its nearest end.
"""

from __future__ import annotations

from math import ceil, floor, nan, sqrt
from typing import TYPE_CHECKING

from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@kernel
def inside(position: float, samples: int) -> float:
    """Return `position` moved into [0, samples - 1]."""
    return min(max(position, 0.0), samples - 1.0)


@kernel
def value_at(signal: NDArray[np.float64], position: float) -> float:
    """Return the linear interpolation of `signal` at a position within [0, len - 1]."""
    k = floor(position)
    part = position - k
    if part == 0.0:
        return signal[k]
    return (1.0 - part) * signal[k] + part * signal[k + 1]


@kernel
def extreme(signal: NDArray[np.float64], samples: int, start: float, stop: float) -> tuple[float, float]:
    """Return (position, signed value) of the largest |value| among the samples with start <= k < stop.

    Where that sample is higher than both its neighbours (they may lie outside the interval), the vertex of the
    parabola through the three replaces it, unless it lies outside the interval. An interval between two samples gives
    the interpolated value at its middle; an empty interval gives (nan, nan).
    """
    start, stop = inside(start, samples), min(max(stop, 0.0), float(samples))
    if not stop > start:
        return nan, nan
    best, height = -1, -1.0
    for k in range(ceil(start), ceil(stop)):
        if abs(signal[k]) > height:
            best, height = k, abs(signal[k])
    if best < 0:
        middle = inside(0.5 * (start + stop), samples)
        return middle, value_at(signal[:samples], middle)
    position, value = float(best), signal[best]
    if 0 < best < samples - 1:
        sign = 1.0 if value >= 0.0 else -1.0
        before, after = sign * signal[best - 1], sign * signal[best + 1]
        curvature = before - 2.0 * height + after
        if curvature < 0.0 and before <= height and after <= height:
            shift = 0.5 * (before - after) / curvature
            if start <= best + shift <= stop:
                position = best + shift
                value = sign * (height - 0.25 * (before - after) * shift)
    return position, value


@kernel
def span(signal: NDArray[np.float64], start: float, stop: float) -> float:
    """Return largest minus smallest value between two positions within [0, len - 1], both ends included."""
    low = high = value_at(signal, start)
    last = value_at(signal, stop)
    low, high = min(low, last), max(high, last)
    for k in range(ceil(start), floor(stop) + 1):
        low, high = min(low, signal[k]), max(high, signal[k])
    return high - low


@kernel
def mean_value(signal: NDArray[np.float64], start: float, stop: float) -> float:
    """Return the mean of the signal over the time between two positions within [0, len - 1], by trapezoids."""
    total = 0.0
    left, a = value_at(signal, start), start
    for k in range(floor(start) + 1, ceil(stop) + 1):
        b = min(float(k), stop)
        right = value_at(signal, b)
        total += 0.5 * (b - a) * (left + right)
        left, a = right, b
    return total / (stop - start)


@kernel
def mean_and_rms(signal: NDArray[np.float64], samples: int, start: float, stop: float) -> tuple[float, float]:
    """Return the mean of |value| and the root mean square over the time between two positions, by trapezoids.

    (nan, nan) when the interval is empty.
    """
    start, stop = inside(start, samples), inside(stop, samples)
    if not stop > start:
        return nan, nan
    total = squares = 0.0
    left, a = value_at(signal, start), start
    for k in range(floor(start) + 1, ceil(stop) + 1):
        b = min(float(k), stop)
        right = value_at(signal, b)
        total += 0.5 * (b - a) * (abs(left) + abs(right))
        squares += 0.5 * (b - a) * (left * left + right * right)
        left, a = right, b
    return total / (stop - start), sqrt(squares / (stop - start))
