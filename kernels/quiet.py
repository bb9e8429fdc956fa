"""Quiet-standing sway with the formulas of ISway, for single-leg balance. Runs once per spell of standing."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ankled.kernels.filters import lowpass, scratch_rows
from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

BANDWIDTH_HZ = 3.5
"""Zero-phase low-pass before every measure, as ISway does with its acceleration."""

SHORTEST_S = 5.0
"""A shorter spell has no measures: its spectrum would have no line below 0.2 Hz."""

_LOWEST_HZ = 0.15
"""The spectrum counts from here: below lies what the mean and the drift of the inclination leave."""


@dataclass(frozen=True, slots=True)
class QuietSway:
    """The measures of Table 2 of the ISway paper for acceleration, under their names there, units in ours."""

    jerk_m2ps5: float
    dist_mps2: float
    rms_mps2: float
    path_mps2: float
    range_mps2: float
    mv_mps: float
    mf_hz: float
    area_m2ps5: float
    power_m2ps4: float
    f50_hz: float
    f95_hz: float
    cf_hz: float
    fd: float
    duration_s: float
    bandwidth_hz: float


@kernel
def farthest(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the largest distance between any two of the points (x, y)."""
    largest = 0.0
    for i in range(x.size):
        for j in range(i):
            dx, dy = x[i] - x[j], y[i] - y[j]
            largest = max(largest, dx * dx + dy * dy)
    return sqrt(largest)


def _prepared(acceleration: NDArray[np.float64], bandwidth_hz: float, rate_hz: float) -> NDArray[np.float64]:
    """Low-pass a copy and remove its mean."""
    n = acceleration.size
    scratch = np.zeros((scratch_rows(n), 1))
    scratch[:n, 0] = acceleration
    lowpass(scratch, 0, n, bandwidth_hz, rate_hz)
    return scratch[:n, 0] - np.mean(scratch[:n, 0])


def _velocity(acceleration: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """Integral by trapezoids, mean removed, because where it starts is unknown."""
    steps = np.cumsum(0.5 * (acceleration[1:] + acceleration[:-1])) / rate_hz
    velocity = np.concatenate((np.zeros(1), steps))
    return velocity - np.mean(velocity)


def _spectrum(
    ap: NDArray[np.float64], ml: NDArray[np.float64], bandwidth_hz: float, rate_hz: float
) -> tuple[float, float, float, float, float]:
    """Power, F50, F95, centroidal frequency and frequency dispersion of both directions together."""
    frequency = np.fft.rfftfreq(ap.size, 1.0 / rate_hz)
    power = 2.0 * (np.abs(np.fft.rfft(ap)) ** 2 + np.abs(np.fft.rfft(ml)) ** 2) / ap.size**2
    kept = (frequency >= _LOWEST_HZ) & (frequency <= bandwidth_hz)
    frequency, power = frequency[kept], power[kept]
    total = float(np.sum(power))
    if total <= 0.0:
        return 0.0, nan, nan, nan, nan
    reached = np.cumsum(power) / total
    f50, f95 = (float(frequency[np.searchsorted(reached, part)]) for part in (0.5, 0.95))
    first, second = float(np.sum(frequency * power)), float(np.sum(frequency**2 * power))
    return total, f50, f95, sqrt(second / total), sqrt(max(0.0, 1.0 - first * first / (total * second)))


def measure(
    ap: NDArray[np.float64], ml: NDArray[np.float64], rate_hz: float, bandwidth_hz: float = BANDWIDTH_HZ
) -> QuietSway | None:
    """Measure quiet-standing sway from antero-posterior and medio-lateral acceleration, None for less than 5 s.

    With both low-passed (zero-phase) and free of their mean, T = n / rate, RD = sqrt(AP^2 + ML^2):

    * JERK = 1/2 integral (dAP/dt)^2 + (dML/dt)^2 dt, forward differences; DIST = mean RD; RMS = sqrt(mean RD^2);
    * PATH = sum of the steps of (AP, ML); RANGE = largest distance between any two points;
    * MV = mean of sqrt((integral AP dt)^2 + (integral ML dt)^2), means removed;
    * MF = PATH / (2 pi DIST T);
    * AREA: the swept area per time, sum |AP[k+1] ML[k] - AP[k] ML[k+1]| / (2 T), in m2/s5. Not a 95 % ellipse;
    * from the summed periodograms of AP and ML between 0.15 Hz and the bandwidth: PWR; F50 and F95, the first
      frequencies below which 50 and 95 % of it lie; CF = sqrt(m2 / m0); FD = sqrt(1 - m1^2 / (m0 m2)), m the moments.

    Shapes: `ap`, `ml` (n,), equal. Units: m/s2, Hz. Range: 0.15 < bandwidth_hz < rate_hz / 2. Ratios of a perfectly
    still signal are nan.

    ISway is defined at the lumbar spine; ours is measured at the ankle: smaller, and not to be compared with published
    norms. Deviations: the paper gives no formulas for AREA, RANGE and the spectrum; they follow Prieto.

    Source: M. Mancini et al., ISway: a sensitive, valid and reliable measure of postural control, J. NeuroEng.
    Rehabil. 9 (2012) 59, doi 10.1186/1743-0003-9-59, Table 2; T. E. Prieto et al., Measures of postural steadiness,
    IEEE Trans. Biomed. Eng. 43 (1996) 956-966, doi 10.1109/10.532130.
    """
    duration_s = ap.size / rate_hz
    if duration_s < SHORTEST_S:
        return None
    ap, ml = _prepared(ap, bandwidth_hz, rate_hz), _prepared(ml, bandwidth_hz, rate_hz)
    step_ap, step_ml = np.diff(ap), np.diff(ml)
    distance = np.hypot(ap, ml)
    dist, path = float(np.mean(distance)), float(np.sum(np.hypot(step_ap, step_ml)))
    power, f50, f95, cf, fd = _spectrum(ap, ml, bandwidth_hz, rate_hz)
    swept = np.abs(ap[1:] * ml[:-1] - ap[:-1] * ml[1:])
    return QuietSway(
        jerk_m2ps5=float(0.5 * np.sum(step_ap**2 + step_ml**2) * rate_hz),
        dist_mps2=dist,
        rms_mps2=float(np.sqrt(np.mean(distance**2))),
        path_mps2=path,
        range_mps2=farthest(ap, ml),
        mv_mps=float(np.mean(np.hypot(_velocity(ap, rate_hz), _velocity(ml, rate_hz)))),
        mf_hz=path / (2.0 * pi * dist * duration_s) if dist > 0.0 else nan,
        area_m2ps5=float(np.sum(swept)) / (2.0 * duration_s),
        power_m2ps4=power,
        f50_hz=f50,
        f95_hz=f95,
        cf_hz=cf,
        fd=fd,
        duration_s=duration_s,
        bandwidth_hz=bandwidth_hz,
    )
