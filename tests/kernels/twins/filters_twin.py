"""Zero-phase Butterworth low-pass by its definition in the frequency domain of the difference equation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def coefficients(bandwidth_hz: float, rate_hz: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Poles of the analogue filter, gain one at 0 Hz and its own at the bandwidth, none at half the rate.

    A bandwidth above a quarter of the rate: the two analogue poles by the bilinear transform, prewarped.
    """
    if bandwidth_hz <= 0.25 * rate_hz:
        return _matched(bandwidth_hz, rate_hz)
    corner = 2.0 * rate_hz * np.tan(np.pi * bandwidth_hz / rate_hz) / (np.sqrt(2.0) - 1.0) ** 0.25
    poles = corner * np.exp(1j * np.pi * np.array([0.75, -0.75]))
    digital = (2.0 * rate_hz + poles) / (2.0 * rate_hz - poles)
    a = np.real(np.poly(digital))
    b = np.array([1.0, 2.0, 1.0])
    return b * np.sum(a) / np.sum(b), a


def _matched(bandwidth_hz: float, rate_hz: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Impulse-invariant poles; the zeros from the autocorrelation of the numerator, by its minimum-phase root."""
    corner = 2.0 * np.pi * bandwidth_hz / rate_hz / (np.sqrt(2.0) - 1.0) ** 0.25
    a = np.real(np.poly(np.exp(corner * np.exp(1j * np.pi * np.array([0.75, -0.75])))))

    def power(w: float) -> float:
        return float(abs(np.polyval(a, np.exp(1j * w))) ** 2)

    # |numerator|^2 = (2 + 2 cos w) (m + n cos w): the first factor is the zero at half the rate.
    w = 2.0 * np.pi * bandwidth_hz / rate_hz
    wanted = np.array([power(0.0) / 4.0, np.sqrt(0.5) * power(w) / (2.0 + 2.0 * np.cos(w))])
    m, n = np.linalg.solve([[1.0, 1.0], [1.0, np.cos(w)]], wanted)
    # m + n cos w = |c + d exp(-jw)|^2 with c >= |d|: c^2 + d^2 = m, 2 c d = n.
    c, d = 0.5 * (np.sqrt(m + n) + np.sqrt(m - n)), 0.5 * (np.sqrt(m + n) - np.sqrt(m - n))
    return np.convolve([1.0, 1.0], [c, d]), a


def _one_way(b: NDArray[np.float64], a: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Difference equation; what came before x is x[0] for ever, so the output was x[0] too."""
    y = np.zeros_like(x)
    for k in range(x.size):
        y[k] = sum(b[j] * (x[k - j] if k >= j else x[0]) for j in range(3))
        y[k] -= sum(a[j] * (y[k - j] if k >= j else x[0]) for j in (1, 2))
    return y


def lowpass(x: NDArray[np.float64], bandwidth_hz: float, rate_hz: float) -> NDArray[np.float64]:
    """Reflect both ends, filter forward, filter backward, cut the ends off."""
    pad = max(0, min(x.size - 1, int(np.ceil(3.0 * rate_hz / bandwidth_hz))))
    if pad == 0:
        return x.copy()
    b, a = coefficients(bandwidth_hz, rate_hz)
    before, after = 2.0 * x[0] - x[pad:0:-1], 2.0 * x[-1] - x[-2 : -pad - 2 : -1]
    forward = _one_way(b, a, np.concatenate((before, x, after)))
    return _one_way(b, a, forward[::-1])[::-1][pad : pad + x.size]
