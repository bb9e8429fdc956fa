"""Where a repetition starts, turns, rests and ends: the description of one excursion of the leg that has closed.

The onset is first taken as the last sample within 0.3 of the excursion from the rest side, so that neither rest nor
fidgeting in it counts, and then moved back along the same movement to where the leg began to turn: the last sample
whose rate is below 0.05 of the peak rate on the way out. The end is found by the same two rules in the direction of
time. What lies between is out (concentric), hold, and back (eccentric).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import leg_angle
from ankled.kernels.jit import kernel

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
def _rate(leg: Any, ring: NDArray[np.float64], k: int, half: int, newest: int) -> float:
    """Return the rate about the axis, mean over `half` samples on either side of k: tremor shall not look like rest."""
    capacity = ring.shape[0] // 2
    first, last = max(k - half, newest - capacity + 1, 0), min(k + half, newest)
    total = 0.0
    for i in range(first, last + 1):
        total += leg_angle.rate(leg, ring[i % capacity])
    return total / (last - first + 1)


@kernel
def describe(  # noqa: PLR0913 (one closed excursion is this many facts)
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

    `valley`, `peak`, `end` and `newest` are grid indices within the ring's history, the x_ angles in rad, `min_hold` in
    samples. Fields that only the detector knows (retroactive, sign_confidence, share) are left alone.
    """
    capacity = ring.shape[0] // 2
    half = int(round(_SMOOTH_S / leg.dt_s))
    base = max(x_valley, x_end)
    level = base + NEAR * (x_peak - base)

    k, x, x_after = peak, x_peak, x_peak
    fastest_out = 0.0
    while k > valley and x > level:
        fastest_out = max(fastest_out, _rate(leg, ring, k, half, newest))
        k -= 1
        x_after = x
        x = leg_angle.before(leg, ring[k % capacity], ring[(k + 1) % capacity], x)
    onset = float(k)
    if x <= level < x_after:
        onset += (level - x) / (x_after - x)
    slow = SLOW * fastest_out
    r = _rate(leg, ring, k, half, newest)
    r_after = fastest_out
    while k > valley and r > slow:
        k -= 1
        x = leg_angle.before(leg, ring[k % capacity], ring[(k + 1) % capacity], x)
        r_after = r
        r = _rate(leg, ring, k, half, newest)
        onset = float(k)
    if r <= slow < r_after and onset == k:
        onset += (slow - r) / (r_after - r)
    x_start = x

    # Forward over the rest: how fast back, and the first and last still sample high up.
    first = int(onset)
    fastest_back = 0.0
    for k in range(peak, end + 1):
        fastest_back = max(fastest_back, -_rate(leg, ring, k, half, newest))
    still = SLOW * min(fastest_out, fastest_back)
    high = base + _HELD * (x_peak - base)
    x = x_peak
    k = peak
    last_still = peak
    while k < end and x >= high:
        if abs(_rate(leg, ring, k, half, newest)) < still:
            last_still = k
        k += 1
        x = leg_angle.after(leg, ring[k % capacity], x)
    x = x_peak
    k = peak
    first_still = peak
    while k > first and x >= high:
        if abs(_rate(leg, ring, k, half, newest)) < still:
            first_still = k
        k -= 1
        x = leg_angle.before(leg, ring[k % capacity], ring[(k + 1) % capacity], x)
    if last_still - first_still < min_hold:
        first_still = last_still = peak

    found.start = onset
    found.concentric_end = float(first_still)
    found.peak = float(peak)
    found.eccentric_start = float(last_still)
    found.end = float(end)
    found.axis[0] = leg.a[0]
    found.axis[1] = leg.a[1]
    found.axis[2] = leg.a[2]
    found.rom_rad = x_peak - 0.5 * (x_start + x_end)
    found.by_gyro = leg.by_gyro
    found.phases_ok = 1 if found.concentric_end > onset and end > found.eccentric_start else 0
