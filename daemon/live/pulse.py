"""Proof that a loop still turns, for the watchdog."""

from __future__ import annotations

import asyncio


class Pulse:
    """The heartbeat of one loop, on the clock of the event loop, which does not count the time of a suspended host."""

    def __init__(self) -> None:
        self._beat_s: float | None = None
        self.begun = asyncio.Event()
        """Whether the loop has ever turned."""

    def beat(self) -> None:
        """Note that the loop turns."""
        self._beat_s = asyncio.get_running_loop().time()
        self.begun.set()

    def rest(self) -> None:
        """Excuse the loop: it is not running, or it waits for another one that has its own pulse."""
        self._beat_s = None

    def age_s(self) -> float:
        """Return how long ago it last turned; 0 while it is excused."""
        return 0.0 if self._beat_s is None else asyncio.get_running_loop().time() - self._beat_s


async def woken(event: asyncio.Event, timeout_s: float) -> bool:
    """Wait for an event for so long at most, and tell whether it came."""
    try:
        async with asyncio.timeout(max(0.0, timeout_s)):
            await event.wait()
    except TimeoutError:
        return False
    return True
