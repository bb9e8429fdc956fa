"""Zero-phase low-pass over a closed window: second-order Butterworth, forward and backward, in place.

The caller hands a window with real samples on both sides of the part it will measure, so that what the filter invents
at the edges stays outside.
"""

from __future__ import annotations

from math import ceil, pi, sqrt, tan
from typing import TYPE_CHECKING

from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCRATCH_COLUMNS = 8
"""Columns of the scratch array that the measuring kernels share."""

_TWO_PASS = (sqrt(2.0) - 1.0) ** 0.25
"""Winter's factor: two passes of a filter designed at w / 0.802 are together 3 dB down at w."""


def scratch_rows(samples: int) -> int:
    """Return how many rows a scratch array needs for windows of up to `samples` samples."""
    return 2 * samples + 512


@kernel
def padding(samples: int, bandwidth_hz: float, rate_hz: float) -> int:
    """Return how many samples are reflected at each end: three periods of the bandwidth, at most samples - 1."""
    return max(0, min(samples - 1, ceil(3.0 * rate_hz / bandwidth_hz)))


@kernel
def two_pass_butterworth(bandwidth_hz: float, rate_hz: float) -> tuple[float, float, float, float]:
    """Coefficients of a second-order Butterworth low-pass that is 3 dB down after a forward and a backward pass.

    Bilinear transform of H(s) = 1 / (s^2 + sqrt(2) s + 1) with k = tan(pi f / rate) / (sqrt(2) - 1)^(1/4). The
    division is Winter's correction for two passes; it is made on the prewarped frequency, where it is exact up to
    the Nyquist frequency (a correction of f itself passes Nyquist at f = 0.401 rate).

    Range: 0 < bandwidth_hz < rate_hz / 2. Returns (b0, b1, a1, a2) with b2 = b0 and a0 = 1; the gain at 0 Hz is 1.

    Source: D. A. Winter, Biomechanics and Motor Control of Human Movement, 4th ed. (2009), ch. 3.4,
    doi 10.1002/9780470549148.
    """
    k = tan(pi * bandwidth_hz / rate_hz) / _TWO_PASS
    scale = 1.0 / (1.0 + sqrt(2.0) * k + k * k)
    b0 = k * k * scale
    return b0, 2.0 * b0, 2.0 * (k * k - 1.0) * scale, (1.0 - sqrt(2.0) * k + k * k) * scale


@kernel
def lowpass(scratch: NDArray[np.float64], column: int, samples: int, bandwidth_hz: float, rate_hz: float) -> None:
    """Low-pass rows [0, samples) of one scratch column in place, without delay.

    A forward and a backward pass of `two_pass_butterworth`: fourth order in total, and the TOTAL response is 3 dB down
    at `bandwidth_hz`. Both ends are continued by `padding` samples reflected through the end point (odd), and each
    pass starts in the steady state of its first input, as scipy.signal.filtfilt does.

    Shapes: `scratch` (m, >= column + 1) with m >= 2 * samples; rows [samples, 2 * samples) of the column are
    overwritten. Range: 0 < bandwidth_hz < rate_hz / 2; no or one sample is left as it is.

    Source: F. Gustafsson, Determining the initial states in forward-backward filtering, IEEE Trans. Signal Process.
    44 (1996) 988-992, doi 10.1109/78.492552 (here: the simpler steady-state start).
    """
    pad = padding(samples, bandwidth_hz, rate_hz)
    if pad == 0:
        return
    b0, b1, a1, a2 = two_pass_butterworth(bandwidth_hz, rate_hz)
    x = scratch[:, column]
    first, last, end = x[0], x[samples - 1], samples + pad

    for k in range(pad):  # before the forward pass overwrites what it reflects
        x[samples + k] = 2.0 * last - x[samples - 2 - k]

    value = 2.0 * first - x[pad]
    z1, z2 = (1.0 - b0) * value, (b0 - a2) * value
    for k in range(pad, 0, -1):  # the reflected start feeds the state; nothing reads its output
        value = 2.0 * first - x[k]
        filtered = b0 * value + z1
        z1 = b1 * value + z2 - a1 * filtered
        z2 = b0 * value - a2 * filtered
    for k in range(end):
        value = x[k]
        filtered = b0 * value + z1
        z1 = b1 * value + z2 - a1 * filtered
        z2 = b0 * value - a2 * filtered
        x[k] = filtered

    value = x[end - 1]
    z1, z2 = (1.0 - b0) * value, (b0 - a2) * value
    for k in range(end - 1, -1, -1):
        value = x[k]
        filtered = b0 * value + z1
        z1 = b1 * value + z2 - a1 * filtered
        z2 = b0 * value - a2 * filtered
        x[k] = filtered
