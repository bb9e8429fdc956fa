"""The sample rate of a sensor from its time stamps, however rounded, with samples missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

USUAL_RATES_HZ = (
    10.0, 12.5, 13.0, 20.0, 25.0, 26.0, 30.0, 40.0, 50.0, 52.0, 60.0, 64.0, 100.0, 102.4, 104.0, 120.0, 125.0, 128.0,
    200.0, 204.8, 208.0, 240.0, 250.0, 256.0, 400.0, 416.0, 500.0, 512.0, 800.0, 833.0, 1000.0,
)  # fmt: skip
"""Output data rates that inertial sensors and their firmware are set to."""
SNAP = 0.003
"""Relative distance within which a measured rate is taken for a usual one: clocks are better, neighbours farther."""
MIN_RATE_HZ = 10.0
MAX_RATE_HZ = 2000.0
INTERVALS = 256
"""Intervals that an estimate looks at."""

_SINGLE = (0.5, 1.5 + 1e-6)
"""Share of the median between which an interval is taken for one period. 1.5 itself belongs to it: stamps in whole
milliseconds at 416 Hz are 2 or 3 ms apart."""
_PASSES = 5


def estimate_rate(time_s: NDArray[np.float64]) -> float:
    """Return the sample rate in Hz from the first intervals of `time_s` (n,), seconds.

    The median interval is a first period; the mean of all intervals near it a better one; with that every sample gets
    its number on the grid, missing ones skipped, and the least-squares line of time over number gives the rate. Stamps
    may be rounded to a third of the period, and as many as half the samples may be lost if they are lost in runs.
    Times that are not finite, repeated or run backwards are left out. From 256 intervals within 0.1 %, for stamps in
    whole milliseconds up to 300 Hz, where the staircase of the rounding sets the limit: 1.5 steps over their span.

    Raises ValueError for fewer than two distinct times and for a rate outside 10 to 2000 Hz.
    """
    time = np.asarray(time_s, np.float64).ravel()
    time = time[np.isfinite(time)]
    if time.size:
        ascending = time > np.concatenate(([-np.inf], np.maximum.accumulate(time)[:-1]))
        time = time[ascending][: INTERVALS + 1]
    if time.size < 2:
        message = f"cannot tell the sample rate from {time.size} distinct time(s): at least 2 are needed"
        raise ValueError(message)
    time = time - time[0]
    step = np.diff(time)
    median = np.median(step)
    period = float(step[(step >= _SINGLE[0] * median) & (step <= _SINGLE[1] * median)].mean())
    number = np.concatenate(([0.0], np.cumsum(np.maximum(np.rint(step / period), 1.0))))
    for _ in range(_PASSES):
        slope, start = _line(number, time)
        renumbered = np.rint((time - start) / slope)
        if np.array_equal(renumbered, number):
            break
        number = renumbered
    rate_hz = 1.0 / _line(number, time)[0]
    if not MIN_RATE_HZ * (1.0 - SNAP) <= rate_hz <= MAX_RATE_HZ * (1.0 + SNAP):
        message = f"the sample rate is {rate_hz:.6g} Hz; it must be from {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz"
        raise ValueError(message)
    return rate_hz


def _line(number: NDArray[np.float64], time: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope and intercept of the least-squares line of `time` over `number`."""
    centred = number - number.mean()
    slope = float(centred @ time / (centred @ centred))
    return slope, float(time.mean() - slope * number.mean())


def snap_rate(rate_hz: float) -> float:
    """Return the usual rate within 0.3 % of `rate_hz`, else `rate_hz` itself."""
    nearest = min(USUAL_RATES_HZ, key=lambda usual: abs(usual - rate_hz))
    return nearest if abs(nearest - rate_hz) <= SNAP * nearest else rate_hz
