"""Nanoseconds a sample of each kernel in one whole-array run: the registry of what is timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from vqf import VQF

from ankled.kernels import bouts, chain, gait, gait_axes, leg, reps, timebase, vqf
from ankled.kernels.constants import AUTO, GAIT, REPS
from ankled.kernels.filters import SCRATCH_COLUMNS, scratch_rows
from ankled.kernels.results import RESULT
from ankled.kernels.ring import ACC, FLAGS, GYR, QUAT, TIME, WIDTH
from benchmarks.report import Figure, Section
from benchmarks.speed import loops
from benchmarks.speed.rounds import interleaved, ratio
from benchmarks.speed.signals import RATE_HZ, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.datasets.common import FloatArray, Recording
    from benchmarks.speed.rounds import Prepare

MOUNT = ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
RIVAL = "vqf package, C++"


@dataclass(frozen=True, slots=True)
class History:
    """A recording with its orientation, laid out as the ring that the detectors read."""

    data: Recording
    ring: FloatArray
    scratch: FloatArray
    count: int


def history(data: Recording) -> History:
    """Return the history of a whole recording: a ring as long as it is."""
    count = len(data.time_s)
    quat, bias = np.empty((count, 4)), np.empty((count, 3))
    state = vqf.init(vqf.Params(), RATE_HZ)
    vqf.run(state, data.gyr, data.acc, quat, bias, np.empty(count, dtype=np.bool_))
    ring = np.zeros((2 * count, WIDTH))
    for half in (ring[:count], ring[count:]):
        half[:, TIME] = data.time_s
        half[:, ACC : ACC + 3] = data.acc
        half[:, GYR : GYR + 3] = data.gyr - bias
        half[:, QUAT : QUAT + 4] = quat
        half[:, FLAGS] = 0.0
    return History(data, ring, np.zeros((scratch_rows(count), SCRATCH_COLUMNS)), count)


def run_chain(work: chain.Chain, data: Recording) -> int:
    """Run a chain over a whole recording and return how many results it wrote."""
    first, found = 0, 0
    while first < len(data.time_s):
        found += chain.run(work.state, work.ring, work.scratch, work.out, data.time_s, data.acc, data.gyr, first)
        first = int(work.state["next"][0])
    return found


def _vqf(past: History) -> Callable[[], object]:
    state = vqf.init(vqf.Params(), RATE_HZ)
    out = np.empty((past.count, 4)), np.empty((past.count, 3)), np.empty(past.count, dtype=np.bool_)
    return lambda: vqf.run(state, past.data.gyr, past.data.acc, *out)


def _rival(past: History) -> Callable[[], object]:
    rival = VQF(1.0 / RATE_HZ)
    return lambda: rival.updateBatch(past.data.gyr, past.data.acc)


def _time_base(past: History) -> Callable[[], object]:
    state = timebase.init(timebase.Params(), RATE_HZ)
    return lambda: loops.time_base(state, past.data.time_s, past.data.acc, past.data.gyr)


def _axes(past: History) -> Callable[[], object]:
    state = gait_axes.init(gait_axes.Params(), RATE_HZ)
    return lambda: loops.axes(state, past.ring, past.count)


def _strides(past: History) -> Callable[[], object]:
    state, known = gait.init(gait.Params(), RATE_HZ), leg.init(*MOUNT)
    return lambda: loops.strides(state, known, past.ring, past.scratch, past.count)


def _repetitions(past: History) -> Callable[[], object]:
    state = reps.init(reps.Params(), RATE_HZ)
    return lambda: loops.repetitions(state, past.ring, past.count)


def _detectors(past: History) -> Callable[[], object]:
    state, out = bouts.init(RATE_HZ, AUTO, *MOUNT), np.zeros(chain.OUT_ROWS, RESULT)
    return lambda: loops.detectors(state, past.ring, past.scratch, out, past.count)


def _chain(past: History, **options: Any) -> Callable[[], object]:  # noqa: ANN401  (passed on to Chain)
    work = chain.Chain(RATE_HZ, **options)
    return lambda: run_chain(work, past.data)


def _one_by_one(past: History) -> Callable[[], object]:
    work, data = chain.Chain(RATE_HZ), past.data
    return lambda: loops.one_by_one(work.state, work.ring, work.scratch, work.out, data.time_s, data.acc, data.gyr)


REGISTRY: dict[str, Callable[[History], Callable[[], object]]] = {
    RIVAL: _rival,
    "time base": _time_base,
    "orientation (VQF)": _vqf,
    "axes of walking": _axes,
    "strides, found": _strides,
    "repetitions, found": _repetitions,
    "axes, strides, repetitions and their measures": _detectors,
    "whole chain, mount found": _chain,
    "whole chain, mount known": lambda past: _chain(past, left=MOUNT[0], up=MOUNT[1]),
    "whole chain, gait only": lambda past: _chain(past, movement=GAIT),
    "whole chain, repetitions only": lambda past: _chain(past, movement=REPS),
    "whole chain, compiled loop over single samples": _one_by_one,
}
"""Label -> maker of a fresh run over a history. Every kernel of the chain is in here, alone or with its measures."""

NOTES = (
    (
        "A simulated walk at 100 Hz; median over interleaved rounds, every round from a fresh state. Parts need "
        "not add up to the chain: alone, each part has the caches for itself."
    ),
)


def measure(samples: int, rounds: int) -> Section:
    """Time every kernel over `samples` samples."""
    past = history(walk(samples / RATE_HZ)["left"])

    def prepared(make: Callable[[History], Callable[[], object]]) -> Prepare:
        return lambda: make(past)

    taken = interleaved({label: prepared(make) for label, make in REGISTRY.items()}, rounds)
    figures = [
        Figure(
            key=label.replace(",", "").replace(" ", "_"),
            label=label,
            value=1e9 * float(np.median(seconds)) / past.count,
            unit="ns",
            digits=0,
            anchor="" if label == RIVAL else f"x {ratio(seconds, taken[RIVAL]):.2f} of the vqf package",
        )
        for label, seconds in taken.items()
    ]
    return Section(
        name="kernels",
        title=f"kernels: ns a sample, {past.count} samples, {rounds} rounds",
        figures=figures,
        notes=NOTES,
    )
