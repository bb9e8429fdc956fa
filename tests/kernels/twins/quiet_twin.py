"""ISway measures of a prepared signal (low-passed, mean removed), by loops and SciPy's periodogram."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import integrate, signal
from scipy.spatial.distance import pdist

if TYPE_CHECKING:
    from tests.kernels.twins.windows_twin import Array


def measure(ap: Array, ml: Array, rate_hz: float, bandwidth_hz: float) -> dict[str, float]:
    """Every measure under the name of the field."""
    n = len(ap)
    seconds = n / rate_hz
    radius = [math.hypot(a, m) for a, m in zip(ap, ml, strict=True)]
    steps = [(ap[k + 1] - ap[k], ml[k + 1] - ml[k]) for k in range(n - 1)]
    path = sum(math.hypot(*step) for step in steps)
    dist = sum(radius) / n
    speed = [integrate.cumulative_trapezoid(x, dx=1.0 / rate_hz, initial=0.0) for x in (ap, ml)]
    every = max(1, int(rate_hz // 25.0))
    frequency, density = signal.periodogram(np.stack([ap, ml])[:, ::every], rate_hz / every, detrend=False)
    kept = (frequency >= 0.15) & (frequency <= bandwidth_hz)
    f, power = frequency[kept], density.sum(axis=0)[kept] * frequency[1]
    edges = np.append(f, f[-1] + frequency[1]) - 0.5 * frequency[1]
    share = np.concatenate(([0.0], np.cumsum(power))) / np.sum(power)
    moment = [float(np.sum(f**k * power)) for k in range(3)]
    return {
        "jerk_m2ps5": 0.5 * sum((a * rate_hz) ** 2 + (m * rate_hz) ** 2 for a, m in steps) / rate_hz,
        "dist_mps2": dist,
        "rms_ap_mps2": float(np.sqrt(np.mean(np.square(ap)))),
        "rms_ml_mps2": float(np.sqrt(np.mean(np.square(ml)))),
        "rms_mps2": math.sqrt(sum(r * r for r in radius) / n),
        "path_mps2": path,
        "range_mps2": float(pdist(np.stack([ap, ml], axis=1)).max()),
        "mv_mps": float(np.mean(np.linalg.norm([v - v.mean() for v in speed], axis=0))),
        "mf_hz": path / (2.0 * math.pi * dist * seconds),
        "area_m2ps5": sum(abs(ap[k + 1] * ml[k] - ap[k] * ml[k + 1]) for k in range(n - 1)) / (2.0 * seconds),
        "power_m2ps4": moment[0],
        "f50_hz": float(np.interp(0.5, share, edges)),
        "f95_hz": float(np.interp(0.95, share, edges)),
        "cf_hz": math.sqrt(moment[2] / moment[0]),
        "fd": math.sqrt(1.0 - moment[1] ** 2 / (moment[0] * moment[2])),
    }
