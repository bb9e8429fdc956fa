"""Strides from the specific force of one sensor at an ankle or on a foot, without a gyroscope.

A leg that walks is still in stance and restless in swing, and lands with a shock near the end of the restlessness: the
strongest shock of its later part is the initial contact. A leg that runs may never be still: there a landing is the
strongest shock about one stride after the landing before, and it begins with three that stand out at even distances. A
leg that falls freely has jumped, and takes no stride. `landings` decides which landings make a bout.

Nothing here knows where the sensor's axes point, and so nothing says whether the leg went anywhere: marching on the
spot, or a foot put down firmly every second or two, gives strides as well.

The rule is our own. That contacts can be timed by the acceleration of a foot alone, as well as by foot switches:
Jasiewicz et al. 2006 (doi 10.1016/j.gaitpost.2005.12.017).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import landings, shocks
from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Params:
    """What counts as a stride.

    still_s: how long the leg is still before it counts as that.
    shortest_swing_s: least time of restlessness that holds a swing.
    longest_swing_s: from then on a restless leg may be running.
    early_share, landing_s: the landing lies after this share of the restlessness, and this near its end at most.
    even: by how much two strides of a leg that is never still may differ, as a share.
    running_shock_mps2: least shock of a landing on a leg that is never still.
    running_apart_s: a landing is the strongest shock of so long a time on either side.
    running_share: the first ones stand out: at most this share of their energy have the others, but for the nearest.
    running_near_s: how near those are.
    """

    still_s: float = 0.08
    shortest_swing_s: float = 0.25
    longest_swing_s: float = 1.6
    early_share: float = 0.4
    landing_s: float = 0.7
    even: float = 0.2
    running_shock_mps2: float = 12.0
    running_apart_s: float = 0.5
    running_share: float = 0.5
    running_near_s: float = 0.15


STATE = np.dtype(
    [
        ("motion", shocks.STATE),
        ("steps", landings.STATE),
        ("active", "i8"),
        ("since_k", "i8"),
        ("onset", landings.ONSET),
        ("still_k", "i8"),
        ("fell", "i8"),
        ("steps_back", "i8", (landings.MOST,)),
        ("still_n", "i8"),
        ("shortest_swing_n", "f8"),
        ("longest_swing_n", "f8"),
        ("early_share", "f8"),
        ("landing_n", "f8"),
        ("even", "f8"),
        ("running_energy", "f8"),
        ("apart_n", "f8"),
        ("near_n", "f8"),
        ("running_share", "f8"),
    ],
    align=True,
)
"""`since_k` and `onset`: when the leg became restless; `still_k`: the first sample without that after it, or -1."""


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state before the first sample, shape (1,), for a grid of `rate_hz`."""
    array = np.zeros(1, STATE)
    state: Any = array[0]
    state["motion"] = shocks.init(shocks.Params(), rate_hz)[0]
    state["steps"] = landings.init(landings.Params(), rate_hz)[0]
    state["still_n"] = ceil(params.still_s * rate_hz)
    state["shortest_swing_n"] = params.shortest_swing_s * rate_hz
    state["longest_swing_n"] = params.longest_swing_s * rate_hz
    state["early_share"] = params.early_share
    state["landing_n"] = params.landing_s * rate_hz
    state["even"] = params.even
    state["running_energy"] = params.running_shock_mps2**2
    state["apart_n"] = params.running_apart_s * rate_hz
    state["near_n"] = params.running_near_s * rate_hz
    state["running_share"] = params.running_share
    return array


@kernel
def forget(s: Any) -> None:
    """Forget the running bout: the stream had a gap."""
    shocks.forget(s.motion)
    s.active = 0
    s.fell = 0
    landings.end_bout(s.steps)


@kernel
def busy(s: Any) -> bool:
    """Tell whether a landing may yet become part of a stride."""
    return s.motion.k - landings.latest(s.steps) <= s.steps.longest_stride_n


@kernel
def _begin(s: Any, time_s: float) -> None:
    """Remember that the leg has become restless, or has fallen until now."""
    s.since_k = s.motion.k
    s.onset.time_s = time_s
    s.onset.missing = s.motion.missing
    s.onset.clipped = s.motion.clipped


@kernel
def _land(s: Any, back: int, stride_n: float) -> None:
    """Take the shock that lies `back` for a landing, after a stride of at most `stride_n` samples."""
    shock = shocks.shock(s.motion, back)
    landings.land(s.steps, shock, s.onset, shock.time_s - stride_n * s.motion.period_s, not s.active, s.motion.mean)


@kernel
def _strongest(s: Any, begin: float, end: float) -> int:
    """Return which shock between two places is the strongest, counted back from the latest; -1 for none."""
    m = s.motion
    best = -1
    for i in range(min(m.shocks_n, shocks.KEPT)):
        shock = shocks.shock(m, i)
        if shock.place < begin:
            break
        if shock.place <= end and (best < 0 or shock.energy > shocks.shock(m, best).energy):
            best = i
    return best


@kernel
def _stands_out(s: Any, back: int, share: float) -> bool:
    """Tell whether a shock is a landing of running, those around it having at most this share of its energy."""
    m = s.motion
    energy, place = shocks.shock(m, back).energy, shocks.shock(m, back).place
    if energy < s.running_energy:
        return False
    for i in range(min(m.shocks_n, shocks.KEPT)):
        shock = shocks.shock(m, i)
        if shock.place < place - s.apart_n:
            break
        far = abs(shock.place - place)
        if i != back and far < s.apart_n and shock.energy > (share if far > s.near_n else 1.0) * energy:
            return False
    return True


@kernel
def _come_to_rest(s: Any) -> None:
    """Find the landing that ended the swing of a leg that has become still."""
    s.active = 0
    swing_n = s.still_k - s.since_k
    if swing_n < s.shortest_swing_n or s.fell:
        return
    begin = max(s.since_k + s.early_share * swing_n, s.still_k - s.landing_n)
    i = _strongest(s, begin, float(s.motion.k))
    if i >= 0:
        _land(s, i, s.steps.longest_stride_n)


@kernel
def _run_on(s: Any) -> None:
    """Find the next landing of a leg that was never still since the last: it must lie about a stride later."""
    last, stride_n = landings.latest(s.steps), s.steps.stride_n
    i = _strongest(s, last + (1.0 - s.even) * stride_n, last + (1.0 + s.even) * stride_n)
    if i < 0 or not _stands_out(s, i, 1.0):
        landings.end_bout(s.steps)
    else:
        _land(s, i, stride_n)


@kernel
def _run_off(s: Any) -> None:
    """Begin a bout of a leg that is restless for longer than a swing, if its latest strong shocks are evenly apart."""
    m = s.motion
    begin = max(float(s.since_k), s.steps.ended + s.steps.shortest_stride_n)
    count = 0
    for i in range(min(m.shocks_n, shocks.KEPT)):
        shock = shocks.shock(m, i)
        if shock.place < begin or count == 3:
            break
        if m.k - shock.place >= s.apart_n and _stands_out(s, i, s.running_share):
            s.steps_back[count] = i
            count += 1
    if count < 3:
        return
    place, early = shocks.shock(m, s.steps_back[2]).place, shocks.shock(m, s.steps_back[1]).place
    late_n, early_n = shocks.shock(m, s.steps_back[0]).place - early, early - place
    if max(early_n, late_n) > s.steps.longest_stride_n or abs(early_n - late_n) > s.even * max(early_n, late_n):
        return
    while count < landings.MOST:  # landings before those three that stood out less
        i = _strongest(s, max(begin, place - (1.0 + s.even) * early_n), place - (1.0 - s.even) * early_n)
        if i < 0 or not _stands_out(s, i, 1.0):
            break
        s.steps_back[count] = i
        count += 1
        place = shocks.shock(m, i).place
    landings.end_bout(s.steps)
    for j in range(count):
        _land(s, s.steps_back[count - 1 - j], early_n)
    for j in range(s.steps.found_n - 1):
        s.steps.found[j].late = 1


@kernel
def _follow_rest(s: Any, time_s: float) -> None:
    """Follow the leg from rest to restlessness and back."""
    m = s.motion
    if not shocks.is_still(m):
        if not s.active:
            s.active = 1
            s.fell = 0
            _begin(s, time_s)
        s.still_k = -1
    elif s.active:
        if s.still_k < 0:
            s.still_k = m.k
        if m.k - s.still_k >= s.still_n:
            _come_to_rest(s)


@kernel
def step(s: Any, time_s: float, ax: float, ay: float, az: float, flags: float) -> int:
    """Take in the next sample of the grid and return how many strides of `s.steps.found` it completes.

    Units: s, m/s2; `flags` as in `ring`. Rates: 25 to 400 Hz; at 25 Hz the shocks of running may slip through.
    """
    m = s.motion
    s.steps.found_n = 0
    shocks.step(m, time_s, ax, ay, az, flags)
    _follow_rest(s, time_s)
    if not s.active:
        return s.steps.found_n
    if shocks.is_falling(m):
        s.fell = 1
        _begin(s, time_s)
        landings.end_bout(s.steps)
    restless_n = m.k - max(float(s.since_k), landings.latest(s.steps))
    if s.steps.stride_n > 0.0:
        if restless_n >= (1.0 + s.even) * s.steps.stride_n:
            _run_on(s)
    elif restless_n > s.longest_swing_n and m.k % s.still_n == 0:  # not each sample: it looks at all pairs of shocks
        _run_off(s)
    return s.steps.found_n


@kernel
def run(
    state: NDArray[np.void],
    time_s: NDArray[np.float64],
    acc: NDArray[np.float64],
    found: NDArray[np.void],
    known_s: NDArray[np.float64],
) -> int:
    """Take in samples of one grid without a gap, time_s (n,), acc (n, 3); write strides, return how many.

    `found` (m,) of landings.FOUND and `known_s` (m,), when each was known, have room for all of them.
    """
    s: Any = state[0]
    count = 0
    for k in range(time_s.shape[0]):
        for i in range(step(s, time_s[k], acc[k, 0], acc[k, 1], acc[k, 2], 0.0)):
            found[count] = s.steps.found[i]
            known_s[count] = time_s[k]
            count += 1
    return count
