"""The clocks of the host: one that never steps, for everything, and the wall clock, for its date."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time. A simulated radio under a clock of its own brings its own."""

    def now_ns(self) -> int:
        """Return CLOCK_BOOTTIME, ns: it goes on while the machine sleeps, and nobody sets it."""

    def utc_ns(self) -> int:
        """Return the wall clock, ns since 1970."""


class HostClock:
    """The clocks of this machine."""

    def now_ns(self) -> int:
        """Return CLOCK_BOOTTIME."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def utc_ns(self) -> int:
        """Return the wall clock."""
        return time.time_ns()
