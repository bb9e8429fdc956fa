"""Pending results, read from the outbox's file page by page, for one reader that may begin anew."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.outbox.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.daemon.outbox.store import Store
    from ankled.daemon.outbox.worker import Worker

PAGE: Final = 500
"""Results read at once."""
AGAIN_S: Final = 60.0
"""How far back acknowledged results are sent again on a new connection: an acknowledgement is not delivery."""
MOST_AGAIN: Final = 10 * PAGE
_AGAIN_TAKES_S: Final = 5.0
"""What is new waits behind what is sent again, or it would be out of order: not longer than this. The latest count."""
AGAIN, UNSTORED = -1, 0
"""Numbers of results that have no pending row: sent again, or not stored yet."""


class Page(msgspec.Struct, frozen=True):
    """Pending results in order, whether these were all, and for which connection they were read."""

    results: list[Result]
    whole: bool
    generation: int


class Pages:
    """What was read and not handed out. `stirred` is set whenever that may have changed."""

    def __init__(self, worker: Worker, root: str = "", rate_per_s: float | None = None) -> None:
        """Begin with nothing read. Of what a broker retains only topics below `root` are told again.

        With a rate that results are sent at, so many are sent again as it lets through soon, but a page at least.
        """
        self._worker = worker
        self._root = root
        soon = MOST_AGAIN if rate_per_s is None else round(_AGAIN_TAKES_S * rate_per_s)
        self._most_again = min(MOST_AGAIN, max(PAGE, soon))
        self._ready: deque[Result] = deque()
        self._more = True  # the file holds pending results that were not read
        self._reading = False
        self._failed = False  # the file could not be read
        self._read_to = 0
        self._generation = 0  # counts connections: what was read for an earlier one is not handed out
        self.stirred = asyncio.Event()

    @property
    def exhausted(self) -> bool:
        """Whether nothing more is to be had from the file for now: it is the turn of what is not in it."""
        return not self._ready and not self._reading and (self._failed or not self._more)

    def pop(self) -> Result | None:
        """Return the next result; None while there is none, and then see to it that there will be."""
        if self._ready:
            return self._ready.popleft()
        if self._more and not self._reading and not self._failed:
            self._reading = True
            self._worker.submit(self._reader()).add_done_callback(self._take)
        self.stirred.clear()
        return None

    def follower(self) -> Callable[[Store], Page]:
        """Return what reads on in the job that stores more; it reads nothing while a page is due anyway."""
        if self._more or len(self._ready) > PAGE:
            generation = self._generation
            return lambda _: Page([], whole=False, generation=generation)
        return self._reader()

    def take(self, page: Page) -> None:
        """Take in what was read; what another job has read before is left out."""
        if page.generation != self._generation:
            return
        fresh = [result for result in page.results if result.number == AGAIN or result.number > self._read_to]
        self._ready.extend(fresh)
        self._read_to = max([self._read_to, *(result.number for result in fresh)])
        self._more = not page.whole
        self.stirred.set()

    def look_again(self) -> None:
        """Read on, for there may be more in the file."""
        self._more, self._failed = True, False
        self.stirred.set()

    def forget(self, athlete: str) -> None:
        """Hand out nothing of an athlete."""
        self._ready = deque(result for result in self._ready if result.athlete != athlete)

    def rewind(self) -> None:
        """Begin anew: with what a broker retains, what was acknowledged lately, then all that is pending."""
        self._ready.clear()
        self._reading = self._more = True
        self._failed = False
        self._read_to = 0
        self._generation += 1
        pending, root, most = self._reader(), self._root, self._most_again

        def read(store: Store) -> Page:
            page = pending(store)
            recent = store.recent(AGAIN_S, most)
            known = {result.id for result in recent}
            again = [result for result in store.lasting(root) if result.id not in known] + recent
            again = [msgspec.structs.replace(result, number=AGAIN) for result in again]
            return msgspec.structs.replace(page, results=[*again, *page.results])

        self._worker.submit(read).add_done_callback(self._take)

    def _reader(self) -> Callable[[Store], Page]:
        after, generation = self._read_to, self._generation

        def read(store: Store) -> Page:
            results = store.pending(after, PAGE)
            return Page(results, len(results) < PAGE, generation)

        return read

    def _take(self, answer: asyncio.Future[Page]) -> None:
        """Take in what was asked for. Where the disk failed it is asked for again, once the disk works."""
        if answer.exception() is not None:
            self._reading, self._failed = False, True
            self.stirred.set()
            return
        page = answer.result()
        if page.generation == self._generation:
            self._reading = False
        self.take(page)
