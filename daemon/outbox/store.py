"""The outbox's file: results in SQLite, in the order they were made, with what became of each.

A row is pending until it is acknowledged, and kept for a while after that to answer for the past. The file is bounded:
rows that were acknowledged go first, then the oldest pending ones, which are counted as dropped. All ages are in
seconds that the outbox was open, which no clock step alters: time that the machine was off does not count.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.errors import DamagedOutboxError, OutboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

_VERSION: Final = 1
_TABLES: Final = """
CREATE TABLE results (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    seq INTEGER NOT NULL,
    athlete TEXT,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    retain INTEGER NOT NULL,
    stored_s REAL NOT NULL,
    acknowledged_s REAL
);
CREATE INDEX by_source ON results (source, seq);
CREATE INDEX pending ON results (number) WHERE acknowledged_s IS NULL;
CREATE INDEX by_acknowledged ON results (acknowledged_s) WHERE acknowledged_s IS NOT NULL;
CREATE TABLE counters (name TEXT PRIMARY KEY, value REAL NOT NULL);
INSERT INTO counters VALUES ('open_s', 0.0), ('dropped', 0);
"""
_COLUMNS: Final = "number, id, source, seq, athlete, topic, payload, retain"
_OVERHEAD: Final = 200
"""Bytes that a row takes beside its payload, roughly."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept: bytes in all, seconds a pending row may wait, seconds an acknowledged one stays."""

    size_bytes: int = 256 * 1024 * 1024
    pending_s: float = 30 * 86400.0
    kept_s: float = 86400.0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One result as it is published. `source` is the device or athlete whose `seq` it counts."""

    id: str
    source: str
    seq: int
    athlete: str | None
    topic: str
    payload: bytes
    retain: bool
    number: int = 0


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds and what it had to let go: `dropped` were never acknowledged."""

    pending: int
    acknowledged: int
    dropped: int
    size_bytes: int


class Store:
    """An open outbox file. Not for several threads at once. Every method raises OutboxError when the disk fails."""

    def __init__(self, path: Path, bounds: Bounds | None = None) -> None:
        """Open or make the file. Raises OutboxError for one that is damaged or of another program."""
        self._path = path
        self._bounds = bounds or Bounds()
        with self._told():
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            with self._told():
                self._prepare()
                self._open_s = self._counter("open_s")
                self._size = self._measure()
                self.pending_n = self._count()
        except OutboxError:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; all that was committed is in it."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    @property
    def now_s(self) -> float:
        """How long the outbox was open, over all runs, as last told by `pass_time`."""
        return self._open_s

    def pass_time(self, seconds: float) -> int:
        """Let time pass, let go of what is too old, and return how many pending results were dropped for it."""
        bounds = self._bounds
        with self._told(), self._transaction():
            self._open_s += seconds
            self._db.execute("UPDATE counters SET value = ? WHERE name = 'open_s'", (self._open_s,))
            self._delete("acknowledged_s < ?", (self._open_s - bounds.kept_s,))
            old = "acknowledged_s IS NULL AND stored_s < ?"
            return self._drop(self._delete(old, (self._open_s - bounds.pending_s,)))

    def add(self, results: Sequence[Result]) -> int:
        """Store results, all or none, and return how many pending ones were dropped to make room.

        One that is in the file already, by its id, is left as it is: it was computed again.
        """
        with self._told(), self._transaction():
            before = self._db.total_changes
            self._db.executemany(
                "INSERT OR IGNORE INTO results (id, source, seq, athlete, topic, payload, retain, stored_s) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(r.id, r.source, r.seq, r.athlete, r.topic, r.payload, r.retain, self._open_s) for r in results],
            )
            stored = self._db.total_changes - before
            self.pending_n += stored
            if stored < len(results):
                self._size = self._measure()
            else:
                self._size += sum(len(result.payload) + _OVERHEAD for result in results)
            return self._make_room() if self._size > self._bounds.size_bytes else 0

    def pending(self, after: int, limit: int) -> list[Result]:
        """Return up to `limit` results that are not acknowledged, with a number above `after`, in order."""
        where = "acknowledged_s IS NULL AND number > ? ORDER BY number LIMIT ?"
        with self._told():
            return self._select(where, (after, limit))

    def recent(self, seconds: float, limit: int) -> list[Result]:
        """Return up to `limit` results acknowledged within the last so many seconds, in order: to be sent again."""
        where = "acknowledged_s >= ? ORDER BY number DESC LIMIT ?"
        with self._told():
            return self._select(where, (self._open_s - seconds, limit))[::-1]

    def history(self, source: str, after_seq: int, limit: int) -> list[Result]:
        """Return up to `limit` results of a device or athlete with a `seq` above `after_seq`, in order of it."""
        where = "source = ? AND seq > ? ORDER BY seq, number LIMIT ?"
        with self._told():
            return self._select(where, (source, after_seq, limit))

    def seq_range(self, source: str) -> tuple[int | None, int | None]:
        """Return the lowest and the highest `seq` of a device or athlete that is kept."""
        with self._told():
            found = self._db.execute("SELECT min(seq), max(seq) FROM results WHERE source = ?", (source,))
            oldest, latest = found.fetchone()
            return oldest, latest

    def last_seqs(self) -> dict[str, int]:
        """Return the highest `seq` of each device and athlete: where a new run goes on counting."""
        with self._told():
            return dict(self._db.execute("SELECT source, max(seq) FROM results GROUP BY source"))

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Note that the broker has these results."""
        self._acknowledge("number", numbers)

    def acknowledge_ids(self, ids: Iterable[str]) -> None:
        """Note that the broker has the results of these ids."""
        self._acknowledge("id", ids)

    def _acknowledge(self, column: str, values: Iterable[object]) -> None:
        with self._told(), self._transaction():
            before = self._db.total_changes
            self._db.executemany(
                f"UPDATE results SET acknowledged_s = ? WHERE {column} = ? AND acknowledged_s IS NULL",  # noqa: S608 - constants
                [(self._open_s, value) for value in values],
            )
            self.pending_n -= self._db.total_changes - before

    def forget(self, athlete: str) -> list[str]:
        """Delete every result of an athlete, overwriting its bytes, and return the topics that a broker may hold."""
        with self._told():
            found = self._db.execute("SELECT DISTINCT topic FROM results WHERE athlete = ? AND retain", (athlete,))
            topics = sorted(topic for (topic,) in found)
            with self._transaction():
                self._delete("athlete = ?", (athlete,))
                self.pending_n = self._count()
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return topics

    def account(self) -> Account:
        """Return what there is and what was dropped."""
        with self._told():
            (acknowledged,) = self._db.execute("SELECT count(acknowledged_s) FROM results").fetchone()
            return Account(
                pending=self.pending_n,
                acknowledged=acknowledged,
                dropped=int(self._counter("dropped")),
                size_bytes=self._size,
            )

    def _prepare(self) -> None:
        db = self._db
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(
            "PRAGMA synchronous = NORMAL"
        )  # survives the end of the process; a power cut may cost the last moment
        db.execute("PRAGMA secure_delete = ON")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == _VERSION:
            if (fault := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(fault)
            return
        if version or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            message = f"the outbox {self._path} has version {version}; this program reads version {_VERSION}"
            raise OutboxError(message)
        db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")

    def _counter(self, name: str) -> float:
        (value,) = self._db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
        return float(value)

    def _count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM results WHERE acknowledged_s IS NULL").fetchone()[0])

    def _measure(self) -> int:
        total = f"SELECT coalesce(sum(length(payload) + {_OVERHEAD}), 0) FROM results"  # noqa: S608 - a constant
        return int(self._db.execute(total).fetchone()[0])

    def _select(self, where: str, values: tuple[object, ...]) -> list[Result]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM results WHERE {where}", values)  # noqa: S608 - constants
        names = _COLUMNS.split(", ")
        return [msgspec.convert(dict(zip(names, row, strict=True)), Result, strict=False) for row in rows]

    def _delete(self, where: str, values: tuple[object, ...]) -> int:
        """Delete rows and return how many."""
        deleted = f"DELETE FROM results WHERE {where} RETURNING length(payload)"  # noqa: S608 - constants
        sizes = [size for (size,) in self._db.execute(deleted, values)]
        self._size -= sum(sizes) + _OVERHEAD * len(sizes)
        return len(sizes)

    def _drop(self, count: int) -> int:
        self.pending_n -= count
        if count:
            self._db.execute("UPDATE counters SET value = value + ? WHERE name = 'dropped'", (count,))
        return count

    def _make_room(self) -> int:
        """Delete acknowledged rows, oldest first, then pending ones, until a tenth of the size is free."""
        goal = int(0.9 * self._bounds.size_bytes)
        dropped = 0
        for state in ("IS NOT NULL", "IS NULL"):
            while self._size > goal:
                oldest = f"SELECT number FROM results WHERE acknowledged_s {state} ORDER BY number LIMIT 100"  # noqa: S608 - constants
                count = self._delete(f"number IN ({oldest})", ())
                if not count:
                    break
                dropped += count if state == "IS NULL" else 0
        return self._drop(dropped)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        before = (self._size, self._open_s, self.pending_n)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._size, self._open_s, self.pending_n = before
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite says into one sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            message = f"the outbox {self._path} cannot be used: {error}"
            raise OutboxError(message) from error
        except sqlite3.DatabaseError as error:
            message = f"the outbox {self._path} is damaged: {error}"
            raise DamagedOutboxError(message) from error
