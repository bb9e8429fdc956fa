"""Quiet-standing sway with the formulas of ISway, for single-leg balance. Runs once per spell of standing."""

from __future__ import annotations

from math import ceil, cos, nan, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.filters import SCRATCH_COLUMNS, lowpass, scratch_rows
from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

BANDWIDTH_HZ = 3.5
"""Zero-phase low-pass before every measure, as ISway does with its acceleration."""

SHORTEST_S = 5.0
"""A shorter spell has no measures: its spectrum would have no line below 0.2 Hz."""

LOWEST_HZ = 0.15
"""The spectrum counts from here: below lies what the mean and the drift of the inclination leave."""

SPECTRUM_HZ = 25.0
"""Least rate of the samples that the spectrum is made of: what lies above half of it is gone behind the low-pass."""

AP = 0
"""Scratch column of the antero-posterior acceleration, or of one horizontal direction where AP is not known."""
ML = 1
"""Scratch column of the direction perpendicular to it."""

SWAY = np.dtype(
    [
        (name, "f8")
        for name in (
            "jerk_m2ps5",
            "dist_mps2",
            "rms_mps2",
            "rms_ap_mps2",
            "rms_ml_mps2",
            "path_mps2",
            "range_mps2",
            "mv_mps",
            "mf_hz",
            "area_m2ps5",
            "power_m2ps4",
            "f50_hz",
            "f95_hz",
            "cf_hz",
            "fd",
            "bandwidth_hz",
        )
    ],
    align=True,
)
"""The measures of Table 2 of the ISway paper for acceleration, under their names there, units in ours."""


@kernel
def farthest(x: NDArray[np.float64], y: NDArray[np.float64], kept: NDArray[np.float64]) -> float:
    """Return the largest distance between any two of the points (x, y), whose mean is near the origin.

    Only points far out can be one of the two: `kept` (n, 2) is work space for them.
    """
    outmost, radius2 = 0, 0.0
    for i in range(x.size):
        square = x[i] * x[i] + y[i] * y[i]
        if square > radius2:
            outmost, radius2 = i, square
    largest2 = 0.0
    for i in range(x.size):
        dx, dy = x[i] - x[outmost], y[i] - y[outmost]
        largest2 = max(largest2, dx * dx + dy * dy)
    nearest = max(0.0, sqrt(largest2) - sqrt(radius2))  # whoever is nearer to the origin is too near to all others
    n = 0
    for i in range(x.size):
        if x[i] * x[i] + y[i] * y[i] >= nearest * nearest:
            kept[n, 0], kept[n, 1] = x[i], y[i]
            n += 1
    for i in range(n):
        for j in range(i):
            dx, dy = kept[i, 0] - kept[j, 0], kept[i, 1] - kept[j, 1]
            largest2 = max(largest2, dx * dx + dy * dy)
    return sqrt(largest2)


@kernel
def _centre(x: NDArray[np.float64]) -> None:
    """Remove the mean."""
    mean = 0.0
    for i in range(x.size):
        mean += x[i]
    mean /= x.size
    for i in range(x.size):
        x[i] -= mean


@kernel
def _speed(ap: NDArray[np.float64], ml: NDArray[np.float64], work: NDArray[np.float64], rate_hz: float) -> float:
    """Return the mean size of the velocity: integral by trapezoids, mean removed, because where it starts is unknown.

    `work` (n, 2) is overwritten.
    """
    work[0, 0] = work[0, 1] = 0.0
    for i in range(1, ap.size):
        work[i, 0] = work[i - 1, 0] + 0.5 * (ap[i] + ap[i - 1]) / rate_hz
        work[i, 1] = work[i - 1, 1] + 0.5 * (ml[i] + ml[i - 1]) / rate_hz
    _centre(work[:, 0])
    _centre(work[:, 1])
    total = 0.0
    for i in range(ap.size):
        total += sqrt(work[i, 0] * work[i, 0] + work[i, 1] * work[i, 1])
    return total / ap.size


@kernel
def _line(x: NDArray[np.float64], y: NDArray[np.float64], turn: float) -> float:
    """Return |sum x[k] exp(-i turn k)|^2 + |sum y[k] exp(-i turn k)|^2 by Goertzel's recursion."""
    double = 2.0 * cos(turn)
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for i in range(x.size):
        a, b = x[i] - b + double * a, a
        c, d = y[i] - d + double * c, c
    return a * a + b * b - double * a * b + c * c + d * d - double * c * d


@kernel
def _reached(power: NDArray[np.float64], first: int, last: int, amount: float) -> float:
    """Return where the sum of the lines [first, last] reaches `amount`, in lines; each spreads half a line each way."""
    total = 0.0
    for j in range(first, last):
        if total + power[j] >= amount:
            return j - 0.5 + (amount - total) / power[j]
        total += power[j]
    return last - 0.5 + (amount - total) / power[last]


@kernel
def _spectrum(
    out: Any, ap: NDArray[np.float64], ml: NDArray[np.float64], power: NDArray[np.float64], rate_hz: float
) -> None:
    """Fill in the measures of the spectrum of both directions together. `power` is overwritten."""
    n = ap.size
    first, last = ceil(LOWEST_HZ * n / rate_hz), int(out.bandwidth_hz * n / rate_hz)
    m0, m1, m2 = 0.0, 0.0, 0.0
    for j in range(first, last + 1):
        turn = 2.0 * pi * j / n
        f = j * rate_hz / n
        p = 2.0 * _line(ap, ml, turn) / (float(n) * n)
        power[j] = p
        m0 += p
        m1 += f * p
        m2 += f * f * p
    out.power_m2ps4 = m0
    out.f50_hz = out.f95_hz = out.cf_hz = out.fd = nan
    if m0 <= 0.0:
        return
    out.cf_hz = sqrt(m2 / m0)
    out.fd = sqrt(max(0.0, 1.0 - m1 * m1 / (m0 * m2)))
    out.f50_hz = _reached(power, first, last, 0.5 * m0) * rate_hz / n
    out.f95_hz = _reached(power, first, last, 0.95 * m0) * rate_hz / n


@kernel
def fill(out: Any, scratch: NDArray[np.float64], first: int, n: int, rate_hz: float, bandwidth_hz: float) -> None:
    """Measure rows [first, first + n) of columns AP and ML of `scratch`, low-passed already, into `out`.

    `out` is a SWAY or a result row. Columns 2 to 5 are overwritten, and the mean of what is measured is removed. See
    `measure` for the formulas.
    """
    ap, ml = scratch[first : first + n, AP], scratch[first : first + n, ML]
    _centre(ap)
    _centre(ml)
    path, jerk, swept = 0.0, 0.0, 0.0
    for i in range(n - 1):
        step_ap, step_ml = ap[i + 1] - ap[i], ml[i + 1] - ml[i]
        square = step_ap * step_ap + step_ml * step_ml
        jerk += square
        path += sqrt(square)
        swept += abs(ap[i + 1] * ml[i] - ap[i] * ml[i + 1])
    dist, square_ap, square_ml = 0.0, 0.0, 0.0
    for i in range(n):
        a, m = ap[i] * ap[i], ml[i] * ml[i]
        square_ap += a
        square_ml += m
        dist += sqrt(a + m)
    dist /= n
    duration_s = n / rate_hz
    out.bandwidth_hz = bandwidth_hz
    out.jerk_m2ps5 = 0.5 * jerk * rate_hz
    out.dist_mps2 = dist
    out.rms_mps2 = sqrt((square_ap + square_ml) / n)
    out.rms_ap_mps2 = sqrt(square_ap / n)
    out.rms_ml_mps2 = sqrt(square_ml / n)
    out.path_mps2 = path
    out.range_mps2 = farthest(ap, ml, scratch[:n, 2:4])
    out.mv_mps = _speed(ap, ml, scratch[:n, 4:6], rate_hz)
    out.mf_hz = path / (2.0 * pi * dist * duration_s) if dist > 0.0 else nan
    out.area_m2ps5 = swept / (2.0 * duration_s)
    every = max(1, int(rate_hz / SPECTRUM_HZ))
    few = (n + every - 1) // every
    for i in range(few):  # side by side, which is quicker to go through many times
        scratch[i, 2] = ap[i * every]
        scratch[i, 3] = ml[i * every]
    _spectrum(out, scratch[:few, 2], scratch[:few, 3], scratch[:, 4], rate_hz / every)


def measure(
    ap: NDArray[np.float64], ml: NDArray[np.float64], rate_hz: float, bandwidth_hz: float = BANDWIDTH_HZ
) -> Any:
    """Return quiet-standing sway of antero-posterior and medio-lateral acceleration, a SWAY; None for less than 5 s.

    With both low-passed (zero-phase) and free of their mean, T = n / rate, RD = sqrt(AP^2 + ML^2):

    * JERK = 1/2 integral (dAP/dt)^2 + (dML/dt)^2 dt, forward differences; DIST = mean RD; RMS = sqrt(mean RD^2), and
      that of each direction;
    * PATH = sum of the steps of (AP, ML); RANGE = largest distance between any two points;
    * MV = mean of sqrt((integral AP dt)^2 + (integral ML dt)^2), means removed;
    * MF = PATH / (2 pi DIST T);
    * AREA: the swept area per time, sum |AP[k+1] ML[k] - AP[k] ML[k+1]| / (2 T), in m2/s5. Not a 95 % ellipse;
    * from the summed periodograms of AP and ML between 0.15 Hz and the bandwidth, of every n-th sample so that at
      least 25 Hz are left: PWR; F50 and F95, the frequencies below which 50 and 95 % of it lie, each line taken as
      even over the 1/T about it, so that they are not tied to the lines; CF = sqrt(m2 / m0);
      FD = sqrt(1 - m1^2 / (m0 m2)), m the moments.

    Shapes: `ap`, `ml` (n,), equal. Units: m/s2, Hz. Range: 0.15 < bandwidth_hz < rate_hz / 2. Ratios of a perfectly
    still signal are nan.

    ISway is defined at the lumbar spine; ours is measured at the ankle: smaller, and not to be compared with published
    norms. Deviations: the paper gives no formulas for AREA, RANGE and the spectrum; they follow Prieto.

    Source: M. Mancini et al., ISway: a sensitive, valid and reliable measure of postural control, J. NeuroEng.
    Rehabil. 9 (2012) 59, doi 10.1186/1743-0003-9-59, Table 2; T. E. Prieto et al., Measures of postural steadiness,
    IEEE Trans. Biomed. Eng. 43 (1996) 956-966, doi 10.1109/10.532130.
    """
    n = ap.size
    if n < SHORTEST_S * rate_hz:
        return None
    scratch = np.zeros((scratch_rows(n), SCRATCH_COLUMNS))
    scratch[:n, AP], scratch[:n, ML] = ap, ml
    lowpass(scratch, AP, n, bandwidth_hz, rate_hz)
    lowpass(scratch, ML, n, bandwidth_hz, rate_hz)
    out = np.zeros(1, SWAY).view(np.recarray)[0]
    fill(out, scratch, 0, n, rate_hz, bandwidth_hz)
    return out
