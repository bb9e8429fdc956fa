"""Zero-phase low-pass over a closed window: second-order Butterworth gain, forward and backward, in place.

The caller hands a window with real samples on both sides of the part it will measure, so that what the filter invents
at the edges stays outside.
"""

from __future__ import annotations

from math import ceil, cos, exp, pi, sin, sqrt
from typing import TYPE_CHECKING

from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCRATCH_COLUMNS = 8
"""Columns of the scratch array that the measuring kernels share."""

_TWO_PASS = (sqrt(2.0) - 1.0) ** 0.25
"""Winter's factor: two passes of a filter designed at w / 0.802 are together 3 dB down at w."""
_ALSO_MATCHED = 0.6
"""Where else than at 0 Hz and at the bandwidth the gain is exactly the analogue one, as a share of the bandwidth."""


def scratch_rows(samples: int) -> int:
    """Return how many rows a scratch array needs for windows of up to `samples` samples."""
    return 2 * samples + 512


@kernel
def padding(samples: int, bandwidth_hz: float, rate_hz: float) -> int:
    """Return how many samples are reflected at each end: three periods of the bandwidth, at most samples - 1."""
    return max(0, min(samples - 1, ceil(3.0 * rate_hz / bandwidth_hz)))


@kernel
def _power(frequency_hz: float, bandwidth_hz: float, rate_hz: float, a1: float, a2: float) -> tuple[float, float]:
    """Return sin^2(w / 2), and the power that the zeros must have there: the analogue power times that of the poles."""
    s = sin(pi * frequency_hz / rate_hz) ** 2
    poles = (1.0 + a1 + a2) ** 2 * (1.0 - s) + (1.0 - a1 + a2) ** 2 * s - 16.0 * a2 * s * (1.0 - s)
    return s, poles / (1.0 + (_TWO_PASS * frequency_hz / bandwidth_hz) ** 4)


@kernel
def two_pass_butterworth(bandwidth_hz: float, rate_hz: float) -> tuple[float, float, float, float, float]:
    """Coefficients of a second-order low-pass with the gain of an analogue Butterworth one, for two passes.

    |H|^2 = 1 / (1 + (sqrt(2) - 1) (f / bandwidth)^4), so a forward and a backward pass are together 3 dB down at the
    bandwidth (Winter's correction). The poles are those of the analogue filter by impulse invariance; the zeros make
    the gain exact at 0 Hz, at 0.6 of the bandwidth and at the bandwidth. So one bandwidth means the same at every rate:
    up to the bandwidth the gain of both passes is within 0.02 of the analogue one, beyond it within 0.05 for a
    bandwidth up to 0.2 of the rate. The bilinear transform, whose gain falls to nothing at half the rate, loses half
    of the power at twice the bandwidth when that is 0.2 of the rate.

    Range: 0 < bandwidth_hz < 0.45 rate_hz. Returns (b0, b1, b2, a1, a2), a0 = 1; the gain at 0 Hz is 1.

    Source: M. Vicanek, Matched second order digital filters (2016), vicanek.de/articles/BiquadFits.pdf, without a DOI;
    D. A. Winter, Biomechanics and Motor Control of Human Movement, 4th ed. (2009), ch. 3.4,
    doi 10.1002/9780470549148. Deviation from Vicanek: which frequencies are matched.
    """
    decay = pi * sqrt(2.0) * bandwidth_hz / (rate_hz * _TWO_PASS)
    a1, a2 = -2.0 * exp(-decay) * cos(decay), exp(-2.0 * decay)
    # |zeros|^2 = z0 (1 - s) + z1 s + 4 z2 s (1 - s) with s = sin^2(w / 2): two equations for z1 and z2.
    z0 = (1.0 + a1 + a2) ** 2
    s, power = _power(_ALSO_MATCHED * bandwidth_hz, bandwidth_hz, rate_hz, a1, a2)
    t, other = _power(bandwidth_hz, bandwidth_hz, rate_hz, a1, a2)
    p, q = (power - z0 * (1.0 - s)) / s, (other - z0 * (1.0 - t)) / t
    z2 = (p - q) / (4.0 * (t - s))
    z1 = p - 4.0 * z2 * (1.0 - s)
    half = 0.5 * (sqrt(z0) + sqrt(z1))
    b0 = 0.5 * (half + sqrt(half * half + z2))
    return b0, 0.5 * (sqrt(z0) - sqrt(z1)), -z2 / (4.0 * b0), a1, a2


@kernel
def lowpass(scratch: NDArray[np.float64], column: int, samples: int, bandwidth_hz: float, rate_hz: float) -> None:
    """Low-pass rows [0, samples) of one scratch column in place, without delay.

    A forward and a backward pass of `two_pass_butterworth`: fourth order in total, and the TOTAL response is 3 dB down
    at `bandwidth_hz`. Both ends are continued by `padding` samples reflected through the end point (odd), and each
    pass starts in the steady state of its first input, as scipy.signal.filtfilt does.

    Shapes: `scratch` (m, >= column + 1) with m >= 2 * samples; rows [samples, 2 * samples) of the column are
    overwritten. Range: 0 < bandwidth_hz < 0.45 rate_hz; no or one sample is left as it is.

    Source: F. Gustafsson, Determining the initial states in forward-backward filtering, IEEE Trans. Signal Process.
    44 (1996) 988-992, doi 10.1109/78.492552 (here: the simpler steady-state start).
    """
    pad = padding(samples, bandwidth_hz, rate_hz)
    if pad == 0:
        return
    b0, b1, b2, a1, a2 = two_pass_butterworth(bandwidth_hz, rate_hz)
    x = scratch[:, column]
    first, last, end = x[0], x[samples - 1], samples + pad

    for k in range(pad):  # before the forward pass overwrites what it reflects
        x[samples + k] = 2.0 * last - x[samples - 2 - k]

    value = 2.0 * first - x[pad]
    z1, z2 = (1.0 - b0) * value, (b2 - a2) * value
    for k in range(pad, 0, -1):  # the reflected start feeds the state; nothing reads its output
        value = 2.0 * first - x[k]
        filtered = b0 * value + z1
        z1 = b1 * value + z2 - a1 * filtered
        z2 = b2 * value - a2 * filtered
    for k in range(end):
        value = x[k]
        filtered = b0 * value + z1
        z1 = b1 * value + z2 - a1 * filtered
        z2 = b2 * value - a2 * filtered
        x[k] = filtered

    value = x[end - 1]
    z1, z2 = (1.0 - b0) * value, (b2 - a2) * value
    for k in range(end - 1, -1, -1):
        value = x[k]
        filtered = b0 * value + z1
        z1 = b1 * value + z2 - a1 * filtered
        z2 = b2 * value - a2 * filtered
        x[k] = filtered
