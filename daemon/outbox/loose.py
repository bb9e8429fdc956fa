"""Results that could not be stored, because the disk fails: kept in memory, handed out from there, stored later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.daemon.outbox.store import Result


class Loose:
    """At most `limit` results; of more the oldest are let go of and, unless the broker has them, counted as lost."""

    def __init__(self, limit: int) -> None:
        """Begin with none."""
        self._limit = limit
        self._results: dict[str, Result] = {}
        self._done: set[str] = set()
        self.lost = 0

    def __len__(self) -> int:
        """Return how many the broker does not have."""
        return len(self._results) - len(self._done)

    def add(self, results: Iterable[Result]) -> None:
        """Keep results."""
        self._results |= {result.id: result for result in results}
        while len(self._results) > self._limit:
            oldest = next(iter(self._results))
            del self._results[oldest]
            self.lost += oldest not in self._done
            self._done.discard(oldest)

    def acknowledge(self, identity: str) -> None:
        """Note that the broker has a result, if it is here."""
        if identity in self._results:
            self._done.add(identity)

    def undone(self) -> list[Result]:
        """Return the results that the broker does not have."""
        return [result for name, result in self._results.items() if name not in self._done]

    def everything(self) -> tuple[list[Result], frozenset[str]]:
        """Return all results, to be stored, and the ids of those that the broker has."""
        return list(self._results.values()), frozenset(self._done)

    def let_go(self, results: Iterable[Result]) -> None:
        """Drop results that are stored now."""
        for result in results:
            self._results.pop(result.id, None)
            self._done.discard(result.id)
