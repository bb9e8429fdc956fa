"""Spells of quiet standing, found while they last, and their sway: for balance on one leg, or on both.

A spell is a stretch in which the leg is upright and nothing but sways: every few samples the low-passed angular rate
and the low-passed specific force are held against limits that a swaying leg stays within and a step, a lift or a turn
of the foot does not. Its first seconds do not count. It ends with a movement, a gap or the stream, or after 30 s,
where the next begins at once. What a spell must show to be published, and its sway: spell.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, exp, radians
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import quiet, spell
from ankled.kernels.jit import kernel
from ankled.kernels.results import REP, STRIDE
from ankled.kernels.ring import ACC, GYR

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Params:
    """What counts as quiet standing.

    settle_s: the first seconds of a spell, which do not count: one-leg stance begins with a phase in which the forces
        become steadier quickly (Jonsson 2004, doi 10.1016/j.clinbiomech.2004.04.002).
    longest_s: after this long a spell is closed and the next begins.
    guard_s: how long before the sample that showed a movement the spell is taken to end.
    most_rate_deg_s, most_turn_deg_s: limits of the angular rate, and of that about the vertical.
    most_lean_mps2: limit of the specific force's distance from its running mean: leaning, and pushing.
    most_tilt_deg: how far from upright the leg may be on average.
    least_sway_mps2: what tilt gives away of gravity, above 0.3 Hz, by the gyroscope; below, nobody is there.
    least_coherence: correlation of that with the specific force. Noise has none, nor has a floor that shakes.
    exercise_n, exercise_s: this many repetitions, none longer than that, without a stride since, are an exercise, in
        whose rests the wearer may sit or lie.
    """

    settle_s: float = 3.0
    longest_s: float = 30.0
    guard_s: float = 0.25
    most_rate_deg_s: float = 25.0
    most_turn_deg_s: float = 12.0
    most_lean_mps2: float = 1.0
    most_tilt_deg: float = 25.0
    least_sway_mps2: float = 0.01
    least_coherence: float = 0.6
    exercise_n: int = 3
    exercise_s: float = 15.0


STATE = np.dtype(
    [
        ("rate_hz", "f8"),
        ("bandwidth_hz", "f8"),
        ("every_n", "i8"),
        ("until_n", "i8"),
        ("smooth", "f8"),
        ("memory_n", "f8"),
        ("shortest_n", "i8"),
        ("longest_n", "i8"),
        ("settle_n", "i8"),
        ("guard_n", "i8"),
        ("rest_n", "i8"),
        ("rate2", "f8"),
        ("turn", "f8"),
        ("lean2", "f8"),
        ("upright", "f8"),
        ("sway", "f8"),
        ("coherence", "f8"),
        ("exercise_n", "i8"),
        ("exercise_s", "f8"),
        ("acc", "f8", (3,)),
        ("gyr", "f8", (3,)),
        ("mean", "f8", (3,)),
        ("mean_n", "f8"),
        ("first", "i8"),  # where the leg became still
        ("reps_n", "i8"),  # repetitions since the last stride
        ("posture", "f8", (3,)),  # gravity in the posture taken for upright while the axes are not known
        ("has_posture", "i8"),
    ],
    align=True,
)
"""Low-passed and running means of what is looked at every `every_n` samples, the spell that may be under way."""

_LOOK_HZ = 25.0
"""How often the leg is looked at, about."""
_SMOOTH_S = 0.1
_MEMORY_S = 5.0
"""Time constants of the low-pass and of the running mean."""
_REST_S = 1.0
"""How long the leg is still before its posture is taken for upright."""


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state before the first sample, shape (1,), for a grid of `rate_hz`."""
    array = np.zeros(1, STATE)
    state: Any = array[0]
    every_n = max(1, int(rate_hz / _LOOK_HZ))
    state["rate_hz"] = rate_hz
    state["bandwidth_hz"] = min(quiet.BANDWIDTH_HZ, 0.4 * rate_hz)
    state["every_n"] = state["until_n"] = every_n
    state["smooth"] = 1.0 - exp(-every_n / (_SMOOTH_S * rate_hz))
    state["memory_n"] = _MEMORY_S * rate_hz / every_n
    state["shortest_n"] = ceil(quiet.SHORTEST_S * rate_hz)
    state["longest_n"] = round(params.longest_s * rate_hz)
    state["settle_n"] = round(params.settle_s * rate_hz)
    state["guard_n"] = round(params.guard_s * rate_hz)
    state["rest_n"] = round(_REST_S * rate_hz)
    state["rate2"] = radians(params.most_rate_deg_s) ** 2
    state["turn"] = radians(params.most_turn_deg_s)
    state["lean2"] = params.most_lean_mps2**2
    state["upright"] = cos(radians(params.most_tilt_deg))
    state["sway"] = params.least_sway_mps2
    state["coherence"] = params.least_coherence
    state["exercise_n"] = params.exercise_n
    state["exercise_s"] = params.exercise_s
    return array


@kernel
def note(s: Any, out: NDArray[np.void], before: int, after: int) -> None:
    """Count the strides and repetitions among rows [before, after) of the results."""
    for i in range(before, after):
        if out[i].kind == STRIDE:
            s.reps_n = 0
        elif out[i].kind == REP and out[i].end_s - out[i].start_s <= s.exercise_s:
            s.reps_n += 1


@kernel
def _restart(s: Any, k: int) -> None:
    """Begin anew behind sample `k`."""
    s.first = k + 1
    s.mean_n = 0.0


@kernel
def _still(s: Any, row: NDArray[np.float64]) -> bool:
    """Take in one row and tell whether the leg does nothing but sway."""
    rate2, turn, force2, lean2 = 0.0, 0.0, 0.0, 0.0
    fresh = s.mean_n == 0.0
    s.mean_n = min(s.mean_n + 1.0, s.memory_n)
    for i in range(3):
        s.acc[i] += s.smooth * (row[ACC + i] - s.acc[i])
        s.gyr[i] += s.smooth * (row[GYR + i] - s.gyr[i])
        a, w = s.acc[i], s.gyr[i]
        if fresh:
            s.mean[i] = a
        d = a - s.mean[i]
        s.mean[i] += d / s.mean_n
        rate2 += w * w
        turn += w * a
        force2 += a * a
        lean2 += d * d
    return rate2 <= s.rate2 and lean2 <= s.lean2 and turn * turn <= s.turn * s.turn * force2


@kernel
def due(s: Any) -> bool:
    """Count a sample, and tell whether it is one for `step`."""
    s.until_n -= 1
    if s.until_n > 0:
        return False
    s.until_n = s.every_n
    return True


@kernel
def step(
    s: Any,
    leg: Any,
    ring: NDArray[np.float64],
    k: int,
    oldest: int,
    scratch: NDArray[np.float64],
    out: NDArray[np.void],
    n: int,
) -> int:
    """Look at sample `k`, just written to `ring`; write a spell that ends to row `n` of `out`, return the next free.

    `leg` is the record of the leg's axes (leg.STATE), `oldest` the first sample that may be looked at.
    """
    if not _still(s, ring[k % (ring.shape[0] // 2)]):
        n = spell.close(s, leg, ring, k, oldest, scratch, out, n, k + 1 - s.guard_n)
        _restart(s, k)
        return n
    since_n = k + 1 - s.first
    if since_n >= s.settle_n + s.longest_n:
        end = s.first + s.settle_n + s.longest_n
        n = spell.close(s, leg, ring, k, oldest, scratch, out, n, end)
        s.first = end - s.settle_n
    elif s.has_posture == 0 and since_n >= s.rest_n:
        for i in range(3):
            s.posture[i] = s.mean[i]
        s.has_posture = 1
    return n


@kernel
def flush(
    s: Any,
    leg: Any,
    ring: NDArray[np.float64],
    k: int,
    oldest: int,
    scratch: NDArray[np.float64],
    out: NDArray[np.void],
    n: int,
) -> int:
    """Close the spell that lasts to sample `k`, the last before a gap or the end; return the next free row of `out`."""
    n = spell.close(s, leg, ring, k, oldest, scratch, out, n, k + 1)
    _restart(s, k)
    return n
