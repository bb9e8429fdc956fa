"""The axes of a walking leg from its whole history at once: weighted means, an eigenvector, a covariance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ankled.kernels import gait_axes, ring
from tests.kernels.twins.vqf_twin import MeanThenButterworth
from tests.kernels.twins.windows_twin import Array, linear_acceleration, matrices


class Axes(NamedTuple):
    """Unit vectors left and up, ratio of variances, confidence of the sign."""

    left: Array
    up: Array
    ratio: float
    confidence: float


def weights(gain: Array) -> Array:
    """Return what each sample weighs in the end when sample k has moved a mean by gain[k] of the way to itself."""
    kept = np.concatenate((np.cumprod((1.0 - gain)[::-1])[::-1][1:], [1.0]))
    return gain * kept


def measure(rows: Array, rate_hz: float, params: gait_axes.Params) -> Axes:
    """Return the axes that all of `rows` speak for."""
    dt = 1.0 / rate_hz
    smooth = MeanThenButterworth(np.sqrt(2.0) / (2.0 * np.pi * params.lowpass_hz), dt)
    rate = np.array([smooth(w) for w in rows[:, ring.GYR : ring.GYR + 3]])
    speed = np.linalg.norm(rate, axis=1)
    turns = matrices(rows)

    # The vertical: mean of the up vector, a sample weighing by how still the leg is.
    still = (1.0 / (1.0 + (speed / params.stance_rad_s) ** 2)) ** 2
    gain = still * np.maximum(dt / params.stance_forget_s, 1.0 / np.cumsum(still))
    up = weights(gain) @ turns[:, 2, :]
    up = up / np.linalg.norm(up)

    # y: where the rate varies most in the plane across the vertical, over the active samples.
    active = speed > params.active_rad_s
    seen = np.cumsum(active)
    mean_gain = np.maximum(dt / params.forget_s, 1.0 / np.maximum(seen, 1))
    chosen = rate[active]
    w = weights(mean_gain[active])
    across = np.eye(3) - np.outer(up, up)
    values, vectors = np.linalg.eigh(across @ (chosen.T * w @ chosen) @ across)
    order = np.argsort(np.abs(vectors.T @ up))  # the last is the vertical itself, whose eigenvalue is zero
    pair = sorted(order[:2], key=lambda i: values[i])
    y = vectors[:, pair[1]]

    # Its sign: forward is z x y, and the leg moves forward while it turns fast.
    acc = np.einsum("kij,kj->ki", turns, linear_acceleration(rows))
    velocity = np.zeros(3)
    forward = np.zeros((len(rows), 3))  # row k: component along z x e for each unit vector e of the sensor
    for k, a in enumerate(acc):
        velocity = velocity * (1.0 - dt / params.velocity_leak_s) + a * dt
        horizontal = velocity * [1.0, 1.0, 0.0]
        forward[k] = [np.cross([0.0, 0.0, 1.0], turns[k][:, i]) @ horizontal for i in range(3)]
    w = weights(mean_gain)
    about_mean = forward - w @ forward
    covariance = (w * (speed - w @ speed)) @ about_mean
    spread = np.sqrt((w @ (speed - w @ speed) ** 2) * np.sum(w @ about_mean**2))
    if covariance @ y > 0.0:
        y = -y
    return Axes(y, up, float(values[pair[1]] / values[pair[0]]), float(abs(covariance @ y) / spread))
