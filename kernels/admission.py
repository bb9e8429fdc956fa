"""Which repetitions are results, where walking is possible: those that brought the leg back.

The first ones may still be steps of a walk: brief ones while the axes are unknown, and those beside a swing that may
become a stride. They are held back until strides, their number, or time decide. `s` is the record of bouts.STATE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ankled.kernels import leg, measures, results, returned
from ankled.kernels.constants import AUTO, REPS
from ankled.kernels.jit import kernel
from ankled.kernels.results import REP
from ankled.kernels.ring import TIME

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOLD_S = 1.5
"""How long a repetition beside a swing is held back: if that was the first of a walk, the second has come by then."""
HOLD_UNKNOWN_S = 4.0
"""The same while the axes are not known: they settle within, where it was the first step of a walk."""
HELD = 4
"""How many are held back at most: more of them are no steps."""
_COMPANY_S = 10.0
"""How long after a repetition another one is no surprise."""
AFTER_STRIDE_S = 1.5
"""A repetition that begins this soon after a contact is the end of the walk: the last step, the feet put together."""


@kernel
def _is_held(s: Any, found: Any) -> bool:
    """Tell whether a repetition may yet turn out to be one of the first steps of a walk."""
    if s.movement != AUTO or s.held_n == HELD or found.start - s.last_rep < _COMPANY_S * s.rate_hz:
        return False
    if not leg.is_known(s.leg):
        return returned.is_brief(found, s.rate_hz)
    return s.gait.waiting and found.start - s.gait.contact < AFTER_STRIDE_S * s.rate_hz


@kernel
def _publish(
    s: Any,
    found: Any,
    ring: NDArray[np.float64],
    k: int,
    oldest: int,
    scratch: NDArray[np.float64],
    out: NDArray[np.void],
    n: int,
) -> int:
    """Measure a repetition into row `n` and return the next free row."""
    row = results.begin(out, n, REP, ring[k % (ring.shape[0] // 2), TIME])
    measures.repetition(row, ring, found, k, oldest, s.leg, s.rate_hz, scratch)
    row.retroactive = found.retroactive
    row.axis_ratio = s.axes.ratio
    row.axis_confidence = s.axes.confidence
    s.last_rep = found.end
    return n + 1


@kernel
def release(
    s: Any, ring: NDArray[np.float64], k: int, oldest: int, scratch: NDArray[np.float64], out: NDArray[np.void], n: int
) -> int:
    """Publish the repetitions that were held back; return the next free row."""
    for i in range(s.held_n):
        s.held[i].retroactive = 1
        n = _publish(s, s.held[i], ring, k, oldest, scratch, out, n)
    s.held_n = 0
    return n


@kernel
def admit(
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
        found = s.reps.found[i]
        if found.start < oldest or found.start - s.last_contact < AFTER_STRIDE_S * s.rate_hz:
            continue
        if s.movement != REPS and not returned.came_back(found, ring, k, oldest, s.leg.up, s.rate_hz, scratch):
            continue
        if _is_held(s, found):
            s.held[s.held_n] = found
            if s.held_n == 0:
                seconds = HOLD_S if leg.is_known(s.leg) else HOLD_UNKNOWN_S
                s.held_until_k = k + int(seconds * s.rate_hz)
            s.held_n += 1
            continue
        n = release(s, ring, k, oldest, scratch, out, n)
        n = _publish(s, found, ring, k, oldest, scratch, out, n)
    return n
