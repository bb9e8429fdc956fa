"""Everything that is measured on a closed stride or repetition, written into one result row."""

from __future__ import annotations

from math import ceil, floor, nan
from typing import TYPE_CHECKING, Any

from ankled.kernels import angle, lateral, repetition_axis, sway
from ankled.kernels.jit import kernel
from ankled.kernels.leg import UNKNOWN, angle_deg
from ankled.kernels.results import REP, STRIDE
from ankled.kernels.ring import FLAG_CLIPPED, FLAG_INTERPOLATED, FLAGS, TIME, window
from ankled.kernels.windows import inside, value_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONTEXT_S = 0.15
"""How much history on either side the zero-phase filters may settle in."""
IMPACT_S = 0.030
"""How long before contact the swing's lateral peak ends: what follows belongs to the shock of the heel."""

SAGITTAL_DEG = 30.0
"""Up to this angle between the axis of a movement and the leg's y it is sagittal, and y keeps its direction."""


@kernel
def _view(start: float, end: float, k: int, oldest: int, rate_hz: float) -> tuple[int, int]:
    """Return the first and the last (excluded) sample of the window to measure [start, end] in."""
    context = int(CONTEXT_S * rate_hz) + 1
    return max(oldest, floor(start) - context), min(k + 1, ceil(end) + context + 1)


@kernel
def _time_at(ring: NDArray[np.float64], position: float, k: int) -> float:
    """Return the time of a fractional grid index, s."""
    first = min(floor(position), k - 1)
    win = window(ring, first, first + 2)
    return value_at(win[:, TIME], inside(position - first, 2))


@kernel
def _common(
    row: Any,
    win: NDArray[np.float64],
    i0: float,
    i1: float,
    j0: float,
    j1: float,
    axis: NDArray[np.float64],
    leg: Any,
    rate_hz: float,
    scratch: NDArray[np.float64],
) -> None:
    """Fill in what both kinds share; [j0, j1) is the swing or the concentric phase, axis that of the movement."""
    motion = angle.measure(win, i0, i1, j0, j1, axis, rate_hz, scratch)
    row.rom_deg = motion.rom_deg
    row.about_vertical = 1 if motion.about_vertical else 0
    row.peak_rad_s = motion.peak_rad_s
    row.mean_rad_s = motion.mean_rad_s
    known = leg.source != UNKNOWN
    swaying = sway.measure(win, i0, i1, axis, leg.up, known, rate_hz, scratch)
    row.sway_rms_mps2 = swaying.rms_mps2
    row.sway_jerk_rms_mps3 = swaying.jerk_rms_mps3
    row.sway_range_deg = swaying.range_deg
    row.sway_from_leg_axis = 1 if swaying.from_leg_axis else 0
    row.sway_bandwidth_hz = swaying.bandwidth_hz
    row.axis_source = leg.source
    row.axis_uncertainty_rad = leg.uncertainty_rad if known else nan
    row.plane_angle_deg = angle_deg(axis, leg.left) if known else nan
    missing = clipped = 0
    for j in range(floor(i0), min(ceil(i1) + 1, win.shape[0])):
        flags = win[j, FLAGS]
        if flags >= FLAG_CLIPPED:
            clipped += 1
            flags -= FLAG_CLIPPED
        if flags >= FLAG_INTERPOLATED:
            missing += 1
    row.missing = missing
    row.clipped = clipped


@kernel
def _lateral(
    row: Any,
    win: NDArray[np.float64],
    i0: float,
    i1: float,
    j0: float,
    j1: float,
    leg: Any,
    comes_to_rest: bool,
    rate_hz: float,
    scratch: NDArray[np.float64],
) -> None:
    """Fill in the lateral force over [i0, i1], its peak in [j0, j1)."""
    row.lateral_bandwidth_hz = lateral.bandwidth(rate_hz)
    if leg.source == UNKNOWN:
        row.lateral_peak_mps2 = row.lateral_peak_s = row.lateral_mean_mps2 = row.lateral_rms_mps2 = nan
        row.lateral_impulse_mps = row.lateral_impact_mps2 = row.lateral_uncertainty_mps2 = row.lateral_rival = nan
        return
    doubt, bandwidth_hz = leg.uncertainty_rad, row.lateral_bandwidth_hz
    force = lateral.measure(win, i0, i1, j0, j1, leg.left, doubt, comes_to_rest, bandwidth_hz, rate_hz, scratch)
    row.lateral_peak_mps2 = force.peak_mps2
    row.lateral_peak_s = force.peak_time_s
    row.lateral_mean_mps2 = force.mean_mps2
    row.lateral_rms_mps2 = force.rms_mps2
    row.lateral_impulse_mps = force.impulse_mps
    row.lateral_impact_mps2 = force.impact_mps2
    row.lateral_uncertainty_mps2 = force.uncertainty_mps2
    row.lateral_rival = force.rival


@kernel
def stride(
    row: Any,
    ring: NDArray[np.float64],
    found: Any,
    k: int,
    oldest: int,
    leg: Any,
    rate_hz: float,
    scratch: NDArray[np.float64],
) -> None:
    """Measure the stride `found` (gait.FOUND) at sample `k` into `row`; `known_s` is the time of sample `k`."""
    first_of_bout = found.previous_contact < oldest
    start = found.toe_off if first_of_bout else found.previous_contact
    first, last = _view(start, found.contact, k, oldest, rate_hz)
    win = window(ring, first, last)
    i0, i1 = start - first, found.contact - first
    j0, j1 = found.toe_off - first, max(found.toe_off - first, found.contact - first - IMPACT_S * rate_hz)
    row.kind = STRIDE
    row.first = 1 if first_of_bout else 0
    row.start_s = _time_at(ring, start, k)
    row.end_s = _time_at(ring, found.contact, k)
    row.toe_off_s = _time_at(ring, found.toe_off, k)
    row.known_s = ring[k % (ring.shape[0] // 2), TIME]
    row.travel_m = found.travel_m
    row.heading_deg = found.heading_deg
    row.residual_mps = found.residual_mps
    row.peak_s = row.concentric_s = row.hold_s = row.eccentric_s = row.sign_confidence = row.gap_s = nan
    row.phases_ok = 0
    _common(row, win, i0, i1, j0, found.contact - first, leg.left, leg, rate_hz, scratch)
    _lateral(row, win, i0, i1, j0, j1, leg, False, rate_hz, scratch)


@kernel
def repetition(
    row: Any,
    ring: NDArray[np.float64],
    found: Any,
    k: int,
    oldest: int,
    leg: Any,
    rate_hz: float,
    scratch: NDArray[np.float64],
) -> None:
    """Measure the repetition `found` (reps.FOUND) at sample `k` into `row`; `known_s` is the time of sample `k`.

    `found.axis` becomes the axis of this repetition alone: the running one still leans towards what came before.
    """
    first, last = _view(found.start, found.end, k, oldest, rate_hz)
    win = window(ring, first, last)
    i0, i1 = found.start - first, found.end - first
    repetition_axis.turn_to(found.axis, win, i0, i1, rate_hz)
    row.kind = REP
    row.first = 0
    row.start_s = _time_at(ring, found.start, k)
    row.end_s = _time_at(ring, found.end, k)
    row.peak_s = _time_at(ring, found.peak, k)
    row.known_s = ring[k % (ring.shape[0] // 2), TIME]
    row.phases_ok = found.phases_ok
    row.sign_confidence = found.sign_confidence
    if found.phases_ok:
        row.concentric_s = (found.concentric_end - found.start) / rate_hz
        row.hold_s = (found.eccentric_start - found.concentric_end) / rate_hz
        row.eccentric_s = (found.end - found.eccentric_start) / rate_hz
    else:
        row.concentric_s = row.hold_s = row.eccentric_s = nan
    row.toe_off_s = row.travel_m = row.heading_deg = row.residual_mps = row.gap_s = nan
    _common(row, win, i0, i1, i0, found.concentric_end - first, found.axis, leg, rate_hz, scratch)
    sagittal = row.plane_angle_deg <= SAGITTAL_DEG
    _lateral(row, win, i0, i1, i0, i1, leg, sagittal, rate_hz, scratch)
    row.lateral_impact_mps2 = nan
