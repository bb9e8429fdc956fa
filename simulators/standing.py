"""What the sway of a standing leg truly was: the formulas of ISway on the exact trajectory, written by definition.

The force is that of an ideal sensor on the leg, at 500 Hz, low-passed by the magnitude of a zero-phase filter, in the
plane across its mean over the spell. Written apart from the kernels, so that it can judge them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.simulators.truth import GRID_HZ, MARGIN_S, low_pass

if TYPE_CHECKING:
    from ankled.simulators.limb import Limb

_LOWEST_HZ = 0.15


class Sway(msgspec.Struct, frozen=True, kw_only=True):
    """The truth about one spell of standing; fields have the names of `ankled.standing/1`."""

    start_s: float
    end_s: float
    jerk_m2ps5: float
    dist_mps2: float
    rms_mps2: float
    rms_ap_mps2: float
    rms_ml_mps2: float
    path_mps2: float
    range_mps2: float
    mv_mps: float
    mf_hz: float
    area_m2ps5: float
    power_m2ps4: float
    f50_hz: float
    f95_hz: float
    centroidal_frequency_hz: float
    frequency_dispersion: float
    bandwidth_hz: float


def sway(limb: Limb, start_s: float, end_s: float, *, bandwidth_hz: float = 3.5) -> Sway:
    """Return the truth about the leg from `start_s` to `end_s`, both included."""
    steps = np.arange(np.round((start_s - MARGIN_S) * GRID_HZ), np.round((end_s + MARGIN_S) * GRID_HZ) + 1.0)
    time_s = steps / GRID_HZ
    inside = (time_s > start_s - 1e-9) & (time_s < end_s + 1e-9)
    force = limb.at(time_s).specific_force_mps2
    mean = force[inside].mean(axis=0)
    up = mean / np.linalg.norm(mean)
    left = np.array([0.0, 1.0, 0.0]) - up[1] * up
    left /= np.linalg.norm(left)
    plane = np.stack((np.cross(left, up), left))
    ap, ml = (low_pass((force - mean) @ axis, bandwidth_hz, GRID_HZ)[inside] for axis in plane)
    ap, ml = ap - ap.mean(), ml - ml.mean()

    seconds = ap.size / GRID_HZ
    radius = np.sqrt(ap**2 + ml**2)
    jerk_ap, jerk_ml = np.gradient(ap, 1.0 / GRID_HZ), np.gradient(ml, 1.0 / GRID_HZ)
    path = np.sum(np.sqrt(jerk_ap**2 + jerk_ml**2)) / GRID_HZ
    velocity = np.cumsum(np.stack((ap, ml)), axis=1) / GRID_HZ
    velocity -= velocity.mean(axis=1, keepdims=True)
    angle = np.linspace(0.0, np.pi, 721)
    widths = [np.ptp(np.cos(one) * ap + np.sin(one) * ml) for one in angle]
    frequency = np.fft.rfftfreq(ap.size, 1.0 / GRID_HZ)
    power = 2.0 * (np.abs(np.fft.rfft(ap)) ** 2 + np.abs(np.fft.rfft(ml)) ** 2) / ap.size**2
    kept = (frequency >= _LOWEST_HZ) & (frequency <= bandwidth_hz)
    frequency, power = frequency[kept], power[kept]
    half = 0.5 / seconds
    share = np.concatenate(([0.0], np.cumsum(power))) / power.sum()
    f50, f95 = (float(x) for x in np.interp((0.5, 0.95), share, np.append(frequency - half, frequency[-1] + half)))
    m0, m1, m2 = (float(np.sum(frequency**order * power)) for order in range(3))
    return Sway(
        start_s=start_s,
        end_s=end_s,
        jerk_m2ps5=float(0.5 * np.sum(jerk_ap**2 + jerk_ml**2) / GRID_HZ),
        dist_mps2=float(radius.mean()),
        rms_mps2=float(np.sqrt(np.mean(radius**2))),
        rms_ap_mps2=float(ap.std()),
        rms_ml_mps2=float(ml.std()),
        path_mps2=float(path),
        range_mps2=float(max(widths)),
        mv_mps=float(np.mean(np.hypot(*velocity))),
        mf_hz=float(path / (2.0 * np.pi * radius.mean() * seconds)),
        area_m2ps5=float(np.sum(np.abs(jerk_ap * ml - ap * jerk_ml)) / GRID_HZ / (2.0 * seconds)),
        power_m2ps4=m0,
        f50_hz=f50,
        f95_hz=f95,
        centroidal_frequency_hz=float(np.sqrt(m2 / m0)),
        frequency_dispersion=float(np.sqrt(1.0 - m1**2 / (m0 * m2))),
        bandwidth_hz=bandwidth_hz,
    )
