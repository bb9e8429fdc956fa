"""Timing in interleaved rounds: rivals take turns, so that a busy moment of the machine hits all of them."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.datasets.common import FloatArray

    Prepare: TypeAlias = Callable[[], Callable[[], object]]
    """Makes everything fresh, outside the clock, and returns what is timed."""


def interleaved(cases: Mapping[str, Prepare], rounds: int) -> dict[str, FloatArray]:
    """Return the seconds that each case took in each round, after one round that does not count (it may compile).

    Seconds of processor time: all cases compute in one thread, and what else the machine does is not theirs.
    """
    for prepare in cases.values():
        prepare()()
    taken: dict[str, list[float]] = {name: [] for name in cases}
    gc.collect()
    gc.freeze()  # the compiled kernels, as the daemon does
    for _ in range(rounds):
        for name, prepare in cases.items():
            run = prepare()
            start = time.process_time()
            run()
            taken[name].append(time.process_time() - start)
    gc.unfreeze()
    return {name: np.asarray(values) for name, values in taken.items()}


def ratio(ours: FloatArray, theirs: FloatArray) -> float:
    """Return the median over rounds of ours / theirs: both of a ratio were timed next to each other."""
    return float(np.median(ours / theirs))
