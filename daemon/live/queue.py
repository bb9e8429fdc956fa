"""The queue in front of the dispatcher: bounded, counted, filled from plain callbacks and never waited on by them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.inputs import Dropped, Notification

if TYPE_CHECKING:
    from ankled.daemon.inputs import Input

CAPACITY: Final = 8192
"""Some seconds of sixteen sensors at 200 packets a second each."""


class QueueStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """How the queue does: `most` is the largest number that has waited, `dropped` what was lost in all."""

    waiting: int
    capacity: int
    most: int
    passed: int
    dropped: int


class InputQueue:
    """Inputs in the order in which they came. When it is full the oldest notification makes room, and is counted.

    Nothing else is ever dropped: links, answers and commands are few. The count reaches the dispatcher as a Dropped
    before the next input of any kind.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._items: deque[Input] = deque()
        self._lost: dict[str, int] = {}
        self._filled = asyncio.Event()
        self._most = self._passed = self._dropped = 0

    def put(self, item: Input) -> None:
        """Take an input; never waits, never fails."""
        items = self._items
        if len(items) >= self._capacity and isinstance(item, Notification):
            self._make_room()
        items.append(item)
        self._most = max(self._most, len(items))
        self._filled.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait until something is there, or for so long; tell whether something is. Others run in any case."""
        if self._items or timeout_s <= 0.0:
            await asyncio.sleep(0)
            return bool(self._items)
        self._filled.clear()
        # A bare timer: this runs for every packet, and asyncio.timeout costs several times as much.
        timer = asyncio.get_running_loop().call_later(timeout_s, self._filled.set)
        try:
            await self._filled.wait()
        finally:
            timer.cancel()
        return bool(self._items)

    def take(self, most: int) -> list[Input]:
        """Return up to `most` inputs, with what was lost before them."""
        taken: list[Input] = []
        items = self._items
        if self._lost and items:
            host_ns = items[0].host_ns
            taken += [Dropped(host_ns=host_ns, device=slug, count=count) for slug, count in self._lost.items()]
            self._lost = {}
        for _ in range(min(most, len(items))):
            taken.append(items.popleft())
        self._passed += len(taken)
        return taken

    @property
    def statistics(self) -> QueueStatistics:
        """The counts as they stand."""
        return QueueStatistics(
            waiting=len(self._items),
            capacity=self._capacity,
            most=self._most,
            passed=self._passed,
            dropped=self._dropped,
        )

    def _make_room(self) -> None:
        """Drop the oldest notification; the queue may grow beyond its capacity if it holds none."""
        for index, item in enumerate(self._items):
            if isinstance(item, Notification):
                del self._items[index]
                self._lost[item.device] = self._lost.get(item.device, 0) + 1
                self._dropped += 1
                return
