"""Range of motion and angular rate about an axis, from the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ankled.kernels import ring
from tests.kernels.twins import windows_twin

if TYPE_CHECKING:
    from tests.kernels.twins.windows_twin import Array


def _span(signal: Array, whole: tuple[float, float]) -> float:
    return float(np.ptp(windows_twin.at(signal, windows_twin.nodes(len(signal), *whole))))


def measure(
    window: Array, whole: tuple[float, float], inner: tuple[float, float], p: Array, rate_hz: float
) -> tuple[float, bool, float, float]:
    """Range in degrees, whether it is about the vertical, peak rate over `whole`, mean rate over `inner`."""
    rate = window[:, ring.GYR : ring.GYR + 3] @ p
    up = windows_twin.matrices(window)[:, 2, :]
    first, last = int(np.floor(whole[0])), int(np.ceil(whole[1])) + 1
    about_vertical = bool(np.mean(np.abs(up[first:last] @ p)) > 0.8)
    if about_vertical:
        angle = np.concatenate(([0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1])))) / rate_hz
    else:
        e1 = np.linalg.svd(p[None, :])[2][1]  # any vector perpendicular to p: the range does not depend on it
        e2 = np.cross(p, e1)
        angle = np.zeros(len(window))
        angle[first:last] = np.unwrap(np.arctan2(up[first:last] @ e2, up[first:last] @ e1))
    positions = windows_twin.nodes(len(window), *inner)
    length = positions[-1] - positions[0]
    mean = np.trapezoid(np.abs(windows_twin.at(rate, positions)), positions) / length if length > 0.0 else np.nan
    return np.degrees(_span(angle, whole)), about_vertical, abs(windows_twin.extreme(rate, *whole)[1]), float(mean)
