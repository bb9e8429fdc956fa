"""The whole chain of one sensor, compiled as one: time base, orientation, axes, strides and repetitions, measures.

One call of `run` takes a block of samples of any length and writes result rows; the outcome does not depend on how
the stream was cut into blocks. Everything is causal: a row depends on nothing after the sample that completed it.
"""

from __future__ import annotations

import functools
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import acceleration, bouts, standing, timebase, vqf
from ankled.kernels.constants import AUTO
from ankled.kernels.filters import SCRATCH_COLUMNS, scratch_rows
from ankled.kernels.jit import entry_point, inlined, kernel
from ankled.kernels.results import GAP, REST, RESULT, begin
from ankled.kernels.ring import ACC, FLAGS, GYR, QUAT, TIME, make_ring

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUT_ROWS = 128
"""Rows of the output array: `run` stops early, and says how far it came, while one more sample's results would fit."""
ROOM = 64
"""Rows that one sample may fill at most: the strides of a short walk, published late."""
END = -1
"""Instead of the number of a sample: the stream is at its end."""

_NO_TIME, _NO_VECTORS = np.zeros(0), np.zeros((0, 3))

STATE = np.dtype(
    [
        ("timebase", timebase.STATE),
        ("vqf", vqf.STATE),
        ("bouts", bouts.STATE),
        ("standing", standing.STATE),
        ("rate_hz", "f8"),
        ("k", "i8"),
        ("oldest", "i8"),
        ("out_n", "i8"),
        ("next", "i8"),
        ("rest_s", "f8"),
        ("patience_n", "i8"),
        ("busy_n", "i8"),
        ("set_open", "i8"),
        ("last_end_s", "f8"),
    ],
    align=True,
)
"""`k` samples are on the grid; the history since the last gap begins at `oldest`; `next` is the first not taken in."""


class Chain:
    """The arrays of one running chain. `state` and `ring` are all it remembers; the others are work space."""

    __slots__ = ("enter", "out", "ring", "scratch", "state")

    def __init__(
        self,
        rate_hz: float,
        *,
        movement: int = AUTO,
        set_rest_s: float = 10.0,
        left: tuple[float, float, float] | None = None,
        up: tuple[float, float, float] | None = None,
        stored: bool = False,
        timebase_params: timebase.Params | None = None,
    ) -> None:
        """Prepare a chain for a sensor of `rate_hz`; `left` and `up` are its mount, if that is known or `stored`."""
        self.state = np.zeros(1, STATE)
        state: Any = self.state[0]
        state["timebase"] = timebase.init(timebase_params or timebase.Params(), rate_hz)[0]
        state["vqf"] = vqf.init(vqf.Params(), rate_hz)[0]
        state["bouts"] = bouts.init(rate_hz, movement, left, up, stored=stored)[0]
        state["standing"] = standing.init(standing.Params(), rate_hz)[0]
        state["rate_hz"] = rate_hz
        state["rest_s"] = set_rest_s
        state["patience_n"] = ceil(30.0 * rate_hz)
        self.ring = make_ring(rate_hz)
        self.scratch = np.zeros((scratch_rows(self.ring.shape[0] // 2), SCRATCH_COLUMNS))
        self.out = np.zeros(OUT_ROWS, RESULT)
        self.enter = _entry()
        """`run`, without a check of its arguments."""


@functools.cache
def _entry() -> Any:
    """Find `run` for what every chain has: numba takes 10 ms to tell the types of so large a state."""
    rows = np.zeros((0, 3))
    return entry_point(run, np.zeros(1, STATE), rows, rows, np.zeros(1, RESULT), rows[:, 0].copy(), rows, rows, 0)


@inlined
def _append(s: Any, ring: NDArray[np.float64]) -> int:
    """Run the orientation filter on the row the time base has pulled, write it to the history, return its number."""
    b = s.timebase
    v = s.vqf
    vqf.step(v, b.gyr[0], b.gyr[1], b.gyr[2], b.acc[0], b.acc[1], b.acc[2])
    k = s.k
    s.k += 1
    capacity = ring.shape[0] // 2
    row = k % capacity
    ring[row, TIME] = b.t_s
    for i in range(3):
        ring[row, ACC + i] = b.acc[i]
        ring[row, GYR + i] = b.gyr[i] - v.bias[i]
    for i in range(4):
        ring[row, QUAT + i] = v.quat[i]
    ring[row, FLAGS] = b.flags
    s.oldest = max(s.oldest, k + 1 - capacity)
    return k


@kernel
def _note(s: Any, out: NDArray[np.void], before: int) -> None:
    """Remember when the last stride or repetition ended, of the rows added since there were `before`."""
    s.set_open = 1
    for i in range(before, s.out_n):  # late ones may come behind later ones
        s.last_end_s = max(s.last_end_s, out[i].end_s)
    standing.note(s.standing, out, before, s.out_n)


@inlined
def _rest(s: Any, out: NDArray[np.void]) -> None:
    """Write a REST row once nothing that counts has happened for long enough after the last stride or repetition."""
    now_s = s.timebase.t_s
    if bouts.busy(s.bouts):
        s.busy_n += 1
        if s.busy_n < s.patience_n:
            return
    else:
        s.busy_n = 0
    if now_s - s.last_end_s >= s.rest_s:
        begin(out, s.out_n, REST, now_s)
        s.out_n += 1
        s.set_open = 0


@kernel
def _gap(s: Any, ring: NDArray[np.float64], scratch: NDArray[np.float64], out: NDArray[np.void]) -> None:
    """Close or drop what is open, because the stream had a gap, and report the gap."""
    if s.k > 0:
        before = s.out_n
        s.out_n = bouts.flush(s.bouts, ring, s.k - 1, s.oldest, scratch, out, before)
        if s.out_n > before:
            _note(s, out, before)
        s.out_n = standing.flush(s.standing, s.bouts.leg, ring, s.k - 1, s.oldest, scratch, out, s.out_n)
    bouts.forget(s.bouts, s.k - 1, s.timebase.gap_s)
    row = begin(out, s.out_n, GAP, s.timebase.new_s)
    row.gap_s = s.timebase.gap_s
    s.out_n += 1
    s.oldest = s.k


@kernel
def _known(s: Any, out: NDArray[np.void], before: int) -> None:
    """Say of the rows added since there were `before` that they became known with the newest sample.

    Its own time, not that of the grid: the two differ by up to a quarter of a period, and several rows of the grid may
    wait for one sample. For the same reason an end may lie a little later than the sample that showed it.
    """
    for i in range(before, s.out_n):
        row = out[i]
        row.known_s = max(s.timebase.new_s, row.end_s)  # the former where there is no end: nan is not larger


@kernel
def _end(s: Any, ring: NDArray[np.float64], scratch: NDArray[np.float64], out: NDArray[np.void]) -> int:
    """Close what is open at the end of the stream and return how many rows of `out` are results."""
    n = bouts.flush(s.bouts, ring, s.k - 1, s.oldest, scratch, out, 0)
    return standing.flush(s.standing, s.bouts.leg, ring, s.k - 1, s.oldest, scratch, out, n)


@kernel
def run(
    state: NDArray[np.void],
    ring: NDArray[np.float64],
    scratch: NDArray[np.float64],
    out: NDArray[np.void],
    time_s: NDArray[np.float64],
    acc: NDArray[np.float64],
    gyr: NDArray[np.float64],
    first: int,
) -> int:
    """Take in samples from `first` on and return how many rows of `out` are results.

    Shapes: time_s (n,) s, acc (n, 3) m/s2, gyr (n, 3) rad/s, C-contiguous float64; `ring`, `scratch` and `out` as Chain
    makes them. With more than OUT_ROWS - ROOM results it may have stopped early: call again from state.next. With END
    for `first` it closes what is open instead: a kernel of its own would hold, and compile, most of this once more.
    """
    s: Any = state[0]
    if first == END:
        return _end(s, ring, scratch, out)
    s.out_n = 0
    b = s.timebase
    for i in range(first, time_s.shape[0]):
        if s.out_n > out.shape[0] - ROOM:
            s.next = i
            return s.out_n
        due = timebase.push(b, time_s[i], acc[i, 0], acc[i, 1], acc[i, 2], gyr[i, 0], gyr[i, 1], gyr[i, 2])
        known = s.out_n
        if b.gap:
            _gap(s, ring, scratch, out)
        for _ in range(due):
            timebase.pull(b)
            k = _append(s, ring)
            before = s.out_n
            s.out_n = bouts.step(s.bouts, ring, k, s.oldest, scratch, out, before)
            if s.out_n > before:
                _note(s, out, before)
            if s.set_open:
                _rest(s, out)
            if standing.due(s.standing):
                s.out_n = standing.step(s.standing, s.bouts.leg, ring, k, s.oldest, scratch, out, s.out_n)
        if s.out_n > known:
            _known(s, out, known)
    s.next = time_s.shape[0]
    return s.out_n


def finish(
    state: NDArray[np.void], ring: NDArray[np.float64], scratch: NDArray[np.float64], out: NDArray[np.void]
) -> int:
    """Close what is open at the end of the stream and return how many rows of `out` are results."""
    s: Any = state[0]
    if s["k"] == 0:
        return 0
    n = run(state, ring, scratch, out, _NO_TIME, _NO_VECTORS, _NO_VECTORS, END)
    out["known_s"][:n] = np.fmax(s["timebase"]["new_s"], out["end_s"][:n])  # as `_known`
    return n


def warm_up() -> None:
    """Compile the chains, or load them from the cache, by running them over nothing; this one last."""
    acceleration.warm_up()
    work = Chain(100.0)
    run(work.state, work.ring, work.scratch, work.out, _NO_TIME, _NO_VECTORS, _NO_VECTORS, 0)
