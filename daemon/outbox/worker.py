"""A thread of its own for the outbox's file: the disk may take its time, and nobody on the event loop waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar

from ankled.daemon.errors import DiskFaultError, OutboxError
from ankled.daemon.outbox.lock import Lock
from ankled.daemon.outbox.salvage import begun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from ankled.daemon.outbox.result import Bounds
    from ankled.daemon.outbox.store import Store

    Job: TypeAlias = Callable[[Store], object]
    Work: TypeAlias = tuple[Job | None, asyncio.Future[object]]

T = TypeVar("T")

_AGAIN_S: Final = 0.5
"""How often a file is tried that could not be opened."""


class Worker:
    """Runs jobs on a store, one after the other, in a thread; answers on the loop that asked."""

    def __init__(self, path: Path | None, bounds: Bounds | None) -> None:
        """Prepare; `start` opens the file."""
        self._path = path
        self._bounds = bounds
        self._jobs: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._opened: asyncio.Future[str] = self._loop.create_future()
        self.heartbeat_s = time.monotonic()
        """When the thread was last known to move, on the monotonic clock."""

    async def start(self) -> str:
        """Open the file and return what there is to tell of damage. Raises OutboxError, but where the disk fails."""
        self._thread.start()
        return await asyncio.shield(self._opened)

    @property
    def age_s(self) -> float:
        """How long ago the thread was last known to move; infinite if it has ended."""
        return time.monotonic() - self.heartbeat_s if self._thread.is_alive() else math.inf

    def submit(self, job: Callable[[Store], T]) -> asyncio.Future[T]:
        """Run a job behind those before it. The future fails with OutboxError where the disk fails, else as the job."""
        answer: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((job, answer))  # type: ignore[arg-type]  # a future of T is written to with what the job returns
        return answer

    def all_stored(self) -> None:
        """Note that everything handed out is in the file again, once the jobs before this are done."""
        self._jobs.put((None, self._loop.create_future()))

    async def stop(self, deadline_s: float) -> bool:
        """Finish the jobs there are, close the file, and tell whether that was done in time."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, deadline_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with contextlib.nullcontext() if self._path is None else Lock(self._path) as lock:
                found = self._begun(lock)
                if found is not None:
                    with found[0]:
                        self._answer(self._opened, found[1], None)
                        self._work(found[0], lock)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody must wait for a thread that has ended
            self._answer(self._opened, None, error)

    def _begun(self, lock: Lock | None) -> tuple[Store, str] | None:
        """Open the file. While the disk fails, refuse all jobs and try again; None when told to stop meanwhile."""
        while True:
            try:
                return begun(self._path, self._bounds, lock)
            except DiskFaultError as error:
                self._answer(self._opened, "", None)
                if lock is not None:
                    lock.mark(marked=True)
                again_s = time.monotonic() + _AGAIN_S
                while (left_s := again_s - time.monotonic()) > 0.0:
                    with contextlib.suppress(queue.Empty):
                        work = self._jobs.get(timeout=left_s)
                        if work is None:
                            return None
                        self.heartbeat_s = time.monotonic()
                        self._answer(work[1], None, error)

    def _work(self, store: Store, lock: Lock | None) -> None:
        while (work := self._jobs.get()) is not None:
            self.heartbeat_s = time.monotonic()
            job, answer = work
            try:
                if job is None:
                    if lock is not None:
                        lock.mark(marked=False)
                    self._answer(answer, None, None)
                else:
                    self._answer(answer, job(store), None)
            except OutboxError as error:
                if lock is not None:
                    lock.mark(marked=True)  # before anything is handed out that is not stored
                self._answer(answer, None, error)
            except Exception as error:  # noqa: BLE001 - a defect of one job is told to who asked; the others go on
                self._answer(answer, None, error)

    def _answer(self, future: asyncio.Future[T], value: T | None, error: Exception | None) -> None:
        def settle() -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(value)  # type: ignore[arg-type]  # None is what such a job returns

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for the answer
            self._loop.call_soon_threadsafe(settle)
