"""What a sampled signal does between two fractional positions, by NumPy's interpolation and polynomial fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ankled.kernels import ring
from ankled.kernels.constants import GRAVITY_MPS2

Array = NDArray[np.float64]


def matrices(window: Array) -> Array:
    """Rotation matrices sensor to earth, (n, 3, 3), from the sandwich product q (0, e) q* of the unit vectors e."""
    out = np.zeros((len(window), 3, 3))
    for k, q in enumerate(window[:, ring.QUAT : ring.QUAT + 4]):
        w, v = q[0], q[1:]
        cross = np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])
        out[k] = (w * w - v @ v) * np.eye(3) + 2.0 * np.outer(v, v) + 2.0 * w * cross
    return out


def linear_acceleration(window: Array) -> Array:
    """Return a - g R^T z in the sensor frame, (n, 3)."""
    return window[:, ring.ACC : ring.ACC + 3] - GRAVITY_MPS2 * matrices(window)[:, 2, :]


def nodes(samples: int, start: float, stop: float) -> Array:
    """Both ends and every whole position between them, inside the signal."""
    start, stop = np.clip([start, stop], 0.0, samples - 1.0)
    whole = np.arange(samples, dtype=float)
    return np.concatenate(([start], whole[(whole > start) & (whole < stop)], [stop]))


def at(signal: Array, positions: Array | float) -> Array:
    """Linear interpolation."""
    return np.asarray(np.interp(positions, np.arange(len(signal)), signal))


def extreme(signal: Array, start: float, stop: float) -> tuple[float, float]:
    """Largest |value| at start <= k < stop, then the vertex of the fitted parabola if it lies in the interval."""
    n = len(signal)
    start, stop = float(np.clip(start, 0, n - 1)), float(np.clip(stop, 0, n))
    if stop <= start:
        return np.nan, np.nan
    whole = [k for k in range(n) if start <= k < stop]
    if not whole:
        middle = min(0.5 * (start + stop), n - 1.0)
        return middle, float(at(signal, middle))
    best = max(whole, key=lambda k: abs(signal[k]))
    if 0 < best < n - 1:
        three = np.sign(signal[best]) * signal[best - 1 : best + 2]
        c2, c1, c0 = np.polyfit([-1.0, 0.0, 1.0], three, 2)
        if three[1] == three.max() and c2 < 0.0:
            shift = -c1 / (2.0 * c2)
            if start <= best + shift <= stop:
                return best + shift, float(np.sign(signal[best]) * (c0 + 0.5 * c1 * shift))
    return float(best), float(signal[best])
