"""The axes that one stride speaks for, by NumPy: moving means, second moments, an eigenvector."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ankled.kernels import ring
from tests.kernels.twins.windows_twin import Array, matrices


class Axes(NamedTuple):
    """Unit vectors left, stance vertical, direction of the mean specific force; ratio of variances; active share."""

    left: Array
    z: Array
    mean_up: Array
    ratio: float
    active_share: float


def measure(rows: Array, rate_hz: float, left: Array) -> Axes:
    """Return the axes of the samples."""
    reach = int(0.025 * rate_hz)
    gyr = rows[:, ring.GYR : ring.GYR + 3]
    rate = np.array([gyr[max(0, k - reach) : k + reach + 1].mean(axis=0) for k in range(len(rows))])
    speed = np.linalg.norm(rate, axis=1)
    weight = (1.0 / (1.0 + (speed / 0.5) ** 2)) ** 2
    z = weight @ matrices(rows)[:, 2, :]
    mean = rows[:, ring.ACC : ring.ACC + 3].mean(axis=0)
    mean_up = mean / np.linalg.norm(mean)
    active = rate[speed > 0.7]
    across = np.eye(3) - np.outer(mean_up, mean_up)
    values, vectors = np.linalg.eigh(across @ active.T @ active @ across)
    order = np.argsort(np.abs(vectors.T @ mean_up))
    small, large = sorted(order[:2], key=lambda i: values[i])
    y = vectors[:, large]
    return Axes(
        y if y @ left >= 0.0 else -y,
        z / np.linalg.norm(z),
        mean_up,
        float(values[large] / values[small]),
        len(active) / len(rows),
    )
