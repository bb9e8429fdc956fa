"""Joining: sensors that send accelerometer and gyroscope apart get their samples together again.

The samples of the gyroscope stay as they are; the specific force at their times is interpolated linearly between the
samples of the accelerometer. Across a hole in those nothing is interpolated: the samples there are given up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from ankled.drivers.samples import FloatArray

LONGEST_WAIT_S: Final = 12.0
"""What waits longer for its counterpart is given up: the other stream has stopped. At rest, compressed frames of a slow
sensor come more than five seconds apart."""
HOLE_S: Final = 0.15
HOLE_SAMPLES: Final = 3.5


class JoinerState(msgspec.Struct, kw_only=True):
    """What waits: rows of time and three values for each stream, as bytes of float64."""

    acc: bytes = b""
    gyr: bytes = b""
    missing: int = 0
    given_up: int = 0


class Joiner:
    """Holds back samples until both streams have come as far."""

    def __init__(self, rate_hz: float) -> None:
        self._hole_s = max(HOLE_S, HOLE_SAMPLES / rate_hz)
        self._acc: FloatArray = np.zeros((0, 4))
        self._gyr: FloatArray = np.zeros((0, 4))
        self.missing = 0
        self.given_up = 0
        """Samples of either stream that never met their counterpart."""

    def add(self, time_s: FloatArray, acc: FloatArray | None, gyr: FloatArray | None, missing: int) -> None:
        """Take in samples of one stream; times that do not grow are left out, as repeated ones."""
        self.missing += missing
        if acc is not None:
            self._acc = _appended(self._acc, time_s, acc)
        if gyr is not None:
            self._gyr = _appended(self._gyr, time_s, gyr)

    def take(self) -> tuple[FloatArray, FloatArray, FloatArray, int] | None:
        """Return times (n,), acc (n, 3), gyr (n, 3) and how many are missing before them; None if there are none."""
        self._give_up()
        acc, gyr = self._acc, self._gyr
        if not len(acc) or not len(gyr) or gyr[0, 0] > acc[-1, 0]:
            return None
        acc_s = acc[:, 0]
        ready = int(gyr[:, 0].searchsorted(acc_s[-1], side="right"))
        times, rate = gyr[:ready, 0], gyr[:ready, 1:]
        after = acc_s.searchsorted(times)
        before = np.maximum(after - 1, 0)
        right, left = acc[after], acc[before]
        span_s = right[:, 0] - left[:, 0]
        met = (times >= acc_s[0]) & (span_s <= self._hole_s)
        back = (right[:, 0] - times) / np.where(span_s > 0.0, span_s, 1.0)  # 0 right at a sample, which is met exactly
        force = right[:, 1:] - back[:, None] * (right[:, 1:] - left[:, 1:])
        lost = ready - int(np.count_nonzero(met))
        self.given_up += lost
        keep = max(int(acc_s.searchsorted(times[-1], side="right")) - 1, 0)
        self._acc, self._gyr = acc[keep:], gyr[ready:]
        if lost == ready:
            return None
        if lost:
            times, force, rate = times[met], force[met], rate[met]
        missing, self.missing = self.missing, 0
        return np.ascontiguousarray(times), force, np.ascontiguousarray(rate), missing

    def snapshot(self) -> JoinerState:
        """Return what this object remembers."""
        return JoinerState(
            acc=self._acc.tobytes(), gyr=self._gyr.tobytes(), missing=self.missing, given_up=self.given_up
        )

    def restore(self, state: JoinerState) -> None:
        """Go on from a snapshot."""
        self._acc = np.frombuffer(state.acc).reshape(-1, 4).copy()
        self._gyr = np.frombuffer(state.gyr).reshape(-1, 4).copy()
        self.missing, self.given_up = state.missing, state.given_up

    def _give_up(self) -> None:
        """Let go of what waits for a stream that has stopped."""
        for name, other in (("_acc", self._gyr), ("_gyr", self._acc)):
            rows = getattr(self, name)
            if len(rows) and rows[-1, 0] - rows[0, 0] > LONGEST_WAIT_S:
                newest_s = other[-1, 0] if len(other) else -np.inf
                first = int(np.searchsorted(rows[:, 0], rows[-1, 0] - LONGEST_WAIT_S))
                if rows[first, 0] > newest_s:
                    self.given_up += first
                    setattr(self, name, rows[first:])


def _appended(rows: FloatArray, time_s: FloatArray, values: FloatArray) -> FloatArray:
    """Return the rows with new ones behind them, whose times grow."""
    if len(rows) and time_s[0] <= rows[-1, 0]:
        known = int(time_s.searchsorted(rows[-1, 0], side="right"))
        time_s, values = time_s[known:], values[known:]
    grown = np.empty((len(rows) + len(time_s), 4))
    grown[: len(rows)] = rows
    grown[len(rows) :, 0] = time_s
    grown[len(rows) :, 1:] = values
    return grown
