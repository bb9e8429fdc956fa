"""Awaiting what may hang: for so long at most, and what does not even end when cancelled is let go, and counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ankled.drivers.link_errors import LinkTimeoutError

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

_GRACE_S: Final = 5.0  # how long an operation may take to clean up after its deadline

_strays: set[asyncio.Task[Any]] = set()


def strays() -> int:
    """Return how many operations did not even end when they were cancelled: a sign that bluetoothd hangs."""
    return len(_strays)


async def within(timeout_s: float, work: Coroutine[Any, Any, T], doing: str) -> T:
    """Await `work` for so long at most. Raises LinkTimeoutError, and what it raises."""
    task = asyncio.create_task(work, name=f"link: {doing}")
    try:
        done, _ = await asyncio.wait({task}, timeout=timeout_s)
        if not done:
            raise LinkTimeoutError(f"{doing}: no answer within {timeout_s:g} s")
    finally:
        if not task.done():
            _strays.add(task)
            task.add_done_callback(_forget)
            task.cancel()
            await asyncio.wait({task}, timeout=_GRACE_S)
    return task.result()


def _forget(task: asyncio.Task[Any]) -> None:
    _strays.discard(task)
    if not task.cancelled():
        task.exception()  # seen: nobody waits for it any more
