"""Initial contact and toe-off in a window of history, by NumPy's interpolation on the smoothed swing rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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


def contact_after(window: Array, peak: int, rate_hz: float, left: Array) -> float:
    """Half way from where the swing rate crosses zero after mid-swing to its first minimum after that; -1: none."""
    rate = swing_rate(window, rate_hz, left)
    peak = max(peak, 0)
    fallen = np.flatnonzero(rate[peak:] <= 0.0)
    if rate[peak] <= 0.0 or not len(fallen):
        return -1.0
    after = peak + int(fallen[0])
    crossing = float(np.interp(0.0, [rate[after], rate[after - 1]], [after, after - 1.0]))
    risen = np.flatnonzero(np.diff(rate[after:]) >= 0.0)
    minimum = after + int(risen[0]) if len(risen) else len(rate) - 1
    return 0.5 * (crossing + minimum)


def toe_off_before(window: Array, peak: int, rate_hz: float, left: Array) -> tuple[float, float]:
    """Where the swing rate has regained a quarter of its minimum before the swing, and that minimum; -1: none."""
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
        if rate[k + 1] >= 0.75 * least:
            rise = rate[k + 1] - rate[k]
            return (k + (0.75 * least - rate[k]) / rise if rise > 0.0 else float(k)), least
    return float(dip), least


def least_motion(window: Array, first: int, last: int) -> int:
    """Return the sample of [first, last] at which the angular rate is smallest."""
    return first + int(np.argmin(np.linalg.norm(window[first : last + 1, ring.GYR : ring.GYR + 3], axis=1)))
