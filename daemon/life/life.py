"""What systemd is told from the first moment to the last, and the beat that it wants to hear meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import io
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import structlog

from ankled.daemon.life.guard import Guard
from ankled.daemon.life.heartbeats import late
from ankled.daemon.life.notify import Notifier, watchdog_s
from ankled.daemon.life.sentence import Teller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from ankled.daemon.life.heartbeats import Heartbeat
    from ankled.daemon.life.sentence import Standing

_SHARE: Final = 3.0
"""A beat comes so many times within the time of the watchdog."""
_LOOK_S: Final = 10.0
"""How often the loops are looked at where no watchdog wants to know."""
_TELL_S: Final = 2.0
_EXTEND_S: Final = 10.0
_EXTENDED_US: Final = 120_000_000
_MOST_EXTENSIONS: Final = 360
"""An hour of compiling: what takes longer does not end, and systemd may try anew."""

log = structlog.stdlib.get_logger(__name__)


class Life:
    """One for the process, made before anything takes time."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """Take from the environment who is to be told and how often."""
        self._notifier = Notifier.of(environ)
        self._watchdog_s = watchdog_s(environ) if self._notifier.heard else None
        self._reloads = 0
        self._ready = self._stopped = False
        self._late: tuple[str, ...] = ()
        if self._watchdog_s is not None:
            with contextlib.suppress(ValueError, io.UnsupportedOperation):  # standard error is no file
                faulthandler.enable(sys.stderr)  # the watchdog ends us by SIGABRT: the journal is to show where we were

    @contextlib.contextmanager
    def starting(self, why: str) -> Iterator[None]:
        """Have systemd wait while something takes its time, for an hour at most."""
        over = threading.Event()

        def extend() -> None:
            for _ in range(_MOST_EXTENSIONS):
                self._notifier.say(EXTEND_TIMEOUT_USEC=_EXTENDED_US, STATUS=why)
                if over.wait(_EXTEND_S):
                    return

        thread = threading.Thread(target=extend, name="start-extension", daemon=True)
        if self._notifier.heard:
            thread.start()
        try:
            yield
        finally:
            over.set()

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        """Say that the configuration is read again, and afterwards that this is done."""
        self._reloads += 1
        if self._ready and not self._stopped:
            self._notifier.say(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)
        try:
            yield
        finally:
            self._reloads -= 1
            if self._ready and not self._reloads and not self._stopped:
                self._notifier.say(READY=1)

    @contextlib.asynccontextmanager
    async def lived(
        self,
        beats: Sequence[Heartbeat],
        standing: Callable[[], Standing],
        begun: Sequence[asyncio.Event],
        stop: asyncio.Event,
    ) -> AsyncIterator[None]:
        """Say that the service is ready when all of `begun` are set, beat while the loops turn, tell when it stops."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._beat(beats), name="life-beat"),
                group.create_task(self._tell(standing, begun), name="life-status"),
                group.create_task(self._stopping(stop), name="life-stop"),
            ]
            try:
                yield
            finally:
                self._end()
                for task in tasks:
                    task.cancel()

    async def _beat(self, beats: Sequence[Heartbeat]) -> None:
        every_s = _LOOK_S if self._watchdog_s is None else self._watchdog_s / _SHARE
        patience_s = _SHARE * every_s
        with Guard(patience_s / 2.0, patience_s / 2.0) as guard:
            while True:
                guard.turned()
                now_late = late(beats)
                if now_late and not self._late:
                    log.error("loops stand still", loops=now_late, watchdog_s=self._watchdog_s)
                elif self._late and not now_late:
                    log.warning("all loops turn again", stood=self._late)
                self._late = now_late
                if not now_late and self._watchdog_s is not None:
                    self._notifier.say(WATCHDOG=1)
                await asyncio.sleep(every_s)

    async def _tell(self, standing: Callable[[], Standing], begun: Sequence[asyncio.Event]) -> None:
        for event in begun:
            await event.wait()
        teller, told = Teller(), ""
        while not self._stopped:
            sentence = teller.sentence(standing(), self._late)
            if not self._ready:
                self._ready = self._notifier.say(READY=1, STATUS=sentence)
                told = sentence if self._ready else ""
            elif sentence != told and self._notifier.say(STATUS=sentence):
                told = sentence
            await asyncio.sleep(_TELL_S)

    async def _stopping(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._end()

    def _end(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._notifier.say(STOPPING=1, STATUS="closing sets, links and files")
