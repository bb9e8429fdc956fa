"""Initial contact and toe-off in a window of history, by NumPy's interpolation on the smoothed swing rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import signal

from ankled.kernels import ring

if TYPE_CHECKING:
    from tests.kernels.twins.windows_twin import Array


def swing_rate(window: Array, rate_hz: float, left: Array) -> Array:
    """Return -gyr . y, averaged over 10 ms on either side as far as the window reaches."""
    raw = -window[:, ring.GYR : ring.GYR + 3] @ left
    reach = int(0.01 * rate_hz + 0.5)
    box = np.ones(2 * reach + 1)
    return (
        np.convolve(raw, box)[reach : reach + len(raw)] / np.convolve(np.ones(len(raw)), box)[reach : reach + len(raw)]
    )


def contact_after(window: Array, peak: int, rate_hz: float, left: Array, *, shank: bool = False) -> float:
    """Half way, or three quarters, from the zero crossing after mid-swing to the deepest minimum in 150 ms; else -1."""
    rate = swing_rate(window, rate_hz, left)
    peak = max(peak, 0)
    fallen = np.flatnonzero(rate[peak:] <= 0.0)
    if rate[peak] <= 0.0 or not len(fallen):
        return -1.0
    after = peak + int(fallen[0])
    crossing = float(np.interp(0.0, [rate[after], rate[after - 1]], [after, after - 1.0]))
    stop = min(len(rate) - 2, int(crossing + 0.15 * rate_hz))
    minima = [k for k in range(after, stop + 1) if rate[k] <= rate[k + 1] and (k == after or rate[k] <= rate[k - 1])]
    minimum = max(minima, key=lambda k: (-rate[k], k), default=max(after, stop))  # of equal ones the last
    share = 0.75 if shank else 0.5
    return (1.0 - share) * crossing + share * minimum


def toe_off_before(
    window: Array, peak: int, rate_hz: float, left: Array, *, shank: bool = False
) -> tuple[float, float]:
    """Where the swing rate has regained a share of its minimum before the swing, and that minimum; -1: none."""
    kept = 0.95 if shank else 0.75
    rate = swing_rate(window, rate_hz, left)
    peak = min(peak, len(rate) - 1)
    negative = np.flatnonzero(rate[: peak + 1] <= 0.0)
    if peak <= 0 or not len(negative) or negative[-1] == 0:
        return -1.0, 0.0
    before = int(negative[-1])
    start = max(0, before - int(0.25 * rate_hz))
    dip = before - int(np.argmin(rate[start : before + 1][::-1]))  # of equal ones the last
    least = float(rate[dip])
    for k in range(dip, min(before + 1, len(rate) - 1)):
        if rate[k + 1] >= kept * least:
            rise = rate[k + 1] - rate[k]
            return (k + (kept * least - rate[k]) / rise if rise > 0.0 else float(k)), least
    return float(dip), least


def least_motion(window: Array, first: int, last: int) -> int:
    """Return the sample of [first, last] at which the angular rate is smallest."""
    return first + int(np.argmin(np.linalg.norm(window[first : last + 1, ring.GYR : ring.GYR + 3], axis=1)))


def landing(window: Array, first: int, last: int, rate_hz: float) -> tuple[float, float]:
    """30 ms before the largest of [first, last], and its root: the squared rest of the force, smoothed twice."""
    begin = max(0, first - int(0.1 * rate_hz))
    force = window[begin : last + 1, ring.ACC : ring.ACC + 3]
    mean_gain, gain = 1.0 - np.exp(-1.0 / (0.02 * rate_hz)), 1.0 - np.exp(-1.0 / (0.015 * rate_hz))
    mean = signal.lfilter([mean_gain], [1.0, mean_gain - 1.0], force - force[0], axis=0) + force[0]
    before = np.vstack((force[:1], mean[:-1]))
    energy = np.sum((force - before) ** 2, axis=1)
    for _ in range(2):
        energy = signal.lfilter([gain], [1.0, gain - 1.0], energy)
    best = first + int(np.argmax(energy[first - begin :])) if len(energy) > first - begin else first
    return best - 0.03 * rate_hz, float(np.sqrt(max(0.0, energy[first - begin :].max(initial=0.0))))


def fast_from(window: Array, first: int, last: int) -> int:
    """Return the first sample of [first, last] with at least half of the largest angular rate there."""
    rate = np.linalg.norm(window[first : last + 1, ring.GYR : ring.GYR + 3], axis=1)
    return first + int(np.argmax(rate >= 0.5 * rate.max()))
