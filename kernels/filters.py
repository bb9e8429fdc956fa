"""Zero-phase low-pass over a closed window: second-order Butterworth gain, forward and backward, in place.

The caller hands a window with real samples on both sides of the part it will measure, so that what the filter invents
at the edges stays outside.
"""

from __future__ import annotations

from math import ceil, cos, exp, pi, sin, sqrt, tan
from typing import TYPE_CHECKING

from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCRATCH_COLUMNS = 8
"""Columns of the scratch array that the measuring kernels share."""

_TWO_PASS = (sqrt(2.0) - 1.0) ** 0.25
"""Winter's factor: two passes of a filter designed at w / 0.802 are together 3 dB down at w."""
_ROOM = 0.25
"""Largest bandwidth, as a share of the rate, whose gain can be had right."""


def scratch_rows(samples: int) -> int:
    """Return how many rows a scratch array needs for windows of up to `samples` samples."""
    return 2 * samples + 512


@kernel
def padding(samples: int, bandwidth_hz: float, rate_hz: float) -> int:
    """Return how many samples are reflected at each end: three periods of the bandwidth, at most samples - 1."""
    return max(0, min(samples - 1, ceil(3.0 * rate_hz / bandwidth_hz)))


@kernel
def two_pass_butterworth(bandwidth_hz: float, rate_hz: float) -> tuple[float, float, float, float, float]:
    """Coefficients of a second-order low-pass for two passes: together Butterworth of order four, 3 dB down.

    |H|^2 = 1 / (1 + (sqrt(2) - 1) (f / bandwidth)^4) (Winter's correction for two passes). Up to a bandwidth of a
    quarter of the rate: poles by impulse invariance, one zero at half the rate, the other such that the gain is exact
    at 0 Hz and at the bandwidth. So one bandwidth means the same at every rate, and the shock of a heel, which samples
    fold down from above half the rate, is kept out. At 0.1 of the rate the gain is within 0.004 of the analogue one
    everywhere below four times the bandwidth; at 0.2, 0.03 up to the bandwidth and 0.1 beyond. A wider band has no
    room for that: there the bilinear transform, prewarped at the bandwidth.

    Range: 0 < bandwidth_hz < rate_hz / 2. Returns (b0, b1, b2, a1, a2), a0 = 1; the gain at 0 Hz is 1.

    Source: M. Vicanek, Matched second order digital filters (2016), vicanek.de/articles/BiquadFits.pdf, without a DOI
    (deviation: the gain is matched at half the rate, to nothing); D. A. Winter, Biomechanics and Motor Control of Human
    Movement, 4th ed. (2009), ch. 3.4, doi 10.1002/9780470549148.
    """
    if bandwidth_hz > _ROOM * rate_hz:
        k = tan(pi * bandwidth_hz / rate_hz) / _TWO_PASS
        scale = 1.0 / (1.0 + sqrt(2.0) * k + k * k)
        b = k * k * scale
        return b, 2.0 * b, b, 2.0 * (k * k - 1.0) * scale, (1.0 - sqrt(2.0) * k + k * k) * scale
    decay = pi * sqrt(2.0) * bandwidth_hz / (rate_hz * _TWO_PASS)
    a1, a2 = -2.0 * exp(-decay) * cos(decay), exp(-2.0 * decay)
    still = 1.0 + a1 + a2  # the denominator at 0 Hz, and so what the numerator must be there
    s = sin(pi * bandwidth_hz / rate_hz) ** 2
    power = still * still * (1.0 - s) + (1.0 - a1 + a2) ** 2 * s - 16.0 * a2 * s * (1.0 - s)
    # |numerator|^2 = still^2 (1 - s) + 4 spread s (1 - s) with s = sin^2(w / 2), zero at half the rate.
    spread = (power * sqrt(0.5) - still * still * (1.0 - s)) / (4.0 * s * (1.0 - s))
    b0 = 0.25 * (still + sqrt(still * still + 4.0 * spread))
    return b0, 0.5 * still, 0.5 * still - b0, a1, a2


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
