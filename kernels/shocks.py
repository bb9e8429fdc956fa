"""What an accelerometer alone tells of a leg, whichever way it sits: how restless it is, its falls and its shocks.

All three are lengths of vectors in the sensor's own frame, so no turn of the sensor alters them, and differences
over a short time, so neither does a sensor whose zero is off.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.jit import kernel
from ankled.kernels.ring import FLAG_CLIPPED, FLAG_INTERPOLATED

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Params:
    """How the three are measured.

    motion_s: time constant of the mean that restlessness is the distance from.
    motion_smooth_s: smoothing of restlessness.
    saturation_mps2: distance of which half counts; beyond, a shock says little more.
    memory_s: how fast the strongest restlessness is forgotten.
    still_share, still_mps2: the leg is still below this share of the strongest, or below this value.
    shock_s: time constant of the mean that a shock is the distance from.
    shock_smooth_s: each of the two smoothings of its square.
    least_shock_mps2: root of the smoothed square from which it is a shock.
    apart_s: shocks closer together than this are one.
    delay_s: how much later the smoothed square has its peak than the contact that caused the shock.
    fall_mps2, fall_s: the leg falls freely when the specific force stays below this for this long.
    """

    motion_s: float = 0.06
    motion_smooth_s: float = 0.04
    saturation_mps2: float = 10.0
    memory_s: float = 3.0
    still_share: float = 0.35
    still_mps2: float = 0.4
    shock_s: float = 0.02
    shock_smooth_s: float = 0.015
    least_shock_mps2: float = 2.0
    apart_s: float = 0.1
    delay_s: float = 0.03
    fall_mps2: float = 4.0
    fall_s: float = 0.15


KEPT = 32
"""Shocks that are remembered: `apart_s` each, so those of the last three seconds at least."""

SHOCK = np.dtype(
    [
        ("place", "f8"),
        ("time_s", "f8"),
        ("energy", "f8"),
        ("peak_mps2", "f8"),
        ("missing", "i8"),
        ("clipped", "i8"),
    ],
    align=True,
)
"""`place` in samples of the grid; `energy` the smoothed square, m2/s4; the counts are of all samples up to here."""

STATE = np.dtype(
    [
        ("k", "i8"),  # samples taken in
        ("fresh", "i8"),  # 1 when the next sample is the first
        ("mean", "f8", (3,)),
        ("restless", "f8"),
        ("strongest", "f8"),
        ("past", "f8", (3,)),
        ("once", "f8"),
        ("twice", "f8"),
        ("before", "f8"),  # `twice` a sample and two samples ago
        ("earlier", "f8"),
        ("peak_mps2", "f8"),
        ("heavy_k", "i8"),  # the last sample with a force that is no fall
        ("missing", "i8"),
        ("clipped", "i8"),
        ("shocks", SHOCK, (KEPT,)),
        ("shocks_n", "i8"),
        ("period_s", "f8"),
        ("motion_gain", "f8"),
        ("motion_smooth_gain", "f8"),
        ("memory", "f8"),
        ("shock_gain", "f8"),
        ("shock_smooth_gain", "f8"),
        ("saturation_mps2", "f8"),
        ("still_share", "f8"),
        ("still_mps2", "f8"),
        ("least_energy", "f8"),
        ("apart_n", "f8"),
        ("delay_n", "f8"),
        ("fall_mps2", "f8"),
        ("fall_n", "i8"),
    ],
    align=True,
)


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state before the first sample, shape (1,), for a grid of `rate_hz`."""
    array = np.zeros(1, STATE)
    state: Any = array[0]

    def gain(time_constant_s: float) -> float:
        return 1.0 - exp(-1.0 / (rate_hz * time_constant_s))

    state["period_s"] = 1.0 / rate_hz
    state["motion_gain"] = gain(params.motion_s)
    state["motion_smooth_gain"] = gain(params.motion_smooth_s)
    state["memory"] = 1.0 - gain(params.memory_s)
    state["shock_gain"] = gain(params.shock_s)
    state["shock_smooth_gain"] = gain(params.shock_smooth_s)
    state["saturation_mps2"] = params.saturation_mps2
    state["still_share"] = params.still_share
    state["still_mps2"] = params.still_mps2
    state["least_energy"] = params.least_shock_mps2**2
    state["apart_n"] = params.apart_s * rate_hz
    state["delay_n"] = params.delay_s * rate_hz
    state["fall_mps2"] = params.fall_mps2
    state["fall_n"] = ceil(params.fall_s * rate_hz)
    state["fresh"] = 1
    return array


@kernel
def forget(s: Any) -> None:
    """Forget all but how strong the motion was: the stream had a gap."""
    s.fresh = 1
    s.restless = 0.0
    s.once = 0.0
    s.twice = 0.0
    s.before = 0.0
    s.earlier = 0.0
    s.shocks_n = 0


@kernel
def is_still(s: Any) -> bool:
    """Tell whether the leg rests."""
    return s.restless <= max(s.still_mps2, s.still_share * s.strongest)


@kernel
def is_falling(s: Any) -> bool:
    """Tell whether the leg has been falling freely for a while, as in a jump and in no stride."""
    return s.k - s.heavy_k >= s.fall_n


@kernel
def shock(s: Any, back: int) -> Any:
    """Return the latest shock but `back`, for `back` below `shocks_n` and KEPT."""
    return s.shocks[(s.shocks_n - 1 - back) % KEPT]


@kernel
def _keep(s: Any, time_s: float, now: float) -> None:
    """Remember the peak of the smoothed square a sample ago, `now` being its next value; near to another, the higher.

    The peak is that of the parabola through the three values.
    """
    shift = 0.5 * (s.earlier - now) / (s.earlier - 2.0 * s.before + now) - 1.0 - s.delay_n
    place = s.k + shift
    kept = s.shocks[(s.shocks_n - 1) % KEPT]
    if s.shocks_n > 0 and place - kept.place < s.apart_n:
        kept.peak_mps2 = max(kept.peak_mps2, s.peak_mps2)
        if s.before <= kept.energy:
            return
    else:
        kept = s.shocks[s.shocks_n % KEPT]
        kept.peak_mps2 = s.peak_mps2
        s.shocks_n += 1
    kept.place = place
    kept.time_s = time_s + shift * s.period_s
    kept.energy = s.before
    kept.missing = s.missing
    kept.clipped = s.clipped


@kernel
def step(s: Any, time_s: float, ax: float, ay: float, az: float, flags: float) -> None:
    """Take in the next sample of the grid: specific force in m/s2, `flags` as in `ring`."""
    s.k += 1
    if flags >= FLAG_CLIPPED:
        s.clipped += 1
        flags -= FLAG_CLIPPED
    if flags >= FLAG_INTERPOLATED:
        s.missing += 1
    force = sqrt(ax * ax + ay * ay + az * az)
    if s.fresh:
        s.fresh = 0
        s.heavy_k = s.k
        s.mean[0], s.mean[1], s.mean[2] = ax, ay, az
        s.past[0], s.past[1], s.past[2] = ax, ay, az
    if force > s.fall_mps2:
        s.heavy_k = s.k

    dx, dy, dz = ax - s.mean[0], ay - s.mean[1], az - s.mean[2]
    s.mean[0] += s.motion_gain * dx
    s.mean[1] += s.motion_gain * dy
    s.mean[2] += s.motion_gain * dz
    distance = sqrt(dx * dx + dy * dy + dz * dz)
    s.restless += s.motion_smooth_gain * (distance / (1.0 + distance / s.saturation_mps2) - s.restless)
    s.strongest = max(s.restless, s.strongest * s.memory)

    dx, dy, dz = ax - s.past[0], ay - s.past[1], az - s.past[2]
    s.past[0] += s.shock_gain * dx
    s.past[1] += s.shock_gain * dy
    s.past[2] += s.shock_gain * dz
    s.once += s.shock_smooth_gain * (dx * dx + dy * dy + dz * dz - s.once)
    s.twice += s.shock_smooth_gain * (s.once - s.twice)
    if s.before < s.earlier and s.before <= s.twice:  # a valley: what comes now belongs to the next shock
        s.peak_mps2 = 0.0
    s.peak_mps2 = max(s.peak_mps2, force)
    if s.before > s.earlier and s.before >= s.twice and s.before >= s.least_energy:
        _keep(s, time_s, s.twice)
    s.earlier = s.before
    s.before = s.twice
