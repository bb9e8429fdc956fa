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

import msgspec
import structlog

from ankled.daemon.errors import OutboxError
from ankled.daemon.outbox.loose import Loose
from ankled.daemon.outbox.store import Result
from ankled.daemon.outbox.worker import Worker

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.outbox.store import Account, Bounds, Store

AGAIN_S: Final = 60.0
"""How far back acknowledged results are sent again on a new connection: an acknowledgement is not delivery."""
_PAGE: Final = 500
"""Results read from the file at once."""
_LOOSE: Final = 10_000
"""Results kept in memory while the disk fails."""
_BEAT_S: Final = 1.0
_CLOSE_S: Final = 5.0
_AGAIN, _UNSTORED = -1, 0
"""Numbers of results that have no pending row: sent again, or not stored yet."""

log = structlog.stdlib.get_logger(__name__)


class _Answer(msgspec.Struct, frozen=True):
    """What a job brings back: the next pending results, how many there are in all, and how many were dropped."""

    results: list[Result]
    whole: bool
    pending: int
    generation: int
    dropped: int = 0


class Outbox:
    """An asynchronous context manager; one publisher reads, anybody offers. Positions count what is handed out."""

    def __init__(self, path: Path, bounds: Bounds | None = None) -> None:
        """Prepare; nothing is opened before the context is entered."""
        self._path = path
        self._bounds = bounds
        self.first = 0
        self.fault: str | None = None
        self._handed: deque[Result] = deque()  # handed out from `first` on, and not let go of
        self._ready: deque[Result] = deque()  # read, and to be handed out
        self._more = True  # the file holds pending results that were not read
        self._reading = False
        self._read_to = 0
        self._incoming: list[Result] = []
        self._storing: list[Result] = []
        self._loose = Loose(_LOOSE)
        self._done: list[int] = []
        self._flushing = 0
        self._in_file = 0
        self._generation = 0  # counts connections: what was read for an earlier one is not handed out
        self._stir = asyncio.Event()
        self._empty = asyncio.Event()
        self._beat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the file and go on where it left off. Raises OutboxError."""
        self._worker = Worker(self._path, self._bounds)
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
            if not self._ready:
                self._read()
                self._stir.clear()
                await self._stir.wait()
            elif position >= self.first:
                self._handed.append(self._ready.popleft())
        return self._handed[position - self.first]

    def acknowledge(self, position: int) -> None:
        """Note that the broker has all results up to and with this position."""
        while self._handed and self.first <= position:
            result = self._handed.popleft()
            self.first += 1
            if result.number > 0:
                self._done.append(result.number)
            elif result.number == _UNSTORED:
                self._loose.acknowledge(result.id)
        if len(self._done) >= _PAGE:
            self._flush()
        self._settle()

    def rewind(self) -> None:
        """Begin anew, for a new connection: with what was acknowledged lately, then with all that was not."""
        self.first += len(self._handed)
        self._handed.clear()
        self._ready.clear()
        self._flush()
        self._reading = self._more = True
        self._read_to = 0
        self._generation += 1
        generation = self._generation

        def read(store: Store) -> _Answer:
            page = store.pending(0, _PAGE)
            again = [msgspec.structs.replace(result, number=_AGAIN) for result in store.recent(AGAIN_S, 2 * _PAGE)]
            return _Answer([*again, *page], len(page) < _PAGE, store.pending_n, generation)

        self._worker.submit(read).add_done_callback(self._rewound)

    async def drained(self) -> None:
        """Wait until everything is acknowledged."""
        await self._empty.wait()

    def _store(self) -> None:
        """Store what has come in, all of it at once; what comes meanwhile waits for the next time."""
        if self._storing or not self._incoming:
            return
        batch, self._incoming = self._incoming, []
        self._storing = batch
        after = None if self._more or len(self._ready) > _PAGE else self._read_to
        generation = self._generation

        def work(store: Store) -> _Answer:
            dropped = store.add(batch)
            page = [] if after is None else store.pending(after, _PAGE)
            return _Answer(page, after is not None and len(page) < _PAGE, store.pending_n, generation, dropped)

        self._worker.submit(work).add_done_callback(self._stored)

    def _stored(self, answer: asyncio.Future[_Answer]) -> None:
        batch, self._storing = self._storing, []
        if (error := answer.exception()) is not None:
            self._keep_in_memory(batch, str(error))
        else:
            self._take(answer.result())
        self._store()
        self._settle()

    def _keep_in_memory(self, batch: list[Result], fault: str) -> None:
        """Hand out from memory, since the disk fails; with the next beat try to store again."""
        if self.fault is None:
            log.error("results are not stored", reason=fault)
        self.fault = fault
        self._loose.add(batch)
        self._ready.extend(batch)
        self._stir.set()

    def _take(self, answer: _Answer) -> None:
        """Take in pending results that were read; those read before, by another job, are left out."""
        self._in_file = answer.pending
        if answer.dropped:
            log.error("results are lost", reason="the outbox is full", count=answer.dropped)
        if answer.generation != self._generation:
            return
        fresh = [result for result in answer.results if result.number == _AGAIN or result.number > self._read_to]
        self._ready.extend(fresh)
        self._read_to = max([self._read_to, *(result.number for result in fresh)])
        self._more = not answer.whole
        self._stir.set()

    def _read(self) -> None:
        """Read the next pending results, unless that is under way or there are none."""
        if self._reading or not self._more:
            return
        self._reading = True
        after, generation = self._read_to, self._generation

        def read(store: Store) -> _Answer:
            page = store.pending(after, _PAGE)
            return _Answer(page, len(page) < _PAGE, store.pending_n, generation)

        self._worker.submit(read).add_done_callback(self._was_read)

    def _was_read(self, answer: asyncio.Future[_Answer]) -> None:
        if answer.exception() is not None:
            self._reading = False  # asked again with the next beat
        else:
            self._reading = self._reading and answer.result().generation != self._generation
            self._take(answer.result())
        self._settle()

    def _rewound(self, answer: asyncio.Future[_Answer]) -> None:
        self._was_read(answer)
        self._ready.extend(self._loose.undone())
        self._stir.set()

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
        self.fault = None
        self._loose.let_go(loose)
        self._more = self._more or bool(loose)
        self._stir.set()

    def _settle(self) -> None:
        """Tell whoever waits for it that everything is acknowledged."""
        (self._empty.clear if len(self) else self._empty.set)()
