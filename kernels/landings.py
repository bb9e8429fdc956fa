"""Landings of one leg, and when they become strides: three in a row at even times, the leg standing as it did.

That tells steps from a leg that is raised, held and put down, which comes to rest in one way and then in another. The
first stride of a bout begins with the onset of its swing, every other with the landing before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Params:
    """What belongs to one bout.

    shortest_stride_s, longest_stride_s: what lies between two landings; beyond, a new bout begins.
    least_ratio, most_ratio: how much shorter or longer than those before a stride may be.
    most_turned_deg: how differently the leg may stand after two landings.
    """

    shortest_stride_s: float = 0.35
    longest_stride_s: float = 2.5
    least_ratio: float = 0.6
    most_ratio: float = 1.6
    most_turned_deg: float = 30.0


FEWEST = 3
"""Landings that make a bout: fewer may be anything."""
MOST = 6
"""Landings that are taken in at once, at most."""

ONSET = np.dtype([("time_s", "f8"), ("missing", "i8"), ("clipped", "i8")], align=True)
"""When a leg began to move; the counts are of all samples up to then."""

LANDING = np.dtype(
    [
        ("place", "f8"),
        ("time_s", "f8"),
        ("peak_mps2", "f8"),
        ("missing", "i8"),
        ("clipped", "i8"),
        ("onset", ONSET),  # of the swing before it
        ("rested", "i8"),  # 1 if the leg was still after it
        ("up", "f8", (3,)),  # mean specific force then
    ],
    align=True,
)

FOUND = np.dtype(
    [
        ("start_s", "f8"),
        ("end_s", "f8"),
        ("peak_mps2", "f8"),
        ("first", "i8"),
        ("late", "i8"),
        ("missing", "i8"),
        ("clipped", "i8"),
    ],
    align=True,
)
"""A stride: from a landing, or where it is the `first` from the onset of the swing, to the landing that ends it, whose
largest specific force is `peak_mps2`. `late`: it was believed only when others had followed."""

STATE = np.dtype(
    [
        ("new", LANDING),
        ("bout", LANDING, (FEWEST,)),
        ("bout_n", "i8"),
        ("sure", "i8"),
        ("stride_n", "f8"),
        ("ended", "f8"),
        ("ended_s", "f8"),
        ("found", FOUND, (MOST,)),
        ("found_n", "i8"),
        ("shortest_stride_n", "f8"),
        ("longest_stride_n", "f8"),
        ("least_ratio", "f8"),
        ("most_ratio", "f8"),
        ("least_cosine", "f8"),
    ],
    align=True,
)
"""`bout` holds the landings that wait for others, or once they are `sure` the last one; `stride_n` is the time between
them, samples, 0 while there is but one; `ended` is where the last stride ended."""


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state before the first landing, shape (1,), for a grid of `rate_hz`."""
    array = np.zeros(1, STATE)
    state: Any = array[0]
    state["ended"] = state["ended_s"] = -np.inf
    state["shortest_stride_n"] = params.shortest_stride_s * rate_hz
    state["longest_stride_n"] = params.longest_stride_s * rate_hz
    state["least_ratio"] = params.least_ratio
    state["most_ratio"] = params.most_ratio
    state["least_cosine"] = cos(radians(params.most_turned_deg))
    return array


@kernel
def end_bout(s: Any) -> None:
    """Let the next landing begin a new bout."""
    s.bout_n = 0
    s.sure = 0
    s.stride_n = 0.0


@kernel
def latest(s: Any) -> float:
    """Return the place of the bout's last landing; minus infinity if there is none."""
    return s.bout[s.bout_n - 1].place if s.bout_n > 0 else -np.inf


@kernel
def _put(s: Any, landing: Any) -> None:
    """Add a landing to the bout."""
    to = s.bout[s.bout_n]
    s.bout_n += 1
    to.place = landing.place
    to.time_s = landing.time_s
    to.peak_mps2 = landing.peak_mps2
    to.missing = landing.missing
    to.clipped = landing.clipped
    to.onset.time_s = landing.onset.time_s
    to.onset.missing = landing.onset.missing
    to.onset.clipped = landing.onset.clipped
    to.rested = landing.rested
    to.up[0], to.up[1], to.up[2] = landing.up[0], landing.up[1], landing.up[2]


@kernel
def _stands_alike(s: Any, a: Any, b: Any) -> bool:
    """Tell whether the leg stood the same way after two landings, as far as that is known."""
    if not (a.rested and b.rested):
        return True
    along = a.up[0] * b.up[0] + a.up[1] * b.up[1] + a.up[2] * b.up[2]
    a2 = a.up[0] * a.up[0] + a.up[1] * a.up[1] + a.up[2] * a.up[2]
    b2 = b.up[0] * b.up[0] + b.up[1] * b.up[1] + b.up[2] * b.up[2]
    return along >= s.least_cosine * sqrt(a2 * b2)


@kernel
def _tell(s: Any, begin: Any, landing: Any) -> None:
    """Add a stride to those found, from a landing or an onset to a landing."""
    f = s.found[s.found_n]
    f.start_s = begin.time_s
    f.end_s = landing.time_s
    f.peak_mps2 = landing.peak_mps2
    f.first = 0
    f.late = 0
    f.missing = landing.missing - begin.missing
    f.clipped = landing.clipped - begin.clipped
    s.found_n += 1
    s.ended = landing.place
    s.ended_s = landing.time_s


@kernel
def land(s: Any, shock: Any, onset: Any, earliest_s: float, rested: bool, up: NDArray[np.float64]) -> None:
    """Take in a landing and add the strides that it completes to those found.

    `shock` is its shock (shocks.SHOCK), `onset` that of the restlessness it lies in, though its own swing began at
    `earliest_s` at the earliest; `rested` says that the leg was still after it, with the mean specific force `up`.
    """
    new = s.new
    new.place = shock.place
    new.time_s = shock.time_s
    new.peak_mps2 = shock.peak_mps2
    new.missing = shock.missing
    new.clipped = shock.clipped
    new.onset.time_s = max(onset.time_s, earliest_s, s.ended_s)
    new.onset.missing = onset.missing
    new.onset.clipped = onset.clipped
    new.rested = 1 if rested else 0
    new.up[0], new.up[1], new.up[2] = up[0], up[1], up[2]
    if s.bout_n > 0:
        last = s.bout[s.bout_n - 1]
        between = new.place - last.place
        if between < max(s.shortest_stride_n, s.least_ratio * s.stride_n):
            return
        joins = between <= s.longest_stride_n and _stands_alike(s, last, new)
        late = s.stride_n > 0.0 and between > s.most_ratio * s.stride_n
        if not joins or (late and s.sure):
            end_bout(s)
        elif late:  # rather the ones before did not belong to the last
            s.bout_n = 0
            _put(s, last)
            s.stride_n = 0.0
        if joins and s.bout_n > 0:
            s.stride_n = between if s.stride_n == 0.0 else s.stride_n + 0.3 * (between - s.stride_n)
    _put(s, new)
    if s.sure:
        _tell(s, s.bout[0], new)
    elif s.bout_n == FEWEST:
        s.sure = 1
        _tell(s, s.bout[0].onset, s.bout[0])
        for i in range(1, FEWEST):
            _tell(s, s.bout[i - 1], s.bout[i])
            s.found[i - 1].late = 1
        s.found[0].first = 1
    if s.sure:
        s.bout_n = 0
        _put(s, new)
