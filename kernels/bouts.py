"""Walking or exercise: both detectors run side by side, and this decides which of their finds are results.

A stride carries the leg somewhere; a repetition brings it back. So strides are accepted by their displacement (see
gait), and a repetition is dropped when it overlaps a stride, follows one at once, or when the leg travelled while
it lasted. Until the axes of the leg are known, the gait detector is tried now and then on the last seconds with the
axes that the motion so far speaks for; when it finds strides, the axes are adopted and those strides published late.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import displacement, gait, gait_axes, leg, measures, reps, results, settling
from ankled.kernels.gait_events import least_motion
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.results import AXES
from ankled.kernels.ring import TIME, window

if TYPE_CHECKING:
    from numpy.typing import NDArray

AUTO = 0
GAIT = 1
REPS = 2

_LOOK_BACK_S = 10.0
"""How far back strides are sought when the axes settle."""
_TRIAL_S = 1.0
"""How often the axes are tried while they are unknown."""
_TRIAL_ACTIVE = 0.2
"""Share of the time since the last trial that the leg must have moved for another one."""
_SOLVE_S = 0.5
"""How often known axes are solved for anew."""
_AFTER_STRIDE_S = 1.5
"""A repetition that begins this soon after a contact is the end of the walk: the last step, the feet put together."""
_BRIEF_S = 1.6
"""Only a repetition shorter than this can be told from a step by displacement: the integral drifts."""
_REST_REACH_S = 0.5
"""How long before a repetition the leg is looked for at rest."""
_TRAVEL_M = 0.25
"""Horizontal displacement between the ends of a repetition from which it was a step."""

STATE = np.dtype(
    [
        ("axes", gait_axes.STATE),
        ("leg", leg.STATE),
        ("gait", gait.STATE),
        ("trial", gait.STATE),
        ("fresh", gait.STATE),
        ("reps", reps.STATE),
        ("movement", "i8"),
        ("rate_hz", "f8"),
        ("trial_n", "i8"),
        ("tried_n", "f8"),
        ("solve_n", "i8"),
        ("look_back_n", "i8"),
        ("last_contact", "f8"),
    ],
    align=True,
)
"""`fresh` is a gait state before its first sample, to begin a trial with."""


def init(
    rate_hz: float, movement: int, left: tuple[float, float, float] | None, up: tuple[float, float, float] | None
) -> NDArray[np.void]:
    """Return the state before the first sample, shape (1,)."""
    array = np.zeros(1, STATE)
    state: Any = array[0]
    state["axes"] = gait_axes.init(gait_axes.Params(), rate_hz)[0]
    state["leg"] = leg.init(left, up)[0]
    fresh = gait.init(gait.Params(), rate_hz)[0]
    for name in ("gait", "trial", "fresh"):
        state[name] = fresh
    state["reps"] = reps.init(reps.Params(), rate_hz)[0]
    state["movement"] = movement
    state["rate_hz"] = rate_hz
    state["trial_n"] = ceil(_TRIAL_S * rate_hz)
    state["solve_n"] = ceil(_SOLVE_S * rate_hz)
    state["look_back_n"] = ceil(_LOOK_BACK_S * rate_hz)
    state["last_contact"] = -1e18
    return array


@inlined
def busy(s: Any) -> bool:
    """Tell whether a stride or a repetition may be under way."""
    return (s.movement != REPS and s.gait.mode != 0) or (s.movement != GAIT and s.reps.mode != 0)


@kernel
def forget(s: Any, k: int, gap_s: float) -> None:
    """Drop what is under way: the stream had a gap behind sample `k`."""
    gait.forget(s.gait)
    reps.resume(s.reps, k, gap_s * s.rate_hz)


@kernel
def _stride(
    s: Any,
    found: Any,
    ring: NDArray[np.float64],
    k: int,
    oldest: int,
    scratch: NDArray[np.float64],
    out: NDArray[np.void],
    n: int,
) -> int:
    """Measure an accepted stride into row `n`, let the axes follow it, return the next free row."""
    leg.follow(s.leg, s.axes, found.swing_rate_rad_s, found.push_rate_rad_s)
    row = out[n]
    measures.stride(row, ring, found, k, oldest, s.leg, s.rate_hz, scratch)
    row.retroactive = 1 if k > found.known else 0
    row.axis_ratio = s.axes.ratio
    row.axis_confidence = s.axes.confidence
    s.last_contact = found.contact
    return n + 1


@kernel
def _settle(
    s: Any, ring: NDArray[np.float64], k: int, oldest: int, scratch: NDArray[np.float64], out: NDArray[np.void], n: int
) -> int:
    """Try the axes that the motion speaks for on the last seconds; adopt them if that shows strides."""
    if s.axes.active_n - s.tried_n < _TRIAL_ACTIVE * s.trial_n:
        return n
    s.tried_n = s.axes.active_n
    begin = max(oldest, k + 1 - s.look_back_n)
    if not settling.settles(s, ring, k, begin, scratch):
        s.leg.source = leg.UNKNOWN
        return n
    row = results.begin(out, n, AXES, ring[k % (ring.shape[0] // 2), TIME])
    row.axis_ratio = s.axes.ratio
    row.axis_confidence = s.axes.confidence
    row.axis_uncertainty_rad = s.leg.uncertainty_rad
    n += 1
    gait.restart(s.gait, s.fresh)
    for j in range(begin, k + 1):
        for i in range(gait.step(s.gait, ring, j, begin, s.leg, scratch)):
            n = _stride(s, s.gait.found[i], ring, k, oldest, scratch, out, n)
            out[n - 1].retroactive = 1
    return n


@kernel
def _repetition(
    s: Any,
    found: Any,
    ring: NDArray[np.float64],
    k: int,
    oldest: int,
    scratch: NDArray[np.float64],
    out: NDArray[np.void],
    n: int,
) -> int:
    """Measure a repetition into row `n` unless it was a step; return the next free row."""
    if found.start < oldest or found.start - s.last_contact < _AFTER_STRIDE_S * s.rate_hz:
        return n
    if found.end - found.start < _BRIEF_S * s.rate_hz:
        first = max(oldest, int(found.start - _REST_REACH_S * s.rate_hz))
        win = window(ring, first, k + 1)
        before = least_motion(win, 0, int(found.start) - first)
        after = least_motion(win, min(int(found.end) - first, k - first), k - first)
        moved = displacement.measure(win, float(before), float(after), s.leg.up, 0.0, s.rate_hz, scratch)
        if moved.horizontal_m > _TRAVEL_M and s.movement != REPS:
            return n
    row = out[n]
    measures.repetition(row, ring, found, k, oldest, s.leg, s.rate_hz, scratch)
    row.retroactive = found.retroactive
    row.axis_ratio = s.axes.ratio
    row.axis_confidence = s.axes.confidence
    return n + 1


@kernel
def _repetitions(
    s: Any,
    count: int,
    ring: NDArray[np.float64],
    k: int,
    oldest: int,
    scratch: NDArray[np.float64],
    out: NDArray[np.void],
    n: int,
) -> int:
    """Take in the repetitions the detector has just closed."""
    for i in range(count):
        n = _repetition(s, s.reps.found[i], ring, k, oldest, scratch, out, n)
    return n


@inlined
def step(
    s: Any, ring: NDArray[np.float64], k: int, oldest: int, scratch: NDArray[np.float64], out: NDArray[np.void], n: int
) -> int:
    """Take in sample `k`, just written to `ring`; write results to `out` from row `n` on, return the next free row."""
    if s.movement != REPS:
        gait_axes.step(s.axes, ring[k % (ring.shape[0] // 2)])
        if s.leg.source != leg.UNKNOWN:
            if k % s.solve_n == 0:
                gait_axes.solve(s.axes)
            for i in range(gait.step(s.gait, ring, k, oldest, s.leg, scratch)):
                n = _stride(s, s.gait.found[i], ring, k, oldest, scratch, out, n)
        elif k % s.trial_n == 0:
            n = _settle(s, ring, k, oldest, scratch, out, n)
    if s.movement != GAIT:
        count = reps.step(s.reps, ring, k)
        if count:
            n = _repetitions(s, count, ring, k, oldest, scratch, out, n)
    return n


@kernel
def flush(
    s: Any, ring: NDArray[np.float64], k: int, oldest: int, scratch: NDArray[np.float64], out: NDArray[np.void], n: int
) -> int:
    """Close what is open after sample `k`, the last before a gap or the end; return the next free row of `out`."""
    if s.movement != REPS and s.leg.source == leg.UNKNOWN:
        n = _settle(s, ring, k, oldest, scratch, out, n)
    if s.movement != GAIT:
        n = _repetitions(s, reps.flush(s.reps, ring, k), ring, k, oldest, scratch, out, n)
    return n
