"""Names of sessions: each the moment of its beginning, none given twice, whatever the wall clock does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_NS: Final = 1_000_000_000


class SessionNames:
    """Gives names. A moment that is not later than all before it, over all runs, is told apart by the run's number."""

    def __init__(self, latest: str = "", run: int = 1) -> None:
        """Begin after the latest moment that a session was named by. `run` is a number that no earlier run had."""
        self._latest = latest
        self._run = run
        self._again = 0

    def next(self, utc_ns: int) -> str:
        """Return the name of a session that begins now."""
        moment = f"{datetime.fromtimestamp(utc_ns // _NS, UTC):%Y%m%dT%H%M%SZ}"
        if moment > self._latest:
            self._latest = moment
            return moment
        self._again += 1
        return f"{moment}-{self._run}" if self._again == 1 else f"{moment}-{self._run}-{self._again}"
