"""Compiled loops that run one kernel of the chain alone, over a history that is already there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ankled.kernels import bouts, chain, gait, gait_axes, reps, timebase
from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@kernel
def time_base(state: NDArray[np.void], time_s: Any, acc: Any, gyr: Any) -> None:
    """Put every sample onto the grid."""
    s: Any = state[0]
    for i in range(time_s.shape[0]):
        due = timebase.push(s, time_s[i], acc[i, 0], acc[i, 1], acc[i, 2], gyr[i, 0], gyr[i, 1], gyr[i, 2])
        for _ in range(due):
            timebase.pull(s)


@kernel
def axes(state: NDArray[np.void], ring: Any, count: int) -> None:
    """Follow the axes of walking."""
    s: Any = state[0]
    for k in range(count):
        gait_axes.step(s, ring[k])


@kernel
def strides(state: NDArray[np.void], leg: NDArray[np.void], ring: Any, scratch: Any, count: int) -> int:
    """Find strides about known axes, without measuring them."""
    s: Any = state[0]
    found = 0
    for k in range(count):
        if gait.step(s, ring, k, 0, leg[0], scratch):
            found += 1
    return found


@kernel
def repetitions(state: NDArray[np.void], ring: Any, count: int) -> int:
    """Find repetitions, without measuring them."""
    s: Any = state[0]
    found = 0
    for k in range(count):
        found += reps.step(s, ring, k)
    return found


@kernel
def detectors(state: NDArray[np.void], ring: Any, scratch: Any, out: Any, count: int) -> int:
    """Axes, strides, repetitions, and the measures of what they find."""
    s: Any = state[0]
    found = 0
    for k in range(count):
        found += bouts.step(s, ring, k, 0, scratch, out, 0)
    return found


@kernel
def one_by_one(state: Any, ring: Any, scratch: Any, out: Any, time_s: Any, acc: Any, gyr: Any) -> int:
    """Run the whole chain in blocks of one sample, as a live stream without packets would."""
    found = 0
    for i in range(time_s.shape[0]):
        found += chain.run(state, ring, scratch, out, time_s[i : i + 1], acc[i : i + 1], gyr[i : i + 1], 0)
    return found
