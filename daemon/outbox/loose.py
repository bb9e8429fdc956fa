"""Results that could not be stored, because the disk fails: kept in memory, handed out from there, stored later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.daemon.outbox.result import Result


class Loose:
    """At most `limit` results; of more the oldest are let go of and, unless the broker has them, counted as lost."""

    def __init__(self, limit: int) -> None:
        """Begin with none."""
        self._limit = limit
        self._results: dict[str, Result] = {}
        self._fresh: dict[str, Result] = {}  # those not handed out on this connection
        self._done: set[str] = set()
        self._gone = 0  # acknowledged, and let go of without being stored
        self.lost = 0
        self.forgotten = 0

    def __len__(self) -> int:
        """Return how many the broker does not have."""
        return len(self._results) - len(self._done)

    @property
    def acknowledged(self) -> int:
        """How many the broker has that are in no file."""
        return len(self._done) + self._gone

    def add(self, results: Iterable[Result]) -> int:
        """Keep results, and return how many were lost for it."""
        before = self.lost
        added = {result.id: result for result in results}
        self._results |= added
        self._fresh |= added
        while len(self._results) > self._limit:
            oldest = next(iter(self._results))
            if oldest in self._done:
                self._gone += 1
            else:
                self.lost += 1
            self._drop(oldest)
        return self.lost - before

    def next(self) -> Result | None:
        """Return the next one to hand out, None where there is none."""
        return self._fresh.pop(next(iter(self._fresh))) if self._fresh else None

    def rewind(self) -> None:
        """Begin anew with handing out those that the broker does not have."""
        self._fresh = {name: result for name, result in self._results.items() if name not in self._done}

    def acknowledge(self, identity: str) -> bool:
        """Note that the broker has a result; tell whether it is here."""
        if identity not in self._results:
            return False
        self._done.add(identity)
        return True

    def everything(self) -> tuple[list[Result], frozenset[str]]:
        """Return all results, to be stored, and the ids of those that the broker has."""
        return list(self._results.values()), frozenset(self._done)

    def let_go(self, results: Iterable[Result]) -> None:
        """Drop results that are stored now."""
        for result in results:
            self._drop(result.id)

    def forget(self, athlete: str) -> None:
        """Drop the results of an athlete."""
        for name in [name for name, result in self._results.items() if result.athlete == athlete]:
            if name in self._done:
                self._gone += 1
            else:
                self.forgotten += 1
            self._drop(name)

    def _drop(self, identity: str) -> None:
        self._results.pop(identity, None)
        self._fresh.pop(identity, None)
        self._done.discard(identity)
