"""The end of a task that takes its time to clean up: it is cancelled again, and then left alone."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

_STEP_S: Final = 0.1


async def give_up(task: asyncio.Task[Any], patience_s: float) -> bool:
    """Cancel a task, and again where it takes its time to clean up; tell whether it has ended."""
    until_s = time.monotonic() + patience_s
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_STEP_S)
        if time.monotonic() >= until_s:
            break
    if not task.done():
        task.add_done_callback(_seen)
    return task.done()


def _seen(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # nobody waits for it any more


async def to_its_end(task: asyncio.Task[None]) -> None:
    """Fail as the task does. It outlasts this where it does not heed a cancellation."""
    await asyncio.shield(task)
