"""When each sample of an OpenAnkle device was taken, from the time stamps and numbers of its packets.

The stamp of a packet belongs to its first sample; the others follow by the period at which the board really samples,
by its own clock. A motion sensor has an oscillator of its own, a few percent off, so the period that the device names
would leave a step at each packet. So a straight line is fitted through stamps over sample numbers: by least squares
over all packets at first, and with a memory of about `MEMORY_S` later (a growing-memory g-h filter: Brookner,
*Tracking and Kalman Filtering Made Easy*, 1998, chapter 1). Stamps that lie on a line are met exactly from the second
packet on, whatever its slope; the jitter of interrupts is averaged.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

MEMORY_S: Final = 4.0
WRAP_LIMIT_S: Final = 60.0
"""A stamp that falls is a wrap if it means that no more than this has passed: no living link is silent that long."""
SHORTEST_US, LONGEST_US = 1_500.0, 25_000.0
"""Periods that the profile allows: between two packets with no line yet, any of them is believed."""

_WRAP_US = 1 << 32
_NUMBERS = 1 << 16
_SHORTEST_MEMORY = 8
_LATE = 0.5
_LATE_SAMPLES = 4
_DRIFT = 0.05
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
    """The line, and how the counters that wrap go on. `expected` is the next sample's number, -1 for any."""

    period_us: float
    expected: int = -1
    packets: int = 0
    boot: int = 0
    first: int = 0
    stamp_us: int = 0
    turns_us: int = 0
    line_us: float = 0.0
    end_us: float = 0.0

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
            jump_us = self._follow(float(self.turns_us + stamp_us), step, count)
        self.boot, self.first, self.stamp_us = boot, first, stamp_us
        self.expected = (first + count) % _NUMBERS
        self.end_us = self.line_us + (count - 1) * self.period_us
        return Placed(self.line_us, self.period_us, missing or 0, jump_us)

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
        return jump_us

    def _follow(self, time_us: float, step: int, count: int) -> float | None:
        """Move on by `step` samples and towards the stamp; return how far it is off if that is too far."""
        span_us = step * self.period_us
        off_us = time_us - self.line_us - span_us
        if self.packets > 1:
            limit_us = _LATE * self.period_us * min(step, _LATE_SAMPLES) + _DRIFT * span_us
            follows = abs(off_us) <= limit_us
        else:
            follows = SHORTEST_US <= (time_us - self.line_us) / step <= LONGEST_US
        if not follows:
            return self._begin(time_us, off_us)
        memory = max(_SHORTEST_MEMORY, round(MEMORY_S * 1e6 / (count * self.period_us)))
        k = self.packets = min(self.packets + 1, memory)
        self.line_us += span_us + 2.0 * (2.0 * k - 1.0) / (k * (k + 1.0)) * off_us
        self.period_us += 6.0 / (k * (k + 1.0)) * off_us / step
        self.line_us = max(self.line_us, self.end_us + _APART * self.period_us)
        return None
