"""A thread that sees when the event loop stands still, and says where: nobody on the loop could."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import Final, Self

import structlog

_FRAMES: Final = 4
"""How much of the way to where it stands is told."""

log = structlog.stdlib.get_logger(__name__)


class Guard:
    """A context manager, made by the thread of the loop, that is to hear `turned` more often than every `most_s`."""

    def __init__(self, most_s: float, left_s: float) -> None:
        """`left_s` is how long the watchdog waits from then on."""
        self._most_s = most_s
        self._left_s = left_s
        self._watched = threading.get_ident()
        self._turned_s = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop-guard", daemon=True)

    def turned(self) -> None:
        """Note that the loop turns."""
        self._turned_s = time.monotonic()

    def __enter__(self) -> Self:
        """Begin."""
        self.turned()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, without waiting for the thread: it looks up once more and is gone."""
        self._over.set()

    def _watch(self) -> None:
        told_s = 0.0
        while not self._over.wait(self._most_s / 4.0):
            turned_s = self._turned_s
            if time.monotonic() - turned_s > self._most_s and told_s != turned_s:
                told_s = turned_s  # once for each time that it stands still
                log.error("the event loop stands still", at=self._where(), watchdog_s=round(self._left_s, 1))

    def _where(self) -> list[str]:
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001  (there is no other way to another thread's stack)
        stack = [] if frame is None else traceback.extract_stack(frame)[-_FRAMES:]
        return [f"{one.filename}:{one.lineno} {one.name}" for one in stack]
