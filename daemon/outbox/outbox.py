"""The outbox as the publisher sees it: a backlog on the disk that never makes a producer wait.

A result is handed out only after it was stored. While the disk fails, results are handed out from memory behind all
that is in the file, as many as there is room for, and stored as soon as it works again. Where the file cannot even be
opened at the start, what it holds comes behind them, when it can be: in the order of `seq` again for who sorts by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Final, Self

import msgspec
import structlog

from ankled.daemon.errors import DiskFaultError, OutboxError
from ankled.daemon.outbox.archive import Archive
from ankled.daemon.outbox.loose import Loose
from ankled.daemon.outbox.pages import PAGE, UNSTORED, Pages
from ankled.daemon.outbox.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ankled.daemon.outbox.pages import Page
    from ankled.daemon.outbox.result import Account, Bounds, Result
    from ankled.daemon.outbox.store import Store

_LOOSE: Final = 10_000
"""Results kept in memory while the disk fails."""
_BEAT_S: Final = 1.0
_CLOSE_S: Final = 2.0

log = structlog.stdlib.get_logger(__name__)


class Outbox(Archive):
    """An asynchronous context manager; one publisher reads, anybody offers. Positions count what is handed out."""

    def __init__(self, path: Path | None, bounds: Bounds | None = None, root: str = "", *, loose: int = _LOOSE) -> None:
        """Prepare; nothing is opened before the context is entered. Without a path, all is kept in memory.

        What a broker retains is told again on every connection, below the topic `root`. `loose` results are kept while
        the disk fails.
        """
        super().__init__(path, Worker(path, bounds))
        self.first = 0
        self.fault: str | None = None
        """What is wrong with the disk now, in one sentence."""
        self.told = ""
        """What was wrong with the file when it was opened, in one sentence; empty where nothing was."""
        self._pages = Pages(self._worker, root, None if bounds is None else bounds.rate_per_s)
        self._most = loose
        self._loose = Loose(loose)
        self._handed: deque[Result] = deque()  # handed out from `first` on, and not let go of
        self._incoming: list[Result] = []
        self._storing: list[Result] = []
        self._done: list[int] = []  # acknowledged, and not yet written down
        self._late: list[str] = []  # the same, handed out from memory and stored meanwhile
        self._latest: asyncio.Future[tuple[int, int, Page]] | None = None  # of what is being stored
        self._flushing = 0
        self._in_file = 0
        self._empty = asyncio.Event()
        self._beat: asyncio.Task[None] | None = None
        self.closing_s: Callable[[], float] = lambda: _CLOSE_S
        """How long storing the rest may take at the end; as long again, closing the file."""

    async def __aenter__(self) -> Self:
        """Open the file and go on where it left off. Raises OutboxError."""
        self.told = await self._worker.start()
        if self.told:
            log.error("outbox damaged", reason=self.told)
        try:
            self._in_file = (await self.account()).pending
        except DiskFaultError as error:
            self._fail(error)
        self._settle()
        self._beat = asyncio.create_task(self._keep_time(), name="outbox-clock")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Store what is left and close the file, within a deadline."""
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.wait({self._beat})
        loose, known = self._loose.everything()
        left, done, late = [*self._storing, *loose, *self._incoming], self._done, self._late

        def finish(store: Store) -> None:
            store.add(left)
            store.acknowledge(done)
            store.acknowledge_ids([*known, *late])

        try:
            async with asyncio.timeout(self.closing_s()):
                await self._worker.submit(finish)
            self._worker.all_stored()
        except (OutboxError, TimeoutError) as error:
            log.error("results are lost", reason=str(error) or "the disk does not answer", count=len(left))  # noqa: TRY400 - a traceback says no more
        if not await self._worker.stop(self.closing_s()):
            log.error("the outbox does not close", path=str(self._path))

    def __len__(self) -> int:
        """Return how many results are not acknowledged."""
        stored = max(0, self._in_file - self._flushing - len(self._done))  # some of those done may have been dropped
        return stored + len(self._storing) + len(self._incoming) + len(self._loose)

    @property
    def lost(self) -> int:
        """How many results were lost in this run because the disk failed for longer than the memory had room."""
        return self._loose.lost

    @property
    def age_s(self) -> float:
        """How long ago the thread of the file was last known to move, which is every second; infinite if it ended."""
        return self._worker.age_s

    async def account(self) -> Account:
        """Return what became of every result that was offered, in the file and in memory. Raises OutboxError."""
        self._flush()
        account = await self._worker.submit(lambda store: store.account())
        # This runs in the callback of the answer: what was submitted behind it is in the fields below, and not in it.
        waiting = len(self._storing) + len(self._incoming)
        loose = self._loose
        return msgspec.structs.replace(
            account,
            offered=account.offered + waiting + len(loose) + loose.acknowledged + loose.lost + loose.forgotten,
            acknowledged=account.acknowledged + loose.acknowledged,
            pending=account.pending + waiting + len(loose),
            lost=loose.lost,
            forgotten=account.forgotten + loose.forgotten,
        )

    async def forget(self, athlete: str) -> list[str]:
        """Delete an athlete's results and return the topics that a broker may hold. Raises OutboxError."""
        self._flush()
        topics, self._in_file = await self._worker.submit(lambda store: (store.forget(athlete), store.pending_n))
        self._loose.forget(athlete)
        self._pages.forget(athlete)
        self._settle()
        return topics

    async def clear(self, topics: Iterable[str]) -> None:
        """Tell a broker no more of what was retained under these topics, nor of what is still to be stored there."""
        while self._storing and self._latest is not None:
            await asyncio.wait({self._latest})
        await super().clear(topics)

    def offer(self, result: Result) -> None:
        """Take a result; never waits. While the disk neither works nor fails, the oldest without room are lost."""
        self._incoming.append(result)
        if len(self._incoming) > self._most:
            del self._incoming[0]
            self._loose.lost += 1
        self._empty.clear()
        self._store()

    async def get(self, position: int) -> Result:
        """Return the result of a position, which must be `first` or later, at most one beyond those handed out."""
        if position < self.first:
            message = f"result {position} has been let go of; the oldest kept is {self.first}"
            raise LookupError(message)
        while position >= self.first + len(self._handed):
            result = self._pages.pop()
            if result is None and self._pages.exhausted:
                result = self._loose.next()
            if result is not None:
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
            elif result.number == UNSTORED and not self._loose.acknowledge(result.id):
                self._late.append(result.id)
        if len(self._done) >= PAGE:
            self._flush()
        self._settle()

    def rewind(self) -> None:
        """Begin anew, for a new connection: with what was acknowledged lately, then with all that was not."""
        self.first += len(self._handed)
        self._handed.clear()
        self._flush()
        self._loose.rewind()
        self._pages.rewind()

    async def drained(self) -> None:
        """Wait until everything is acknowledged."""
        await self._empty.wait()

    def _store(self) -> None:
        """Store what has come in, all of it at once; what comes meanwhile waits for the next time."""
        if self._storing or not self._incoming:
            return
        batch, self._incoming = self._incoming, []
        if self.fault is not None:
            self._keep(batch)  # behind those that wait for the disk already
            return
        self._storing = batch
        follow = self._pages.follower()

        def work(store: Store) -> tuple[int, int, Page]:
            return store.add(batch), store.pending_n, follow(store)

        self._latest = self._worker.submit(work)
        self._latest.add_done_callback(self._stored)

    def _stored(self, answer: asyncio.Future[tuple[int, int, Page]]) -> None:
        batch, self._storing = self._storing, []
        if (error := answer.exception()) is not None:
            self._fail(error)
            self._keep(batch)
        else:
            dropped, self._in_file, page = answer.result()
            self._pages.take(page)
            if dropped:
                log.error("results are lost", reason="the outbox is full", count=dropped)
        self._store()
        self._settle()

    def _fail(self, error: BaseException) -> None:
        log.error("results are not stored", reason=str(error))
        self.fault = str(error)

    def _keep(self, batch: list[Result]) -> None:
        """Hand out and keep from memory what cannot be stored."""
        before = self._loose.lost
        if self._loose.add(batch) and not before:
            log.error("results are lost", reason="the disk fails, and the memory for them is full")
        self._pages.stirred.set()
        self._settle()

    def _flush(self) -> None:
        """Write down what was acknowledged."""
        done, self._done = self._done, []
        late, self._late = self._late, []
        if not done and not late:
            return
        self._flushing += len(done)

        def work(store: Store) -> int:
            store.acknowledge(done)
            store.acknowledge_ids(late)
            return store.pending_n

        def written(answer: asyncio.Future[int]) -> None:
            self._flushing -= len(done)
            if answer.exception() is None:
                self._in_file = answer.result()
            else:  # written down later; should that never be, the results are sent again
                self._done[:0], self._late[:0] = done, late
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
            dropped += store.add(loose)
            store.acknowledge_ids(done)
            return dropped, store.pending_n

        dropped, self._in_file = await self._worker.submit(work)
        if dropped:
            log.error("results are lost", reason="they waited too long, or the outbox is full", count=dropped)
        self._loose.let_go(loose)
        if self.fault is not None:
            self._pages.look_again()
        if self.fault is not None and not self._loose.everything()[0]:
            log.warning("results are stored again", count=len(loose))
            self.fault = None
            self._worker.all_stored()

    def _settle(self) -> None:
        """Tell whoever waits for it that everything is acknowledged."""
        (self._empty.clear if len(self) else self._empty.set)()
