"""The outbox's file: results in SQLite, in the order they were made, with what became of each.

A row is pending until it is acknowledged, and kept for a while after that to answer for the past. The file is bounded:
rows that were acknowledged go first, then the oldest pending ones, which are counted as dropped. All ages are in
seconds that the outbox was open, which no clock step alters: time that the machine was off does not count.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.outbox.file import File
from ankled.daemon.outbox.result import Account, Bounds, Past, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_COLUMNS: Final = "number, id, source, seq, athlete, topic, payload, retain"
_OVERHEAD: Final = 200
"""Bytes that a row takes beside its payload, roughly."""
_SENT_AGAIN_S: Final = 60.0
"""What was acknowledged so lately may be sent again, and stays."""
_MOMENT: Final = re.compile(r"\d{8}T\d{6}Z")


class Store(File):
    """An open outbox file, or one in memory. Not for several threads at once.

    Every method raises OutboxError when the disk fails.
    """

    def __init__(self, path: Path | None, bounds: Bounds | None = None) -> None:
        """Open or make the file. Raises OutboxError for one that is damaged or of another program."""
        super().__init__(path)
        self._bounds = bounds or Bounds()
        self._folder = None if path is None else path.parent
        with self._told():
            self._open_s = self._counter("open_s")
            self._size = self._measure()
            self.pending_n = self._pending()

    @property
    def now_s(self) -> float:
        """How long the outbox was open, over all runs, as last told by `pass_time`."""
        return self._open_s

    def pass_time(self, seconds: float) -> int:
        """Let time pass, let go of what is too old, and return how many pending results were dropped for it."""
        bounds = self._bounds
        with self._told(), self._transaction():
            self._open_s += seconds
            self._count(open_s=self._open_s)
            kept_s = min(bounds.kept_s, _SENT_AGAIN_S) if self._short() else bounds.kept_s
            self._delete("acknowledged_s < ?", (self._open_s - kept_s,))
            self._db.execute("DELETE FROM lasting WHERE stored_s < ?", (self._open_s - bounds.pending_s,))
            old = "acknowledged_s IS NULL AND stored_s < ?"
            return self._drop(self._delete(old, (self._open_s - bounds.pending_s,)))

    def add(self, results: Sequence[Result]) -> int:
        """Store results, all or none, and return how many pending ones were dropped to make room.

        One that is in the file already, by its id, is left as it is: it was computed again.
        """
        if not results:
            return 0
        with self._told(), self._transaction():
            before = self._db.total_changes
            self._db.executemany(
                "INSERT OR IGNORE INTO results (id, source, seq, athlete, topic, payload, retain, stored_s) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(r.id, r.source, r.seq, r.athlete, r.topic, r.payload, r.retain, self._open_s) for r in results],
            )
            stored = self._db.total_changes - before
            self.pending_n += stored
            self._add_up("stored", stored)
            if stored < len(results):
                self._size = self._measure()
            else:
                self._size += sum(len(result.payload) + _OVERHEAD for result in results)
            self._note(results)
            return self._make_room() if self._size > self._bounds.size_bytes else 0

    def pending(self, after: int, limit: int) -> list[Result]:
        """Return up to `limit` results that are not acknowledged, with a number above `after`, in order."""
        where = "acknowledged_s IS NULL AND number > ? ORDER BY number LIMIT ?"
        with self._told():
            return self._select(where, (after, limit))

    def recent(self, seconds: float, limit: int) -> list[Result]:
        """Return up to `limit` results acknowledged within the last so many seconds, in order: to be sent again."""
        # chosen by the index of times alone: of a day's rows few are recent, or the recent ones are all of many
        newest = "SELECT number FROM results WHERE acknowledged_s >= ? ORDER BY +number DESC LIMIT ?"
        with self._told():
            return self._select(f"number IN ({newest}) ORDER BY number", (self._open_s - seconds, limit))

    def lasting(self, root: str = "") -> list[Result]:
        """Return the newest result of every retained topic below `root`, in order, but what is pending."""
        where = (
            "substr(topic, 1, ?) = ? AND NOT EXISTS (SELECT 1 FROM results AS mine "
            "WHERE mine.number = lasting.number AND mine.acknowledged_s IS NULL) ORDER BY number"
        )
        with self._told():
            return self._select(where, (len(root), root), table="lasting")

    def history(self, source: str, after_seq: int, limit: int) -> list[Result]:
        """Return up to `limit` results of a device or athlete with a `seq` above `after_seq`, in order of it."""
        where = "source = ? AND seq > ? ORDER BY seq, number LIMIT ?"
        with self._told():
            return self._select(where, (source, after_seq, limit))

    def seq_range(self, source: str) -> tuple[int | None, int | None]:
        """Return the lowest `seq` of a device or athlete that is kept and the highest that was ever given."""
        with self._told():
            (oldest,) = self._db.execute("SELECT min(seq) FROM results WHERE source = ?", (source,)).fetchone()
            latest = self._db.execute("SELECT seq FROM seqs WHERE source = ?", (source,)).fetchone()
            return oldest, None if latest is None else latest[0]

    def last_seqs(self) -> dict[str, int]:
        """Return the highest `seq` that each device and athlete was ever given: where a new run goes on counting."""
        with self._told():
            return dict(self._db.execute("SELECT source, seq FROM seqs"))

    def past(self) -> Past:
        """Return what a new run must know of those before it."""
        with self._told():
            return Past(
                last_seqs=self.last_seqs(),
                latest_session=self._text("latest_session"),
                run=int(self._counter("runs")),
            )

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
            done = self._db.total_changes - before
            self.pending_n -= done
            self._add_up("acknowledged", done)

    def count(self, athlete: str) -> int:
        """Return how many results there are of an athlete."""
        with self._told():
            kept = "SELECT id FROM results WHERE athlete = ? UNION SELECT id FROM lasting WHERE athlete = ?"
            (count,) = self._db.execute(f"SELECT count(*) FROM ({kept})", (athlete, athlete)).fetchone()  # noqa: S608 - a constant
            return int(count)

    def forget(self, athlete: str) -> list[str]:
        """Delete every result of an athlete, overwriting its bytes, and return the topics that a broker may hold."""
        with self._told():
            topics: set[str] = set()
            with self._transaction():
                for table in ("results", "lasting"):
                    found = f"SELECT DISTINCT topic FROM {table} WHERE athlete = ? AND retain"  # noqa: S608 - constants
                    topics |= {topic for (topic,) in self._db.execute(found, (athlete,))}
                pending = self.pending_n
                self._delete("athlete = ?", (athlete,))
                self._db.execute("DELETE FROM lasting WHERE athlete = ?", (athlete,))
                self._db.execute("DELETE FROM seqs WHERE source = ?", (athlete,))
                self.pending_n = self._pending()
                self._add_up("forgotten", pending - self.pending_n)
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return sorted(topics)

    def clear(self, topics: Iterable[str]) -> None:
        """Have a broker retain no more what was told under these topics, however often it is told again."""
        gone = [(topic,) for topic in topics]
        with self._told(), self._transaction():
            self._db.executemany("DELETE FROM lasting WHERE topic = ?", gone)
            self._db.executemany("UPDATE results SET retain = 0 WHERE topic = ? AND retain", gone)

    def take_over(self, lasting: Sequence[Result], seqs: Mapping[str, int], counts: Mapping[str, float | str]) -> None:
        """Take over from a damaged file what outlives the rows; they themselves are added."""
        with self._told(), self._transaction():
            self._db.executemany("INSERT INTO seqs VALUES (?, ?)", seqs.items())
            self._count(**counts)
            self._db.executemany(
                f"INSERT OR REPLACE INTO lasting ({_COLUMNS}, stored_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0.0)",  # noqa: S608 - constants
                [
                    (number, r.id, r.source, r.seq, r.athlete, r.topic, r.payload, r.retain)
                    for number, r in enumerate(lasting, start=-len(lasting))
                ],
            )

    def account(self) -> Account:
        """Return what there is and what was dropped."""
        with self._told():
            (kept,) = self._db.execute("SELECT count(acknowledged_s) FROM results").fetchone()
            return Account(
                offered=int(self._counter("stored")),
                acknowledged=int(self._counter("acknowledged")),
                pending=self.pending_n,
                dropped=int(self._counter("dropped")),
                lost=0,
                forgotten=int(self._counter("forgotten")),
                kept=kept,
                size_bytes=self._size,
            )

    def _note(self, results: Sequence[Result]) -> None:
        """Keep what outlives the rows: the last numbers, the latest session, what a broker retains."""
        last = {result.source: result.seq for result in sorted(results, key=lambda each: each.seq)}
        self._db.executemany(
            "INSERT INTO seqs VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET seq = max(seq, excluded.seq)",
            last.items(),
        )
        found = (_MOMENT.match(result.id) for result in results)
        latest = max((moment.group() for moment in found if moment is not None), default="")
        if latest > self._text("latest_session"):
            self._count(latest_session=latest)
        for result in results:
            if result.retain:
                self._db.execute(
                    "INSERT OR REPLACE INTO lasting SELECT topic, number, id, source, seq, athlete, payload, retain, "
                    "stored_s FROM results WHERE id = ?",
                    (result.id,),
                )

    def _short(self) -> bool:
        """Tell whether the disk has so little room that the file should not grow: what is deleted makes room in it."""
        if self._folder is None or not self._bounds.min_free_bytes:
            return False
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize < self._bounds.min_free_bytes

    def _pending(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM results WHERE acknowledged_s IS NULL").fetchone()[0])

    def _measure(self) -> int:
        total = f"SELECT coalesce(sum(length(payload) + {_OVERHEAD}), 0) FROM results"  # noqa: S608 - a constant
        return int(self._db.execute(total).fetchone()[0])

    def _select(self, where: str, values: tuple[object, ...], table: str = "results") -> list[Result]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM {table} WHERE {where}", values)  # noqa: S608 - constants
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
        self._add_up("dropped", count)
        return count

    def _add_up(self, name: str, count: int) -> None:
        if count:
            self._db.execute("UPDATE counters SET value = value + ? WHERE name = ?", (count, name))

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
        try:
            with super()._transaction():
                yield
        except BaseException:
            self._size, self._open_s, self.pending_n = before
            raise
