"""The movement axis from its definition: weighted sums over the whole recording and an eigen-decomposition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def smoothed(signal: Array, time_s: float, dt_s: float) -> Array:
    """Return the first-order low-pass of each column, at rest before the start."""
    gain = 1.0 - np.exp(-dt_s / time_s)
    n = len(signal)
    age = np.arange(n)[:, None] - np.arange(n)[None, :]
    weights = np.where(age >= 0, gain * (1.0 - gain) ** np.maximum(age, 0), 0.0)
    out: Array = weights @ signal
    return out


def axis(
    acc: Array, gyr: Array, up: Array, dt_s: float, *, smooth_s: float, forget_s: float, leak_s: float
) -> tuple[Array, float, float]:
    """Return (signed axis, share of the rate's power, correlation of rate and vertical velocity) at the last sample."""
    rise = np.sum(acc * up, axis=1) - 9.80665
    keep = np.exp(-dt_s / leak_s)
    velocity = np.array([np.sum(rise[: k + 1] * keep ** np.arange(k, -1, -1)) * dt_s for k in range(len(rise))])
    rate, velocity = smoothed(gyr, smooth_s, dt_s), smoothed(velocity[:, None], smooth_s, dt_s)[:, 0]
    gain = 1.0 - np.exp(-dt_s / forget_s)
    weight = gain * (1.0 - gain) ** np.arange(len(rate) - 1, -1, -1)
    second = np.einsum("k,ki,kj->ij", weight, rate, rate)
    values, vectors = np.linalg.eigh(second)
    p = vectors[:, -1]
    along = rate @ p
    covariance = weight @ (along * velocity) - (weight @ velocity) * (weight @ along)
    variance = weight @ velocity**2 - (weight @ velocity) ** 2
    p = p * np.sign(covariance)
    return p, values[-1] / values.sum(), abs(covariance) / np.sqrt(values[-1] * variance)
