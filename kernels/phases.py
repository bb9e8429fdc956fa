"""Where a repetition starts, turns, rests and ends: the description of one excursion of the leg that has closed.

The onset is first taken as the last sample within 0.3 of the excursion from the rest side, so that neither rest nor
fidgeting in it counts, and then moved back along the same movement to where the leg began to turn; the end is found
by the same two rules in the direction of time. What lies between is out (concentric), hold, and back (eccentric).

A movement starts and ends so gently that no threshold on its rate shows where: at 0.05 of the peak rate a tenth of it
is still to come. So each border is where the rate, seen at 0.2 and at 0.05 of that peak, would be zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import leg_angle
from ankled.kernels.jit import kernel
from ankled.kernels.ring import GYR, window

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOUND = np.dtype(
    [
        ("start", "f8"),
        ("concentric_end", "f8"),
        ("peak", "f8"),
        ("eccentric_start", "f8"),
        ("end", "f8"),
        ("onset", "f8"),
        ("closed", "f8"),
        ("axis", "f8", (3,)),
        ("way", "f8", (3,)),
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
<= peak <= eccentric_start <= end. `onset`, `closed`: the samples at which the leg was seen to have left and to be back.
`axis`: unit vector in the sensor frame, + the way out. `way`: the way out itself, about whatever axis it was, as the
integral of the angular rate in the sensor frame, rad. `rom_rad`: mean of the way out and the way back.
`sign_confidence`: 0 to 1, how surely the weight rises on the way out; 0 where the rest side decided. `share`: part of
the power of the angular rate that is about the axis, 0 to 1: low where the movement is not a hinge. `phases_ok` 0:
concentric_end and eccentric_start are not to be trusted."""

NEAR = 0.3
"""Part of the excursion, next to the rest side, that counts as back."""
SLOW = 0.05
"""Part of a movement's peak rate below which it has all but not begun, or has all but ended."""
_QUICK = 0.2
"""Part of a movement's peak rate from which on it is surely under way."""
TAIL = 1.1
"""What is left of a movement at SLOW as a multiple of the time from QUICK to SLOW: 0.9 where the rate falls with the
square of the time that is left (minimum jerk), 1.2 to 1.4 where with its cube, 0.4 where it falls like a sine."""
_LONGEST_TAIL = 0.2
"""The tail as a part of its movement at most: a leg that creeps on has no end to extrapolate to."""
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
) -> tuple[int, float, float]:
    """Return the row before which the way out to `peak` is slow, the angle there, and the fastest rate on the way."""
    nx, ny, nz = leg_angle.normal(leg, level)
    scale = 1.0 / (2 * half + 1)
    total = _sum(leg, rows, peak, half)
    k, x, fastest, near_rest = peak, x_peak, 0.0, False
    r = total * scale
    while k > valley and not (near_rest and r <= SLOW * fastest):
        fastest = max(fastest, r)
        x -= _rate(leg, rows, k) * leg.dt_s
        k -= 1
        total += _rate(leg, rows, k - half) - _rate(leg, rows, k + half + 1)
        r = total * scale
        near_rest = near_rest or not leg_angle.over(leg, rows[k], x, level, nx, ny, nz)
    if not leg.by_gyro:
        x = leg_angle.near(leg, rows[k], x)
    return k, x, fastest


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
def _last_moving(leg: Any, rows: NDArray[np.float64], end: int, last: int, still: float, half: int) -> int:
    """Return the first row of the stillness that lasts until `end`, at least `last`; `end` if there is none."""
    total = _sum(leg, rows, end, half)
    still *= 2 * half + 1
    k = end
    while k > last and -total < still:
        total += _rate(leg, rows, k - half - 1) - _rate(leg, rows, k + half)
        k -= 1
    return min(k + 1, end)


@kernel
def _border(
    leg: Any, rows: NDArray[np.float64], slow: int, way: int, fastest: float, longest: float, half: int
) -> float:
    """Return where the movement begins or ends whose rate is below SLOW of `fastest` at row `slow`, or next to it.

    The movement lies on the side `way` (1 or -1) of that row: there the rate is followed until it passes QUICK.
    `longest` is how many rows the tail takes at most.
    """
    total = _sum(leg, rows, slow, half)
    scale = 1.0 / ((2 * half + 1) * fastest)
    k, r = slow, abs(total) * scale
    if r >= SLOW:
        return float(slow)  # it turns here, or nothing more of it has been seen
    at_slow = at_quick = float(slow)
    below = True
    while 0 <= k < rows.shape[0] and abs(k - slow) < 8.0 * longest:
        before = r
        total += _rate(leg, rows, k + way * (half + 1)) - _rate(leg, rows, k - way * half)
        k += way
        r = abs(total) * scale
        if below and r >= SLOW:
            at_slow = k - way * (r - SLOW) / (r - before) if r > before else float(k)
            below = False
        if r >= _QUICK:
            at_quick = k - way * (r - _QUICK) / (r - before) if r > before else float(k)
            break
    if at_quick == slow:
        return at_slow
    return at_slow - way * min(TAIL * abs(at_quick - at_slow), longest)


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
    peak rate of the way out and of the way back. If that takes less than `min_hold`, or if the two ways leave nothing
    between them once their tails are counted, there is none, and both phases meet at the peak.

    `valley`, `peak`, `end` and `newest` are grid indices within the ring's history, the x_ angles in rad, `min_hold` in
    samples; nothing ends after `end`. Fields that only the detector knows (retroactive, sign_confidence, share) are
    left alone.
    """
    half = round(_SMOOTH_S / leg.dt_s)
    origin = max(valley - half, newest - ring.shape[0] // 2 + 1, 0)
    rows = window(ring, origin, newest + 1)
    peak, end, valley = peak - origin, end - origin, max(valley - origin, 0)
    base = max(x_valley, x_end)
    onset, x_start, fastest = _onset(leg, rows, valley, peak, x_peak, base + NEAR * (x_peak - base), half)
    fastest_back = _fastest_back(leg, rows, peak, end, half)
    high = base + _HELD * (x_peak - base)
    first = _last_still(leg, rows, peak, x_peak, onset, high, SLOW * fastest, half)
    last = _last_still(leg, rows, peak, x_peak, end, high, SLOW * fastest_back, half)
    slow = _last_moving(leg, rows, end, last, SLOW * fastest_back, half)
    out, back = _LONGEST_TAIL * (first - onset), _LONGEST_TAIL * (slow - last)
    begin, finish = float(onset), float(end)
    up = down = float(peak)
    if fastest > 0.0 and fastest_back > 0.0:
        begin = max(_border(leg, rows, onset, 1, fastest, out, half), float(valley))
        finish = min(_border(leg, rows, slow, -1, fastest_back, back, half), float(end))
        if last - first >= min_hold:
            up = _border(leg, rows, first, -1, fastest, out, half)
            down = _border(leg, rows, last, 1, fastest_back, back, half)
            if up > down:
                up = down = float(peak)
    found.start = origin + begin
    found.concentric_end = origin + up
    found.peak = origin + min(max(float(peak), up), down)
    found.eccentric_start = origin + down
    found.end = origin + finish
    for i in range(3):
        turned = 0.0
        for k in range(onset, peak):
            turned += rows[k, GYR + i]
        found.way[i] = turned * leg.dt_s
    found.onset = float(origin + onset)
    found.closed = float(origin + end)
    found.axis[0] = leg.a[0]
    found.axis[1] = leg.a[1]
    found.axis[2] = leg.a[2]
    found.rom_rad = x_peak - 0.5 * (x_start + x_end)
    found.by_gyro = leg.by_gyro
    found.phases_ok = 1 if begin < up and down < finish else 0
