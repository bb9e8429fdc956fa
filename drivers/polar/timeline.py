"""When the samples of a stream were taken, from the time of the last sample of each frame.

The documented rule (A, three tests of the vendor's SDK): the samples of a frame divide the time since the frame before
evenly, and those of the first frame lie one nominal period apart. Followed to the letter it stretches the samples of a
frame over the gap when the frame before was lost, as users saw (polar-ble-sdk issue #775). So here the rate decides: a
frame that comes late by more than its own samples explain keeps its step, and the difference counts as missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from ankled.drivers.samples import FloatArray

DEFAULT_RATE_HZ: Final = 52.0

_NS_PER_S = 1_000_000_000
_OFF = 0.1
"""True rates are within this of the nominal one."""
_SLACK_SAMPLES, _SLACK_S, _SLACK_LEARNT = 2.0, 0.02, 0.03
"""By how much a frame may be late once the rate is learnt; lost frames hold 15 samples and more."""
_LEARN = 0.125
_LONGEST_LOSS_NS = 60 * _NS_PER_S
"""No link lives through a longer silence: the clock was set."""


class Timeline(msgspec.Struct):
    """What one stream remembers: when its last frame ended, and the true period, learnt from `learnt` frames.

    `rate_hz` 0: not known, then no loss can be told.
    """

    rate_hz: float = 0.0
    step_ns: float = 0.0
    learnt: int = 0
    previous_ns: int | None = None

    def begin(self, rate_hz: float) -> None:
        """Begin a stream: what was before is no measure of its first frame."""
        if rate_hz != self.rate_hz:
            self.rate_hz, self.step_ns, self.learnt = rate_hz, 0.0, 0
        self.previous_ns = None

    def take(self, stamp_ns: int, count: int, origin_ns: int) -> tuple[FloatArray, int]:
        """Return the times (count,) of a frame's samples, s since `origin_ns`, and how many are missing before them.

        The last one is at `stamp_ns`. A stamp that steps back is taken as it is.
        """
        step_ns = self.step_ns or _NS_PER_S / (self.rate_hz or DEFAULT_RATE_HZ)
        missing = 0
        if self.previous_ns is not None and stamp_ns > self.previous_ns:
            since_ns = stamp_ns - self.previous_ns
            late = since_ns / step_ns - count
            own_ns = since_ns / count
            if not self.rate_hz or late <= self._slack(count):
                step_ns = own_ns
            elif since_ns < _LONGEST_LOSS_NS:
                missing = round(late)
            self._learn(own_ns)
        self.previous_ns = stamp_ns
        back = np.arange(1 - count, 1, dtype=np.float64)
        back *= step_ns / _NS_PER_S
        back += (stamp_ns - origin_ns) / _NS_PER_S
        return back, missing

    def _slack(self, count: int) -> float:
        """Return by how many samples a frame may be late without a loss."""
        part = _SLACK_LEARNT if self.learnt else _OFF
        return max(_SLACK_SAMPLES, _SLACK_S * self.rate_hz, part * count)

    def _learn(self, own_ns: float) -> None:
        """Let the period of a frame count, if it can be a true one: soon at first, then slowly."""
        if abs(own_ns * self.rate_hz / _NS_PER_S - 1.0) <= _OFF:
            self.step_ns += max(_LEARN, 1.0 / (self.learnt + 1)) * (own_ns - self.step_ns)
            self.learnt += 1
