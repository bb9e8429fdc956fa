"""Walking or exercise: both detectors run side by side, and this decides which of their finds are results.

A stride carries the leg somewhere; a repetition brings it back. So strides are accepted by their displacement (see
`gait`), and a repetition is dropped when it overlaps a stride, follows one at once, or did not bring the leg back (see
`admission`). Until the axes of the leg are known, the gait detector is tried now and then on the last seconds with the
axes that the motion so far speaks for; when it finds strides, the axes are adopted and those strides published late.
From then on each stride is asked whether they still hold (see `wearing`).
"""

from __future__ import annotations

from math import ceil, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import (
    admission,
    gait,
    gait_axes,
    leg,
    measures,
    reps,
    results,
    settling,
    slip,
    stride_axes,
    wearing,
)
from ankled.kernels.constants import GAIT, REPS
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.results import AXES, SLIP, STRIDE
from ankled.kernels.ring import TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOOK_BACK_S = 10.0
"""How far back strides are sought when the axes settle."""
_TRIAL_S = 1.0
"""How often the axes are tried while they are unknown."""
_TRIAL_ACTIVE = 0.2
"""Share of the time since the last trial that the leg must have moved for another one."""
_LOST_S = 2.0
"""How often a leg without strides is asked whether its weight has slipped."""

STATE = np.dtype(
    [
        ("axes", gait_axes.STATE),
        ("leg", leg.STATE),
        ("tried", leg.STATE),
        ("seen", stride_axes.SEEN),
        ("slip", slip.STATE),
        ("gait", gait.STATE),
        ("trial", gait.STATE),
        ("fresh", gait.STATE),
        ("reps", reps.STATE),
        ("movement", "i8"),
        ("rate_hz", "f8"),
        ("trial_n", "i8"),
        ("tried_n", "f8"),
        ("lost_n", "i8"),
        ("look_back_n", "i8"),
        ("last_contact", "f8"),
        ("held", reps.FOUND, (admission.HELD,)),
        ("held_n", "i8"),
        ("held_until_k", "i8"),
        ("last_rep", "f8"),
        ("last_straight", "f8"),
        ("walked_k", "i8"),
    ],
    align=True,
)
"""`fresh` is a gait state before its first sample, to begin a trial with; `tried` the axes on trial; `held` the
`held_n` repetitions held back, until `held_until_k`; at `walked_k` a walk is over, 0 while there is none."""


def init(
    rate_hz: float,
    movement: int,
    left: tuple[float, float, float] | None,
    up: tuple[float, float, float] | None,
    *,
    stored: bool = False,
) -> NDArray[np.void]:
    """Return the state before the first sample, shape (1,); `left` and `up` are configured, or `stored`."""
    array = np.zeros(1, STATE)
    state: Any = array[0]
    state["axes"] = gait_axes.init(gait_axes.Params(), rate_hz)[0]
    state["leg"] = leg.init(left, up, stored=stored)[0]
    slip.forget(state["slip"])
    fresh = gait.init(gait.Params(), rate_hz)[0]
    for name in ("gait", "trial", "fresh"):
        state[name] = fresh
    state["reps"] = reps.init(reps.Params(), rate_hz)[0]
    state["movement"] = movement
    state["rate_hz"] = rate_hz
    state["trial_n"] = ceil(_TRIAL_S * rate_hz)
    state["lost_n"] = ceil(_LOST_S * rate_hz)
    state["look_back_n"] = ceil(_LOOK_BACK_S * rate_hz)
    state["last_contact"] = state["last_rep"] = state["last_straight"] = -1e18
    return array


@inlined
def busy(s: Any) -> bool:
    """Tell whether a stride or a repetition may be under way."""
    return s.held_n > 0 or (s.movement != REPS and s.gait.mode != 0) or (s.movement != GAIT and s.reps.mode != 0)


@kernel
def forget(s: Any, k: int, gap_s: float) -> None:
    """Drop what is under way: the stream had a gap behind sample `k`."""
    gait.forget(s.gait)
    reps.resume(s.reps, k, gap_s * s.rate_hz)


@kernel
def _slip(s: Any, now_s: float, out: NDArray[np.void], n: int) -> int:
    """Write to row `n` that the weight has slipped; return the next free row."""
    row = results.begin(out, n, SLIP, now_s)
    results.write_axes(row, s.leg, s.slip.turn_rad[0], s.slip.turn_rad[1], s.slip.turn_rad[2])
    row.axis_uncertainty_rad = s.slip.uncertainty_rad
    return n + 1


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
    now_s = ring[k % (ring.shape[0] // 2), TIME]
    # A step without a swing tells nothing of the axes.
    if found.swing_rate_rad_s > 0.0 and wearing.stride(s, found, ring, oldest):
        n = _slip(s, now_s, out, n)
    row = results.begin(out, n, STRIDE, now_s)
    measures.stride(row, ring, found, k, oldest, s.leg, s.rate_hz, scratch)
    row.retroactive = 1 if k > found.known else 0
    row.axis_ratio = s.axes.ratio
    row.axis_confidence = s.axes.confidence
    s.last_contact = found.contact
    s.walked_k = int(found.contact + admission.AFTER_STRIDE_S * s.rate_hz) + 1
    while s.held_n > 0 and found.toe_off - s.held[s.held_n - 1].end < admission.AFTER_STRIDE_S * s.rate_hz:
        s.held_n -= 1  # it was a step of this walk
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
        return n
    x = y = z = nan
    if s.leg.source == leg.STORED:
        for i in range(3):
            s.slip.left[i] = s.leg.left[i]
            s.slip.up[i] = s.leg.up[i]
        x, y, z = slip.turn(s.slip, s.tried.left, s.tried.up)
    leg.take(s.leg, s.tried)
    row = results.begin(out, n, AXES, ring[k % (ring.shape[0] // 2), TIME])
    results.write_axes(row, s.leg, x, y, z)
    row.axis_ratio = s.axes.ratio
    row.axis_confidence = s.axes.confidence
    return _late(s, begin, ring, k, oldest, scratch, out, n + 1)


@kernel
def _late(
    s: Any,
    begin: int,
    ring: NDArray[np.float64],
    k: int,
    oldest: int,
    scratch: NDArray[np.float64],
    out: NDArray[np.void],
    n: int,
) -> int:
    """Seek strides from sample `begin` on with axes that are new; write those not yet told from row `n` on."""
    gait.restart(s.gait, s.fresh)
    for j in range(begin, k + 1):
        for i in range(gait.step(s.gait, ring, j, begin, s.leg, scratch)):
            if s.gait.found[i].toe_off > s.last_contact:
                before = n
                n = _stride(s, s.gait.found[i], ring, k, oldest, scratch, out, n)
                for row in range(before, n):
                    out[row].retroactive = 1
    return n


@inlined
def step(
    s: Any, ring: NDArray[np.float64], k: int, oldest: int, scratch: NDArray[np.float64], out: NDArray[np.void], n: int
) -> int:
    """Take in sample `k`, just written to `ring`; write results to `out` from row `n` on, return the next free row."""
    if s.movement != REPS:
        if leg.is_known(s.leg):
            for i in range(gait.step(s.gait, ring, k, oldest, s.leg, scratch)):
                n = _stride(s, s.gait.found[i], ring, k, oldest, scratch, out, n)
            if k % s.lost_n == 0 and wearing.lost(s, ring, k, oldest, scratch):
                begin = max(oldest, k + 1 - s.look_back_n)
                n = _slip(s, ring[k % (ring.shape[0] // 2), TIME], out, n)
                n = _late(s, begin, ring, k, oldest, scratch, out, n)
        else:
            gait_axes.step(s.axes, ring[k % (ring.shape[0] // 2)])
            if k % s.trial_n == 0:
                n = _settle(s, ring, k, oldest, scratch, out, n)
    if s.movement != GAIT:
        if 0 < s.walked_k <= k:
            s.walked_k = 0
            reps.afresh(s.reps, ring, k)
        count = reps.step(s.reps, ring, k)
        if count:
            n = admission.admit(s, count, ring, k, oldest, scratch, out, n)
        if s.held_n > 0 and k >= s.held_until_k:
            n = admission.release(s, ring, k, oldest, scratch, out, n)
    return n


@kernel
def flush(
    s: Any, ring: NDArray[np.float64], k: int, oldest: int, scratch: NDArray[np.float64], out: NDArray[np.void], n: int
) -> int:
    """Close what is open after sample `k`, the last before a gap or the end; return the next free row of `out`."""
    if s.movement != REPS and not leg.is_known(s.leg):
        n = _settle(s, ring, k, oldest, scratch, out, n)
    if s.movement != GAIT:
        n = admission.admit(s, reps.flush(s.reps, ring, k), ring, k, oldest, scratch, out, n)
        n = admission.release(s, ring, k, oldest, scratch, out, n)
    return n
