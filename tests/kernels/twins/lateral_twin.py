"""Lateral force per kilogram, from the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ankled.kernels import ring
from tests.kernels.twins import filters_twin, windows_twin

if TYPE_CHECKING:
    from tests.kernels.twins.windows_twin import Array


def measure(
    window: Array,
    whole: tuple[float, float],
    inner: tuple[float, float],
    y_axis: Array,
    axis_uncertainty_rad: float,
    comes_to_rest: bool,
    bandwidth_hz: float,
    rate_hz: float,
) -> tuple[float, ...]:
    """Mean, RMS, impulse over `whole`; peak, its position and time over `inner`; impact outside it; uncertainty; rival.

    A leg that comes to rest has no mean force.
    """
    linear = windows_twin.linear_acceleration(window)
    smooth = np.stack([filters_twin.lowpass(linear[:, c], bandwidth_hz, rate_hz) for c in range(3)], axis=1)
    across = filters_twin.lowpass(linear @ y_axis, bandwidth_hz, rate_hz)  # projecting first must give the same
    position = windows_twin.nodes(len(window), *whole)
    if comes_to_rest:
        across = across - np.trapezoid(windows_twin.at(across, position), position) / (position[-1] - position[0])
    force = windows_twin.at(across, position)
    seconds = (position[-1] - position[0]) / rate_hz
    impulse = np.trapezoid(np.abs(force), position) / rate_hz
    rms = np.sqrt(np.trapezoid(force**2, position) / rate_hz / seconds)
    peak_at, peak = windows_twin.extreme(across, *inner)
    rest = [windows_twin.extreme(across, whole[0], inner[0])[1], windows_twin.extreme(across, inner[1], whole[1])[1]]
    heard = [value for value in rest if not np.isnan(value)]
    impact = max(heard, key=abs) if heard else np.nan
    vector = np.array([windows_twin.at(smooth[:, c], peak_at) for c in range(3)])
    uncertainty = axis_uncertainty_rad * float(np.linalg.norm(np.cross(vector, y_axis)))
    time = float(windows_twin.at(window[:, ring.TIME], peak_at))
    whole_samples = [k for k in range(len(across)) if inner[0] <= k < inner[1]]
    others = [0.0, *(-across[k] * np.sign(peak) for k in whole_samples)]
    rival = min(1.0, max(others) / abs(peak)) if abs(peak) > 0.0 else np.nan
    return float(impulse / seconds), float(rms), float(impulse), peak, peak_at, time, impact, uncertainty, rival
