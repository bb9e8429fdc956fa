"""The SQLite file below the outbox: its tables, its counters, transactions, and errors told in one sentence."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankled.daemon.errors import DamagedOutboxError, DiskFaultError, OutboxError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

_VERSION: Final = 1
# `lasting` holds the newest result of every retained topic for longer than `results` may: a broker that has forgotten
# it is told it again. `seqs` outlives the results too, for no number is given twice.
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
CREATE TABLE lasting (
    topic TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    seq INTEGER NOT NULL,
    athlete TEXT,
    payload BLOB NOT NULL,
    retain INTEGER NOT NULL,
    stored_s REAL NOT NULL
);
CREATE TABLE seqs (source TEXT PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value NOT NULL);
INSERT INTO counters VALUES
    ('open_s', 0.0), ('stored', 0), ('acknowledged', 0), ('dropped', 0), ('forgotten', 0), ('runs', 0),
    ('latest_session', ''), ('closed', 1), ('boot', '');
"""
_OF_THE_DISK: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
SKIP: Final = 10_000
"""How far numbers go ahead where the last ones may not have reached the disk: more than can have been given then."""


class File:
    """An open file. Not for several threads at once. Every method raises OutboxError when the disk fails."""

    def __init__(self, path: Path | None) -> None:
        """Open or make the file, or one in memory. Raises OutboxError for one that is damaged or of another program."""
        self._name = "in memory" if path is None else str(path)
        with self._told():
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            with self._told():
                self._prepare()
        except OutboxError:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def begin(self, *, doubt: bool) -> bool:
        """Begin a run; return whether the numbers were moved ahead.

        They are with `doubt`, and after a power cut: that may have taken the last moments, which were published.
        """
        boot = _BOOT.read_text(encoding="ascii").strip() if _BOOT.exists() else ""
        with self._told(), self._durable(), self._transaction():
            doubt = doubt or not (self._counter("closed") or self._text("boot") == boot)
            if doubt:
                self._db.execute("UPDATE seqs SET seq = seq + ?", (SKIP,))
            self._count(closed=0, boot=boot, runs=int(self._counter("runs")) + (SKIP if doubt else 1))
        return doubt

    def close(self) -> None:
        """Close the file; all that was committed is in it."""
        with contextlib.suppress(sqlite3.Error):
            with self._durable():
                self._count(closed=1)
            self._db.close()

    def abandon(self) -> None:
        """Close the file as it is: no run of it was begun."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    def _counter(self, name: str) -> float:
        """Return what was counted."""
        return float(str(self._value(name)))

    def _text(self, name: str) -> str:
        """Return what was noted."""
        return str(self._value(name))

    def _count(self, **values: float | str) -> None:
        """Set counters."""
        self._db.executemany("UPDATE counters SET value = ? WHERE name = ?", [(v, k) for k, v in values.items()])

    def _value(self, name: str) -> object:
        (value,) = self._db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
        return value

    def _prepare(self) -> None:
        db = self._db
        db.execute("PRAGMA journal_mode = WAL")
        # survives the end of the process; a power cut may cost the last moment
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == _VERSION:
            if (fault := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(fault)
            return
        if version or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            message = f"the outbox {self._name} has version {version}; this program reads version {_VERSION}"
            raise OutboxError(message)
        db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")

    @contextlib.contextmanager
    def _durable(self) -> Iterator[None]:
        """Have what is committed in here survive a power cut."""
        self._db.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            self._db.execute("PRAGMA synchronous = NORMAL")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what is done in here, all or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite says into one sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            message = f"the outbox {self._name} cannot be used: {error}"
            # the lower byte is the kind, the rest tells more of it
            kind = DiskFaultError if error.sqlite_errorcode & 0xFF in _OF_THE_DISK else OutboxError
            raise kind(message) from error
        except sqlite3.DatabaseError as error:
            message = f"the outbox {self._name} is damaged: {error}"
            raise DamagedOutboxError(message) from error
