"""The chain of a sensor without a gyroscope, compiled as one: time base, strides.

The counterpart of `chain`, with the same rows as results: of a stride its times, counts and whether it is the first of
a bout, and nan for everything that only a gyroscope can tell. The outcome does not depend on how the stream was cut
into blocks, and a row depends on nothing after the sample that completed it.
"""

from __future__ import annotations

import functools
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import footfalls, timebase
from ankled.kernels.jit import entry_point, kernel
from ankled.kernels.results import GAP, REST, RESULT, STRIDE, begin

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUT_ROWS = 64
"""Rows of the output array: `run` stops early, and says how far it came, while one more sample's results would fit."""
ROOM = 16
"""Rows that one sample may fill at most: a gap, or what the bridged 150 ms before it complete: a bout and a rest."""
PATIENCE_S = 30.0
"""How long landings that never become strides keep a set open."""

STATE = np.dtype(
    [
        ("timebase", timebase.STATE),
        ("footfalls", footfalls.STATE),
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
"""`next` is the first sample not taken in."""


class Chain:
    """The arrays of one running chain. `state` is all it remembers; `out` is work space."""

    __slots__ = ("enter", "out", "state")

    def __init__(
        self, rate_hz: float, *, set_rest_s: float = 10.0, timebase_params: timebase.Params | None = None
    ) -> None:
        """Prepare a chain for a sensor of `rate_hz`."""
        self.state = np.zeros(1, STATE)
        state: Any = self.state[0]
        state["timebase"] = timebase.init(timebase_params or timebase.Params(), rate_hz)[0]
        state["footfalls"] = footfalls.init(footfalls.Params(), rate_hz)[0]
        state["rest_s"] = set_rest_s
        state["patience_n"] = ceil(PATIENCE_S * rate_hz)
        self.out = np.zeros(OUT_ROWS, RESULT)
        self.enter = _entry()
        """`run`, without a check of its arguments."""


@functools.cache
def _entry() -> Any:
    """Find `run` for what every chain has: to tell the types takes numba some ms."""
    rows = np.zeros((0, 3))
    return entry_point(run, np.zeros(1, STATE), np.zeros(1, RESULT), rows[:, 0].copy(), rows, 0)


@kernel
def _stride(s: Any, found: Any, out: NDArray[np.void]) -> None:
    """Write a stride; it became known with the newest sample, of whose time that of the grid is up to a quarter off."""
    row = begin(out, s.out_n, STRIDE, max(s.timebase.new_s, found.end_s))
    row.start_s = found.start_s
    row.end_s = found.end_s
    row.first = found.first
    row.retroactive = found.late
    row.missing = found.missing
    row.clipped = found.clipped
    s.out_n += 1
    s.set_open = 1
    s.last_end_s = found.end_s


@kernel
def _rest(s: Any, out: NDArray[np.void]) -> None:
    """Write a REST row once nothing that counts has happened for long enough after the last stride."""
    if footfalls.busy(s.footfalls):
        s.busy_n += 1
        if s.busy_n < s.patience_n:
            return
    else:
        s.busy_n = 0
    if s.timebase.t_s - s.last_end_s >= s.rest_s:
        begin(out, s.out_n, REST, s.timebase.new_s)
        s.out_n += 1
        s.set_open = 0


@kernel
def run(
    state: NDArray[np.void],
    out: NDArray[np.void],
    time_s: NDArray[np.float64],
    acc: NDArray[np.float64],
    first: int,
) -> int:
    """Take in samples from `first` on and return how many rows of `out` are results.

    Shapes: time_s (n,) s, acc (n, 3) m/s2, C-contiguous float64; `out` as Chain makes it. With more than
    OUT_ROWS - ROOM results it may have stopped early: call again from state.next.
    """
    s: Any = state[0]
    s.out_n = 0
    b = s.timebase
    for i in range(first, time_s.shape[0]):
        if s.out_n > out.shape[0] - ROOM:
            s.next = i
            return s.out_n
        due = timebase.push(b, time_s[i], acc[i, 0], acc[i, 1], acc[i, 2], 0.0, 0.0, 0.0)
        if b.gap:
            footfalls.forget(s.footfalls)
            begin(out, s.out_n, GAP, b.new_s).gap_s = b.gap_s
            s.out_n += 1
        for _ in range(due):
            timebase.pull(b)
            strides = footfalls.step(s.footfalls, b.t_s, b.acc[0], b.acc[1], b.acc[2], b.flags)
            for j in range(strides):
                _stride(s, s.footfalls.steps.found[j], out)
            if strides:
                s.busy_n = 0
            if s.set_open:
                _rest(s, out)
    s.next = time_s.shape[0]
    return s.out_n


def warm_up() -> None:
    """Compile the chain, or load it from the cache, by running it over nothing."""
    work = Chain(100.0)
    run(work.state, work.out, np.zeros(0), np.zeros((0, 3)), 0)
