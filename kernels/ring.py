"""The history of one sensor on the uniform grid: a ring that shows every window as one contiguous block.

Sample `k` (counted from 0 over the whole epoch) lives in row `k % capacity`. As many rows lie behind these: a window
that goes over the end of the ring finds there, copied when it is asked for, what stands at the beginning. So a window
of at most `capacity` samples is a plain slice, no kernel ever handles a wrap, and a sample is written once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ankled.kernels.jit import kernel, view

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIME = 0
"""Column of the sample's time, s."""
ACC = 1
"""First of three columns: specific force in the sensor frame, m/s2."""
GYR = 4
"""First of three columns: angular rate in the sensor frame, bias removed, rad/s."""
QUAT = 7
"""First of four columns: unit quaternion (w, x, y, z) from sensor to earth axes, z up, heading free."""
FLAGS = 11
"""Column of the sample's flags, a sum of the FLAG_ constants."""
WIDTH = 12
"""Columns of a row."""

FLAG_INTERPOLATED = 1.0
FLAG_CLIPPED = 2.0

HISTORY_S = 45.0
"""How far back a window may reach, s: longer than the longest repetition, a supine raise with a long hold."""


def make_ring(rate_hz: float) -> NDArray[np.float64]:
    """Return an empty ring, shape (2 * capacity, WIDTH), for a grid of `rate_hz`."""
    capacity = int(np.ceil(HISTORY_S * rate_hz))
    return np.zeros((2 * capacity, WIDTH))


@kernel
def _continue(ring: NDArray[np.float64], rows: int) -> None:
    """Copy the first rows of the ring behind its end."""
    capacity = ring.shape[0] // 2
    for row in range(rows):
        for column in range(ring.shape[1]):
            ring[capacity + row, column] = ring[row, column]


@view
def window(ring: NDArray[np.float64], first: int, last: int) -> NDArray[np.float64]:
    """Return samples `first` (included) to `last` (excluded) as a contiguous view, shape (last - first, WIDTH).

    The caller keeps `last - first` within the capacity and `last` within what was written.
    """
    start = first % (ring.shape[0] // 2)
    stop = start + last - first
    if stop > ring.shape[0] // 2:
        _continue(ring, stop - ring.shape[0] // 2)
    return ring[start:stop]
