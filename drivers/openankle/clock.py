"""When each sample of an OpenAnkle device was taken, from the time stamps and numbers of its packets.

The stamp of a packet belongs to its first sample; the others follow by the period at which the board really samples,
by its own clock. A motion sensor has an oscillator of its own, a few percent off, so the period that the device names
would leave a step at each packet. So a straight line is fitted through stamps over sample numbers, by recursive least
squares that forget with `MEMORY_S` (Astrom & Wittenmark, *Adaptive Control*, 2nd ed. 1995, chapter 2), starting from
the line through the first two. Stamps that lie on a line are met exactly from the second packet on, whatever its slope;
the jitter of interrupts is averaged.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import msgspec

MEMORY_S: Final = 4.0
WRAP_LIMIT_S: Final = 60.0
"""A stamp that falls is a wrap if it means that no more than this has passed: no living link is silent that long."""
PROVEN: Final = 2
"""So many packets make a line."""
SHORTEST_US, LONGEST_US = 1_000.0, 40_000.0
"""Periods that the first two packets of a line may show: those of the profile, with the jitter of short packets."""

_WRAP_US = 1 << 32
_NUMBERS = 1 << 16
_JITTER = 0.05
_SIGMAS = 4.0
_LATE = 0.5
_LATE_SAMPLES = 4
_APART = 0.05


class Placed(NamedTuple):
    """Where a packet is on the line: time of its first sample and its period, us; samples missing before it.

    `jump_us` is how far the stamp is off the line, when that is more than jitter explains: the line begins anew there.
    """

    start_us: float
    period_us: float
    missing: int
    jump_us: float | None


class Clock(msgspec.Struct):
    """The line, and how the counters that wrap go on. `expected` is the next sample's number, -1 for any.

    `p00`, `p01`, `p11` are the covariance of the line's place (samples) and slope, for stamps of unit variance.
    """

    period_us: float
    expected: int = -1
    packets: int = 0
    boot: int = 0
    first: int = 0
    stamp_us: int = 0
    turns_us: int = 0
    line_us: float = 0.0
    end_us: float = 0.0
    p00: float = 1.0
    p01: float = 0.0
    p11: float = 0.0

    def place(self, first: int, boot: int, stamp_us: int, count: int) -> Placed:
        """Take the head of the next packet, which has `count` samples."""
        if self.packets and boot != self.boot:  # the board began anew: so do its numbers and its clock
            self.packets, self.expected, self.turns_us = 0, -1, 0
        missing = self._missing(first)
        step = (first - self.first) % _NUMBERS
        if not self.packets or missing is None:
            jump_us = self._begin(float(self.turns_us + stamp_us), None)
        elif self._steps_back(stamp_us):
            time_us = float(self.turns_us + stamp_us)
            jump_us = self._begin(time_us, time_us - self.line_us - step * self.period_us)
        else:
            self.turns_us += _WRAP_US * (stamp_us < self.stamp_us)
            jump_us = self._follow(float(self.turns_us + stamp_us), float(step))
        self.boot, self.first, self.stamp_us = boot, first, stamp_us
        self.expected = (first + count) % _NUMBERS
        start_us = self.line_us
        if self.packets > 1:  # else the line begins here, and time is given as it was sent
            start_us = max(start_us, self.end_us + _APART * self.period_us)
        self.end_us = start_us + (count - 1) * self.period_us
        return Placed(start_us, self.period_us, missing or 0, jump_us)

    def reading_us(self, boot: int, time_us: int) -> float | None:
        """Return what the board's clock showed, `time_us` of it being known, on the scale of the line.

        None while there is no line, for the clock of another boot, and for what is not from shortly after the stamp of
        the last packet: what is sent later was taken later.
        """
        passed_us = (time_us - self.stamp_us) % _WRAP_US
        if self.packets < PROVEN or boot != self.boot or passed_us > WRAP_LIMIT_S * 1e6:
            return None
        return float(self.turns_us + self.stamp_us + passed_us)

    def _missing(self, first: int) -> int | None:
        """Return how many samples lie between the last one and number `first`; None if the count begins anew."""
        if self.expected < 0:
            return None
        missing = (first - self.expected) % _NUMBERS
        return missing if missing < _NUMBERS // 2 else None

    def _steps_back(self, stamp_us: int) -> bool:
        """Tell whether a stamp falls and this is no wrap."""
        return stamp_us < self.stamp_us and stamp_us + _WRAP_US - self.stamp_us > WRAP_LIMIT_S * 1e6

    def _begin(self, time_us: float, jump_us: float | None) -> float | None:
        """Begin a line at a stamp, with the slope that there is."""
        self.line_us, self.packets = time_us, 1
        self.p00, self.p01, self.p11 = 1.0, 0.0, 0.0
        return jump_us

    def _follow(self, time_us: float, step: float) -> float | None:
        """Move on by `step` samples and towards the stamp; return how far it is off if that is too far."""
        span_us = step * self.period_us
        off_us = time_us - self.line_us - span_us
        if self.packets == 1:
            period_us = (time_us - self.line_us) / step
            if not SHORTEST_US <= period_us <= LONGEST_US:
                return self._begin(time_us, off_us)
            self.line_us, self.period_us = time_us, period_us
            self.p01, self.p11 = 1.0 / step, 2.0 / (step * step)
        else:
            forget = 1.0 + span_us / (MEMORY_S * 1e6)
            p11 = self.p11 * forget
            p01 = self.p01 * forget + step * p11
            p00 = self.p00 * forget + step * (2.0 * p01 - step * p11)
            limit = _LATE * min(step, _LATE_SAMPLES) + _SIGMAS * _JITTER * math.sqrt(p00 + 1.0)
            if abs(off_us) > limit * self.period_us:
                return self._begin(time_us, off_us)
            gain, slope_gain = p00 / (p00 + 1.0), p01 / (p00 + 1.0)
            self.line_us += span_us + gain * off_us
            self.period_us += slope_gain * off_us
            self.p00, self.p01, self.p11 = p00 - gain * p00, p01 - gain * p01, p11 - slope_gain * p01
        self.packets += 1
        return None
