"""Sway across the plane of the movement, from the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.kernels.twins import filters_twin, windows_twin

if TYPE_CHECKING:
    from tests.kernels.twins.windows_twin import Array


def _value(signal: Array, position: float) -> float:
    """Polynomial through the six samples around `position` (fewer in a shorter window)."""
    points = min(6, len(signal))
    first = int(np.clip(np.floor(position) - (points - 1) // 2, 0, len(signal) - points))
    near = np.arange(first, first + points)
    return float(np.linalg.solve(np.vander(near - position), signal[near])[-1])  # the constant term


def rms_and_jerk(window: Array, whole: tuple[float, float], p: Array, rate_hz: float) -> tuple[float, float]:
    """RMS about the mean and RMS of the derivative, by the polynomial through seven values, on the grid of 100 Hz."""
    bandwidth_hz = min(10.0, 0.4 * rate_hz)
    along = filters_twin.lowpass(windows_twin.linear_acceleration(window) @ p, bandwidth_hz, rate_hz)
    if 99.0 <= rate_hz <= 101.0:
        grid = np.arange(np.ceil(whole[0]), whole[1] + 1e-12)
        step = 1.0
    else:
        step = rate_hz / 100.0
        grid = whole[0] + step * np.arange(np.floor((whole[1] - whole[0]) / step) + 1)
    values = np.array([_value(along, g) for g in grid])
    inner = [g for g in grid if g - 3.0 * step >= 0.0 and g + 3.0 * step <= len(window) - 1]
    around = np.arange(-3.0, 4.0)
    weights = np.linalg.inv(np.vander(around))[-2]  # of the polynomial's linear term: its derivative in the middle
    slopes = np.array([weights @ [_value(along, g + j * step) for j in around] * rate_hz / step for g in inner])
    jerk = float(np.sqrt(np.mean(slopes**2))) if inner else np.nan
    return (float(np.std(values)) if len(values) else np.nan), jerk


def range_deg(window: Array, whole: tuple[float, float], p: Array, z_leg: Array | None) -> float:
    """Range of the leg's tilt towards the mean axis, or of what tilts most across p when `z_leg` is None."""
    turns = windows_twin.matrices(window)[int(np.ceil(whole[0])) : int(np.floor(whole[1])) + 1]
    axis = turns @ p
    mean = axis.mean(axis=0)
    if np.linalg.norm(mean) < 0.5:
        return np.nan
    mean = mean / np.linalg.norm(mean)
    if z_leg is not None:
        return float(np.ptp(np.degrees(np.arcsin(np.clip((turns @ z_leg) @ mean, -1.0, 1.0)))))
    towards = mean @ turns  # the mean axis in the sensor
    aside = towards - np.outer(towards @ p, p)
    direction = np.linalg.svd(aside - aside.mean(axis=0))[2][0]
    return float(np.ptp(np.degrees(np.arcsin(np.clip(aside @ direction, -1.0, 1.0)))))
