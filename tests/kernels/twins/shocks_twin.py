"""Restlessness, falls and shocks, slow and plain: the rules of kernels/shocks.py over whole arrays."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ankled.kernels.shocks import Params

FloatArray = NDArray[np.float64]


class Shock(NamedTuple):
    """A shock: when, how strong (m2/s4), and the largest specific force in it (m/s2)."""

    time_s: float
    energy: float
    peak_mps2: float


def followed(signal: FloatArray, rate_hz: float, time_constant_s: float, start: FloatArray) -> FloatArray:
    """Return the exponential mean of a signal, value by value, before each value was taken in."""
    share = 1.0 - math.exp(-1.0 / (rate_hz * time_constant_s))
    means = np.empty((len(signal) + 1, *signal.shape[1:]))
    means[0] = start
    for k, value in enumerate(signal):
        means[k + 1] = (1.0 - share) * means[k] + share * value
    return means


def still(acc: FloatArray, rate_hz: float, params: Params) -> NDArray[np.bool_]:
    """Return at which samples the leg is still."""
    away = np.linalg.norm(acc - followed(acc, rate_hz, params.motion_s, acc[0])[:-1], axis=1)
    restless = followed(away / (1.0 + away / params.saturation_mps2), rate_hz, params.motion_smooth_s, np.zeros(()))[1:]
    ages_s = np.arange(len(acc)) / rate_hz
    strongest = [
        max(restless[: k + 1] * np.exp((ages_s[: k + 1] - ages_s[k]) / params.memory_s)) for k in range(len(acc))
    ]
    return np.asarray(restless <= np.maximum(params.still_mps2, params.still_share * np.asarray(strongest)))


def falling(acc: FloatArray, rate_hz: float, params: Params) -> NDArray[np.bool_]:
    """Return at which samples the leg has been falling for long enough."""
    light = np.linalg.norm(acc, axis=1) <= params.fall_mps2
    light[0] = False
    need = math.ceil(params.fall_s * rate_hz)
    return np.asarray([k + 1 >= need and bool(light[k + 1 - need : k + 1].all()) for k in range(len(acc))])


def shocks(time_s: FloatArray, acc: FloatArray, rate_hz: float, params: Params) -> list[Shock]:
    """Return every shock."""
    jolt = np.sum((acc - followed(acc, rate_hz, params.shock_s, acc[0])[:-1]) ** 2, axis=1)
    for _ in range(2):
        jolt = followed(jolt, rate_hz, params.shock_smooth_s, np.zeros(()))[1:]
    force = np.linalg.norm(acc, axis=1)
    found: list[Shock] = []
    valley = 0
    for k in range(1, len(jolt) - 1):
        left, here, right = jolt[k - 1 : k + 2]
        if left > here <= right:
            valley = k + 1
        if not (left < here >= right and here >= params.least_shock_mps2**2):
            continue
        vertex = float(np.roots(np.polyder(np.polyfit([-1.0, 0.0, 1.0], [left, here, right], 2)))[0])
        made = Shock(time_s[k] + vertex / rate_hz - params.delay_s, here, float(force[valley : k + 2].max()))
        if found and made.time_s - found[-1].time_s < params.apart_s:
            other = found.pop()
            made = (made if made.energy > other.energy else other)._replace(
                peak_mps2=max(made.peak_mps2, other.peak_mps2)
            )
        found.append(made)
    return found
