"""How a command ends that runs until it is asked to: by a signal, or because something in it has failed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

from ankled.daemon.errors import AnkledError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.live.ending import Ending


@contextlib.contextmanager
def stoppable(stop: asyncio.Event, ending: Ending | None = None) -> Iterator[asyncio.Event]:
    """Let the first Ctrl-C or SIGTERM end the run in order and the next cut it short; yield what tells of it.

    `ending` has all of that take no longer than who stops us waits.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    asked = asyncio.Event()

    def ask() -> None:
        if asked.is_set() and task is not None:
            task.cancel()
        if ending is not None:
            ending.begin()
        asked.set()
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, ask)
    try:
        yield asked
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the failure of a group that a user can be told, or the group; one failure makes others."""
    told, others = failures.split((AnkledError, BrokenPipeError))
    if others is not None or told is None:
        return failures
    found: BaseException = told
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
