"""An event loop that runs faster than real time, for a demonstration in a hurry."""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_LATE_S: Final = 0.2
"""So much real time that the work took too long is made up for; more is let go, or nobody outside could answer."""


class _Selector(selectors.EpollSelector):
    """Waits `speed` times shorter than asked; while code runs, the clock stands still."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self.now_s = 0.0
        self._speed = speed
        self._begun_s = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return super().select(None)
        self._begun_s = max(self._begun_s, time.monotonic() - self.now_s / self._speed - _LATE_S)
        due_s = self._begun_s + (self.now_s + timeout) / self._speed
        wait_s = due_s - time.monotonic()
        ready = super().select(wait_s) if wait_s > 0.0 else []
        if ready:  # something came in between: the clock goes on by what has passed, at most to the timer
            passed_s = (time.monotonic() - self._begun_s) * self._speed
            self.now_s = min(max(self.now_s, passed_s), self.now_s + timeout)
        else:
            self.now_s += timeout
        return ready


class PacedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock runs up to `speed` times as fast as the real one, and never ahead of its own work."""

    def __init__(self, speed: float) -> None:
        """Begin at time 0."""
        self.speed: Final = speed
        self._paced = _Selector(speed)
        super().__init__(self._paced)

    def time(self) -> float:
        """Return the time of this loop, s."""
        return self._paced.now_s


def factory(speed: float) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes a loop for this speed; the usual one for real time."""
    return None if speed == 1.0 else lambda: PacedLoop(speed)


def patience(real_s: float) -> float:
    """Return how long to wait on the running loop's clock for somebody outside who is given so much real time, s."""
    loop = asyncio.get_running_loop()
    return real_s * loop.speed if isinstance(loop, PacedLoop) else real_s
