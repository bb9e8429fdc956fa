"""The outbox as the publisher sees it: a backlog on the disk that never makes a producer wait.

A result is handed out only after it was stored. While the disk fails, results are handed out from memory, as many as
there is room for, and stored as soon as it works again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Final, Self

import structlog

from ankled.daemon.errors import OutboxError
from ankled.daemon.outbox.loose import Loose
from ankled.daemon.outbox.pages import PAGE, UNSTORED, Pages
from ankled.daemon.outbox.worker import Worker

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.outbox.pages import Page
    from ankled.daemon.outbox.store import Account, Bounds, Result, Store

_LOOSE: Final = 10_000
"""Results kept in memory while the disk fails."""
_BEAT_S: Final = 1.0
_CLOSE_S: Final = 5.0

log = structlog.stdlib.get_logger(__name__)


class Outbox:
    """An asynchronous context manager; one publisher reads, anybody offers. Positions count what is handed out."""

    def __init__(self, path: Path, bounds: Bounds | None = None) -> None:
        """Prepare; nothing is opened before the context is entered."""
        self._path = path
        self.first = 0
        self.fault: str | None = None
        self._worker = Worker(path, bounds)
        self._pages = Pages(self._worker)
        self._loose = Loose(_LOOSE)
        self._handed: deque[Result] = deque()  # handed out from `first` on, and not let go of
        self._incoming: list[Result] = []
        self._storing: list[Result] = []
        self._done: list[int] = []  # acknowledged, and not yet written down
        self._flushing = 0
        self._in_file = 0
        self._empty = asyncio.Event()
        self._beat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the file and go on where it left off. Raises OutboxError."""
        if told := await self._worker.start():
            log.error("outbox damaged", reason=told)
        self._in_file = (await self.account()).pending
        self._settle()
        self._beat = asyncio.create_task(self._keep_time(), name="outbox-clock")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Store what is left and close the file, within a deadline."""
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.wait({self._beat})
        loose, known = self._loose.everything()
        left, done = [*self._storing, *loose, *self._incoming], self._done

        def finish(store: Store) -> None:
            store.add(left)
            store.acknowledge(done)
            store.acknowledge_ids(known)

        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._worker.submit(finish)
        except (OutboxError, TimeoutError) as error:
            log.error("results are lost", reason=str(error) or "the disk does not answer", count=len(left))  # noqa: TRY400 - a traceback says no more
        if not await self._worker.stop(_CLOSE_S):
            log.error("the outbox does not close", path=str(self._path))

    @property
    def full(self) -> bool:
        """Whether `put` would wait: never."""
        return False

    def __len__(self) -> int:
        """Return how many results are not acknowledged."""
        stored = self._in_file - self._flushing - len(self._done)
        return stored + len(self._storing) + len(self._incoming) + len(self._loose)

    @property
    def lost(self) -> int:
        """How many results were lost because the disk failed for longer than the memory had room."""
        return self._loose.lost

    @property
    def heartbeat_s(self) -> float:
        """When the thread of the file was last known to move, on the monotonic clock."""
        return self._worker.heartbeat_s

    async def account(self) -> Account:
        """Return what the file holds and what it had to let go. Raises OutboxError."""
        return await self._worker.submit(lambda store: store.account())

    async def last_seqs(self) -> dict[str, int]:
        """Return the highest `seq` of each device and athlete in the file. Raises OutboxError."""
        return await self._worker.submit(lambda store: store.last_seqs())

    async def history(self, source: str, after_seq: int, limit: int) -> list[Result]:
        """Return results of a device or athlete above a `seq`, in order. Raises OutboxError."""
        return await self._worker.submit(lambda store: store.history(source, after_seq, limit))

    async def seq_range(self, source: str) -> tuple[int | None, int | None]:
        """Return the lowest `seq` kept of a device or athlete and the highest there is. Raises OutboxError."""
        return await self._worker.submit(lambda store: store.seq_range(source))

    async def forget(self, athlete: str) -> list[str]:
        """Delete an athlete's results and return the topics that a broker may hold. Raises OutboxError."""
        return await self._worker.submit(lambda store: store.forget(athlete))

    def offer(self, result: Result) -> None:
        """Take a result; never waits."""
        self._incoming.append(result)
        self._empty.clear()
        self._store()

    async def put(self, result: Result) -> None:
        """Take a result."""
        self.offer(result)

    async def get(self, position: int) -> Result:
        """Return the result of a position, which must be `first` or later, at most one beyond those handed out."""
        if position < self.first:
            message = f"result {position} has been let go of; the oldest kept is {self.first}"
            raise LookupError(message)
        while position >= self.first + len(self._handed):
            if (result := self._pages.pop()) is not None:
                self._handed.append(result)
            else:
                await self._pages.stirred.wait()
        return self._handed[position - self.first]

    def acknowledge(self, position: int) -> None:
        """Note that the broker has all results up to and with this position."""
        while self._handed and self.first <= position:
            result = self._handed.popleft()
            self.first += 1
            if result.number > 0:
                self._done.append(result.number)
            elif result.number == UNSTORED:
                self._loose.acknowledge(result.id)
        if len(self._done) >= PAGE:
            self._flush()
        self._settle()

    def rewind(self) -> None:
        """Begin anew, for a new connection: with what was acknowledged lately, then with all that was not."""
        self.first += len(self._handed)
        self._handed.clear()
        self._flush()
        self._pages.rewind(lambda: self._pages.add(self._loose.undone()))

    async def drained(self) -> None:
        """Wait until everything is acknowledged."""
        await self._empty.wait()

    def _store(self) -> None:
        """Store what has come in, all of it at once; what comes meanwhile waits for the next time."""
        if self._storing or not self._incoming:
            return
        batch, self._incoming = self._incoming, []
        self._storing = batch
        follow = self._pages.follower()

        def work(store: Store) -> tuple[int, int, Page]:
            return store.add(batch), store.pending_n, follow(store)

        self._worker.submit(work).add_done_callback(self._stored)

    def _stored(self, answer: asyncio.Future[tuple[int, int, Page]]) -> None:
        batch, self._storing = self._storing, []
        if (error := answer.exception()) is not None:
            if self.fault is None:
                log.error("results are not stored", reason=str(error))
            self.fault = str(error)
            self._loose.add(batch)
            self._pages.add(batch)
        else:
            dropped, self._in_file, page = answer.result()
            self._pages.take(page)
            if dropped:
                log.error("results are lost", reason="the outbox is full", count=dropped)
        self._store()
        self._settle()

    def _flush(self) -> None:
        """Write down what was acknowledged."""
        done, self._done = self._done, []
        if not done:
            return
        self._flushing += len(done)

        def work(store: Store) -> int:
            store.acknowledge(done)
            return store.pending_n

        def written(answer: asyncio.Future[int]) -> None:
            self._flushing -= len(done)
            if answer.exception() is None:  # else the results are sent again on the next connection, no more
                self._in_file = answer.result()
            self._settle()

        self._worker.submit(work).add_done_callback(written)

    async def _keep_time(self) -> None:
        """Let time pass for the file, and store what could not be stored."""
        before_s = time.monotonic()
        while True:
            await asyncio.sleep(_BEAT_S)
            passed_s, before_s = time.monotonic() - before_s, time.monotonic()
            self._flush()
            with contextlib.suppress(OutboxError):
                await self._pass_time(passed_s)
            self._settle()

    async def _pass_time(self, seconds: float) -> None:
        loose, done = self._loose.everything()

        def work(store: Store) -> tuple[int, int]:
            dropped = store.pass_time(seconds)
            store.add(loose)
            store.acknowledge_ids(done)
            return dropped, store.pending_n

        dropped, self._in_file = await self._worker.submit(work)
        if dropped:
            log.error("results are lost", reason="they waited too long", count=dropped)
        if self.fault is not None:
            log.warning("results are stored again", count=len(loose))
            self._pages.look_again()
        self.fault = None
        self._loose.let_go(loose)

    def _settle(self) -> None:
        """Tell whoever waits for it that everything is acknowledged."""
        (self._empty.clear if len(self) else self._empty.set)()
