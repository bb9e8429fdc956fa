"""The clocks of the host: one that never steps, for everything, and the wall clock, for its date."""

from __future__ import annotations

import asyncio
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


class LoopClock:
    """The clocks of this machine at its making, carried on by the event loop, whose time may run at another speed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._loop.time()
        self._now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self._utc_ns = time.time_ns()

    def now_ns(self) -> int:
        """Return the host's time."""
        return self._now_ns + self._passed_ns()

    def utc_ns(self) -> int:
        """Return the wall clock."""
        return self._utc_ns + self._passed_ns()

    def _passed_ns(self) -> int:
        return round((self._loop.time() - self._begun_s) * 1e9)
