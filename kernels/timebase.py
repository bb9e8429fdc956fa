"""The time base: samples as they come, late, lost or doubled, become rows of a uniform grid.

The grid has the period 1/rate and a phase that follows the samples slowly, so that a clock a few hundred ppm off
never forces interpolation. With d the time of a sample after its nearest slot:

* |d| <= `tolerance`: the slot takes the sample unchanged, under the slot's time.
* else the slot lies between two samples and is interpolated linearly, as soon as the later one is there. Nothing is
  missing then: neither counted nor flagged.
* slots without samples are interpolated, flagged and counted, up to max(`bridge_s`, `bridge_n` samples) of them;
  more are a gap: it is reported, and the grid begins anew at the sample after it, so the time of the rows jumps.

Causal: a row depends on nothing after the sample that released it. `push` takes a sample and says how many rows are
due; `pull` brings them one by one and must be called that often before the next `push`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.jit import inlined, kernel
from ankled.kernels.ring import FLAG_CLIPPED, FLAG_INTERPOLATED

if TYPE_CHECKING:
    from numpy.typing import NDArray


ABSURD_MPS2 = 5000.0
"""A specific force that no leg and no sensor for one reaches: 500 g. Such a value is a broken packet."""
ABSURD_RAD_S = 200.0
"""The same for an angular rate: 11,000 deg/s. One such sample would spoil the orientation for minutes."""


@dataclass(frozen=True, slots=True)
class Params:
    """How the grid follows the samples, and where the sensor clips."""

    tolerance: float = 0.25
    """How far from its slot a sample may be and still be taken as it is, periods, below 0.5."""
    phase_gain: float = 0.05
    """Share of a sample's offset by which the grid moves towards it."""
    bridge_s: float = 0.150
    """Longest time of missing samples that is interpolated."""
    bridge_n: int = 2
    """Missing samples that are interpolated at any rate."""
    acc_range_mps2: float = math.inf
    """Full scale of the accelerometer: a component that reaches it is taken for clipped."""
    gyr_range_rad_s: float = math.inf
    """Full scale of the gyroscope: a component that reaches it is taken for clipped."""


STATE = np.dtype(
    [
        ("t_s", "f8"),  # the row pulled last: its time on the grid
        ("acc", "f8", (3,)),
        ("gyr", "f8", (3,)),
        ("flags", "f8"),
        ("gap", "i8"),  # 1 while the sample pushed last ended a gap
        ("gap_s", "f8"),  # how long the last gap was, sample to sample
        ("rows_n", "i8"),  # rows pulled; the last one's index is one less
        ("missing_n", "i8"),  # samples replaced by interpolation
        ("gaps_n", "i8"),
        ("repeated_n", "i8"),
        ("backwards_n", "i8"),
        ("not_finite_n", "i8"),
        ("clipped_n", "i8"),
        ("started", "i8"),
        ("due_n", "i8"),
        ("pulled_n", "i8"),
        ("bridged", "i8"),  # slots without samples are among the due rows
        ("taken", "i8"),  # the last due row is the sample itself
        ("ahead", "f8"),  # 1 if the last sample's nearest slot is not out yet
        ("slot_s", "f8"),  # slot before the first due row
        ("gain", "f8"),
        ("new_s", "f8"),  # the sample pushed last, and the one before it
        ("new", "f8", (6,)),
        ("new_flags", "f8"),
        ("old_s", "f8"),
        ("old", "f8", (6,)),
        ("old_flags", "f8"),
        ("period_s", "f8"),
        ("rate_hz", "f8"),
        ("tolerance", "f8"),
        ("phase_gain", "f8"),
        ("bridge_n", "f8"),
        ("acc_range", "f8"),
        ("gyr_range", "f8"),
    ],
    align=True,
)
"""One sensor's time base: the row last pulled, counters, memory, coefficients."""


def bridge_samples(params: Params, rate_hz: float) -> int:
    """Return how many missing samples in a row are interpolated at `rate_hz`."""
    return max(params.bridge_n, math.floor(params.bridge_s * rate_hz + 1e-6))


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state before the first sample, shape (1,), for a grid of `rate_hz`."""
    if not 0.0 < rate_hz < math.inf:
        message = f"rate_hz is {rate_hz}; it must be above zero and finite"
        raise ValueError(message)
    if not 0.0 <= params.tolerance < 0.5:  # at half a period the next slot is as near
        message = f"tolerance is {params.tolerance} periods; it must be from 0 to below 0.5"
        raise ValueError(message)
    state = np.zeros(1, STATE)
    s: Any = state[0]
    s["period_s"] = 1.0 / rate_hz
    s["rate_hz"] = rate_hz
    s["tolerance"] = params.tolerance
    s["phase_gain"] = params.phase_gain
    s["bridge_n"] = bridge_samples(params, rate_hz)
    s["acc_range"] = params.acc_range_mps2
    s["gyr_range"] = params.gyr_range_rad_s
    return state


@kernel
def _begin(s: Any, t: float) -> None:
    """Lay the first slot of a grid onto the sample at `t`."""
    s.started = 1
    s.slot_s = t - s.period_s
    s.due_n = 1
    s.taken = 1
    s.ahead = 0.0
    s.gain = 1.0


@inlined
def _place(s: Any, t: float) -> None:
    """Find the slots that the sample at `t`, later than the one before, makes due, and whether it takes the last."""
    offset = (t - s.slot_s) * s.rate_hz
    nearest = math.floor(offset + 0.5)
    lost = nearest - s.ahead - 1.0
    if lost > s.bridge_n:
        s.gap = 1
        s.gap_s = t - s.new_s
        s.gaps_n += 1
        _begin(s, t)
        return
    if nearest < 1.0:  # its slot is out already
        s.taken = 0
        s.ahead = 0.0
    else:
        d = offset - nearest
        # The mean of the offsets at first, so that a grid begun on an untypical sample settles within a few.
        if s.gain > s.phase_gain:
            s.gain = max(s.phase_gain, s.gain / (1.0 + s.gain))
        s.slot_s += s.gain * d * s.period_s
        s.missing_n += int(max(lost, 0.0))
        s.bridged = lost > 0.0
        s.taken = abs(d) <= s.tolerance
        s.ahead = 1.0 if d < -s.tolerance else 0.0
        s.due_n = int(nearest - s.ahead)
    if s.due_n != 1 or not s.taken:  # a row will be drawn from the sample before
        s.old_s = s.new_s
        s.old_flags = s.new_flags
        for i in range(6):
            s.old[i] = s.new[i]


@inlined
def push(s: Any, t: float, ax: float, ay: float, az: float, gx: float, gy: float, gz: float) -> int:
    """Take a sample, time in s, and return how many rows `pull` has to bring now.

    `s.gap` is 1 if a gap lies before the row that is due. Not used, only counted: a sample with a value that is not
    finite or absurd (its slot is then interpolated like a lost one), a time equal to the last, a time before it.
    """
    s.gap = 0
    s.slot_s += s.due_n * s.period_s
    s.due_n = 0
    s.pulled_n = 0
    s.bridged = 0
    force, rate = max(abs(ax), abs(ay), abs(az)), max(abs(gx), abs(gy), abs(gz))
    if not (math.isfinite(t + (ax + ay + az) + (gx + gy + gz)) and force < ABSURD_MPS2 and rate < ABSURD_RAD_S):
        s.not_finite_n += 1
        return 0
    if not s.started:
        _begin(s, t)
    elif t > s.new_s:
        _place(s, t)
    else:
        if t == s.new_s:
            s.repeated_n += 1
        else:
            s.backwards_n += 1
        return 0
    s.new_flags = 0.0
    if force >= s.acc_range or rate >= s.gyr_range:
        s.new_flags = FLAG_CLIPPED
        s.clipped_n += 1
    s.new_s = t
    v = s.new
    v[0], v[1], v[2], v[3], v[4], v[5] = ax, ay, az, gx, gy, gz
    return s.due_n


@kernel
def _interpolate(s: Any) -> None:
    """Fill the row at s.t_s from the two last samples."""
    w = min(max((s.t_s - s.old_s) / (s.new_s - s.old_s), 0.0), 1.0)
    for i in range(3):
        s.acc[i] = s.old[i] + w * (s.new[i] - s.old[i])
        s.gyr[i] = s.old[3 + i] + w * (s.new[3 + i] - s.old[3 + i])
    s.flags = FLAG_INTERPOLATED * s.bridged + max(s.old_flags, s.new_flags)


@inlined
def pull(s: Any) -> None:
    """Bring the next row that is due into s.t_s, s.acc (m/s2), s.gyr (rad/s) and s.flags."""
    s.rows_n += 1
    s.pulled_n += 1
    s.t_s = s.slot_s + s.pulled_n * s.period_s
    if s.taken and s.pulled_n == s.due_n:
        s.flags = s.new_flags
        v = s.new
        s.acc[0], s.acc[1], s.acc[2] = v[0], v[1], v[2]
        s.gyr[0], s.gyr[1], s.gyr[2] = v[3], v[4], v[5]
    else:
        _interpolate(s)


@kernel
def run(
    state: NDArray[np.void],
    time_s: NDArray[np.float64],
    acc: NDArray[np.float64],
    gyr: NDArray[np.float64],
    rows: NDArray[np.float64],
) -> int:
    """Push time_s (n,), acc and gyr (n, 3); write rows (m, 9): time, acc, gyr, flags, 1 after a gap. Return m.

    `rows` needs room for n * (bridge_samples + 1) rows at worst; for times in order, one for each period they span.
    """
    s: Any = state[0]
    m = 0
    for i in range(time_s.shape[0]):
        due = push(s, time_s[i], acc[i, 0], acc[i, 1], acc[i, 2], gyr[i, 0], gyr[i, 1], gyr[i, 2])
        for _ in range(due):
            pull(s)
            rows[m, 0] = s.t_s
            for j in range(3):
                rows[m, 1 + j] = s.acc[j]
                rows[m, 4 + j] = s.gyr[j]
            rows[m, 7] = s.flags
            rows[m, 8] = s.gap
            m += 1
    return m
