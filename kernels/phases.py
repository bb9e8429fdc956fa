"""Where a repetition starts, turns, rests and ends: the description of one excursion of the leg that has closed.

The onset is first taken as the last sample within 0.3 of the excursion from the rest side, so that neither rest nor
fidgeting in it counts, and then moved back along the same movement to where the leg began to turn: the last sample
whose rate is below 0.05 of the peak rate on the way out. The detector finds the end by the same two rules in the
direction of time. What lies between is out (concentric), hold, and back (eccentric).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import leg_angle
from ankled.kernels.jit import kernel
from ankled.kernels.ring import window

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOUND = np.dtype(
    [
        ("start", "f8"),
        ("concentric_end", "f8"),
        ("peak", "f8"),
        ("eccentric_start", "f8"),
        ("end", "f8"),
        ("axis", "f8", (3,)),
        ("rom_rad", "f8"),
        ("sign_confidence", "f8"),
        ("share", "f8"),
        ("phases_ok", "i8"),
        ("retroactive", "i8"),
        ("by_gyro", "i8"),
    ],
    align=True,
)
"""One repetition. Positions are fractional grid indices, counted from 0 over the whole epoch, start <= concentric_end
<= peak <= eccentric_start <= end. `axis`: unit vector in the sensor frame, + the way out. `rom_rad`: mean of the way
out and the way back. `sign_confidence`: 0 to 1, how surely the weight rises on the way out; 0 where the rest side
decided. `share`: part of the power of the angular rate that is about the axis, 0 to 1: low where the movement is not
a hinge. `phases_ok` 0: concentric_end and eccentric_start are not to be trusted."""

NEAR = 0.3
"""Part of the excursion, next to the rest side, that counts as back."""
SLOW = 0.05
"""Part of a movement's peak rate below which it has not begun or has ended."""
_SMOOTH_S = 0.05
_HELD = 0.7
"""Part of the excursion above which a still leg is held and not at rest."""


@kernel
def _rate(leg: Any, rows: NDArray[np.float64], k: int) -> float:
    """Return the rate about the axis at row `k`; the first and the last row stand for what is outside."""
    return leg_angle.rate(leg, rows[min(max(k, 0), rows.shape[0] - 1)])


@kernel
def _sum(leg: Any, rows: NDArray[np.float64], k: int, half: int) -> float:
    """Return the sum of the rates of row `k` and `half` rows on either side: tremor shall not look like rest."""
    total = 0.0
    for i in range(k - half, k + half + 1):
        total += _rate(leg, rows, i)
    return total


@kernel
def _onset(
    leg: Any, rows: NDArray[np.float64], valley: int, peak: int, x_peak: float, level: float, half: int
) -> tuple[float, float, float]:
    """Return the row where the way out to `peak` begins, the angle there, and the fastest rate on the way."""
    nx, ny, nz = leg_angle.normal(leg, level)
    scale = 1.0 / (2 * half + 1)
    total = _sum(leg, rows, peak, half)
    k, x, fastest, near_rest = peak, x_peak, 0.0, False
    r = r_after = total * scale
    while k > valley and not (near_rest and r <= SLOW * fastest):
        fastest = max(fastest, r)
        x -= _rate(leg, rows, k) * leg.dt_s
        k -= 1
        total += _rate(leg, rows, k - half) - _rate(leg, rows, k + half + 1)
        r_after, r = r, total * scale
        near_rest = near_rest or not leg_angle.over(leg, rows[k], x, level, nx, ny, nz)
    if not leg.by_gyro:
        x = leg_angle.near(leg, rows[k], x)
    slow = SLOW * fastest
    part = (slow - r) / (r_after - r) if r <= slow < r_after else 0.0
    return k + part, x, fastest


@kernel
def _fastest_back(leg: Any, rows: NDArray[np.float64], peak: int, end: int, half: int) -> float:
    """Return the fastest rate on the way back, positive."""
    total = _sum(leg, rows, peak, half)
    slowest = total
    for k in range(peak, end):
        total += _rate(leg, rows, k + half + 1) - _rate(leg, rows, k - half)
        slowest = min(slowest, total)
    return -slowest / (2 * half + 1)


@kernel
def _last_still(
    leg: Any, rows: NDArray[np.float64], peak: int, x_peak: float, end: int, high: float, still: float, half: int
) -> int:
    """Return the last row from `peak` towards `end` slower than `still` before the angle drops below `high`."""
    nx, ny, nz = leg_angle.normal(leg, high)
    towards = 1 if end > peak else -1
    total = _sum(leg, rows, peak, half)
    still *= 2 * half + 1
    k, x, last = peak, x_peak, peak
    while k != end and leg_angle.over(leg, rows[k], x, high, nx, ny, nz):
        if abs(total) < still:
            last = k
        x += towards * _rate(leg, rows, k) * leg.dt_s
        total += _rate(leg, rows, k + towards * (half + 1)) - _rate(leg, rows, k - towards * half)
        k += towards
    return last


@kernel
def describe(
    found: Any,
    leg: Any,
    ring: NDArray[np.float64],
    valley: int,
    x_valley: float,
    peak: int,
    x_peak: float,
    end: int,
    x_end: float,
    newest: int,
    min_hold: float,
) -> None:
    """Fill `found` for the excursion valley -> peak -> end about the axis of `leg`.

    The hold lies between the first and the last sample above 0.7 of the excursion whose rate is below 0.05 of the
    peak rate (of the slower way); shorter than `min_hold` there is none, and both phases meet at the peak.

    `valley`, `peak`, `end` and `newest` are grid indices within the ring's history, the x_ angles in rad, `min_hold` in
    samples. Fields that only the detector knows (retroactive, sign_confidence, share) are left alone.
    """
    half = round(_SMOOTH_S / leg.dt_s)
    origin = max(valley - half, newest - ring.shape[0] // 2 + 1, 0)
    rows = window(ring, origin, newest + 1)
    peak, end, valley = peak - origin, end - origin, max(valley - origin, 0)
    base = max(x_valley, x_end)
    onset, x_start, fastest = _onset(leg, rows, valley, peak, x_peak, base + NEAR * (x_peak - base), half)
    still = SLOW * min(fastest, _fastest_back(leg, rows, peak, end, half))
    high = base + _HELD * (x_peak - base)
    first = _last_still(leg, rows, peak, x_peak, int(onset), high, still, half)
    last = _last_still(leg, rows, peak, x_peak, end, high, still, half)
    if last - first < min_hold:
        first = last = peak
    found.start = origin + onset
    found.concentric_end = float(origin + first)
    found.peak = float(origin + peak)
    found.eccentric_start = float(origin + last)
    found.end = float(origin + end)
    found.axis[0] = leg.a[0]
    found.axis[1] = leg.a[1]
    found.axis[2] = leg.a[2]
    found.rom_rad = x_peak - 0.5 * (x_start + x_end)
    found.by_gyro = leg.by_gyro
    found.phases_ok = 1 if onset < first and last < end else 0
