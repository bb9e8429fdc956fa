"""A clock that jumps: an event loop in which waiting takes no time, so that a run is fast and the same every time."""

from __future__ import annotations

import asyncio
import math
import selectors
from typing import TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple

from ankled.simulators.radio.errors import RadioError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context

MANY: Final = 4096
"""Moments that are remembered before those in the past are forgotten."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

STUCK_S: Final = 20.0
"""How long, in real time, a thread or a socket may take while nothing else is to come."""


class _Selector(selectors.EpollSelector):
    """Looks for what is ready, and moves the clock on instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is not None:
            self.now_s += timeout
            return []
        if ready := super().select(STUCK_S):
            return ready
        raise RadioError(f"the virtual clock stands still: no timer is set, and nothing came in {STUCK_S:g} s")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time` begins at 0 and jumps to the next timer as soon as nothing else is left to do.

    Of timers set for the same moment the first one set fires first, which asyncio's own loops do not promise. Meant
    for what stays in one thread and does no I/O: time runs on while a thread works or a packet is in a socket.
    """

    def __init__(self) -> None:
        self._virtual = _Selector()
        self._last: dict[float, float] = {}
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the virtual time in s."""
        return self._virtual.now_s

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Set a timer, a hair later than the one that was set before for the same moment."""
        last = self._last.get(when)
        self._last[when] = given = when if last is None else math.nextafter(last, math.inf)
        if len(self._last) > MANY:
            now_s = self.time()
            self._last = {asked: set_for for asked, set_for in self._last.items() if asked >= now_s}
        return super().call_at(given, callback, *args, context=context)


def run_virtual(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a virtual clock, as `asyncio.run` does on the real one."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)
