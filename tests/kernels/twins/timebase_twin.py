"""The time base, slow and plain: the rules of kernels/timebase.py, sample by sample, with lists."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass
class Counts:
    """What was not as it should be."""

    missing: int = 0
    gaps: int = 0
    repeated: int = 0
    backwards: int = 0
    not_finite: int = 0
    clipped: int = 0


@dataclass
class TimebaseTwin:
    """One sensor: `rows` grows by [time, acc, gyr, flags, 1 after a gap]."""

    rate_hz: float
    tolerance: float = 0.25
    gain: float = 0.05
    bridge_s: float = 0.150
    acc_range: float = math.inf
    gyr_range: float = math.inf
    counts: Counts = field(default_factory=Counts)
    rows: list[list[float]] = field(default_factory=list)
    grid_s: float = math.nan  # time of the last slot that is out, phase included
    followed: int = 0  # samples that have moved the phase since the grid began
    slot_of_last: int = 0  # nearest slot of the last sample, counted from the last slot that is out
    last: tuple[float, FloatArray, int] | None = None

    def feed(self, t: float, acc: FloatArray, gyr: FloatArray) -> None:
        """Take one sample."""
        period = 1 / self.rate_hz
        value = np.concatenate((acc, gyr))
        absurd = np.any(np.abs(acc) >= 5000.0) or np.any(np.abs(gyr) >= 200.0)
        if absurd or not (np.isfinite(t) and np.all(np.isfinite(value))):
            self.counts.not_finite += 1
            return
        clipped = int(np.any(np.abs(acc) >= self.acc_range) or np.any(np.abs(gyr) >= self.gyr_range))
        if self.last is not None and t == self.last[0]:
            self.counts.repeated += 1
            return
        if self.last is not None and t < self.last[0]:
            self.counts.backwards += 1
            return
        self.counts.clipped += clipped
        last, self.last = self.last, (t, value, clipped)
        if last is None:
            self._begin(t, value, clipped, gap=0)
            return
        slot = math.floor((t - self.grid_s) / period + 0.5)
        lost = slot - self.slot_of_last - 1
        if lost * period > max(self.bridge_s, 2 * period) * (1 + 1e-9):
            self.counts.gaps += 1
            self._begin(t, value, clipped, gap=1)
            return
        if slot <= 0:
            self.slot_of_last = 0
            return
        self.counts.missing += max(lost, 0)
        d = t - (self.grid_s + slot * period)
        self.followed += 1
        self.grid_s += max(self.gain, 1 / (self.followed + 1)) * d
        on_slot = abs(d) <= self.tolerance * period
        out = slot if on_slot or d > 0 else slot - 1
        for k in range(1, out + 1):
            g = self.grid_s + k * period
            if k == slot and on_slot:
                self.rows.append([g, *value, 2 * clipped, 0])
            else:
                between = [np.interp(g, [last[0], t], [a, b]) for a, b in zip(last[1], value, strict=True)]
                self.rows.append([g, *between, int(lost > 0) + 2 * max(last[2], clipped), 0])
        self.grid_s += out * period
        self.slot_of_last = slot - out

    def _begin(self, t: float, value: FloatArray, clipped: int, gap: int) -> None:
        self.grid_s, self.followed, self.slot_of_last = t, 0, 0
        self.rows.append([t, *value, 2 * clipped, gap])
