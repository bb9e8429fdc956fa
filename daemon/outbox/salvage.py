"""Opening an outbox whatever its file is like: a damaged one is put aside, and what can be read of it saved."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from ankled.daemon.errors import DamagedOutboxError, OutboxError
from ankled.daemon.outbox.file import SKIP
from ankled.daemon.outbox.lock import Lock
from ankled.daemon.outbox.result import Past, Result
from ankled.daemon.outbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ankled.daemon.outbox.result import Bounds

_BATCH: Final = 500
_COMPANIONS: Final = ("", "-wal", "-shm")
_SUMS: Final = ("dropped", "forgotten", "runs")
_COLUMNS: Final = "number, id, source, seq, athlete, topic, payload, retain"


@contextlib.contextmanager
def opened(path: Path | None, bounds: Bounds | None = None) -> Iterator[tuple[Store, Lock | None, str]]:
    """Yield the store for a run of the daemon, its lock, and a sentence for each thing that was wrong with it.

    None is a store in memory. Raises OutboxError for a folder that cannot be used, for a file that another process
    has, and for one of another version.
    """
    with contextlib.nullcontext() if path is None else Lock(path) as lock:
        store, told = begun(path, bounds, lock)
        with store:
            yield store, lock, told


def begun(path: Path | None, bounds: Bounds | None, lock: Lock | None) -> tuple[Store, str]:
    """Return the store, its run begun, and a sentence that tells what was wrong. Raises OutboxError."""
    if path is None or lock is None:
        store, told = Store(None, bounds), ""
    else:
        store, told = open_store(path, bounds)
    try:
        if store.begin(doubt=bool(told) or (lock is not None and lock.marked)) and not told:
            told = f"what the outbox {path} told last may not be in it; the numbers of results go on higher"
    except OutboxError:
        store.abandon()
        raise
    if lock is not None:
        lock.mark(marked=False)
    return store, told


def last_known(path: Path | None) -> Past:
    """Return what a file that cannot be opened tells of earlier runs, numbers moved ahead: its last moments are apart.

    A full disk has no room for what SQLite wants beside the file, but this reads the file alone.
    """
    if path is None or not path.exists():
        return Past()
    seqs: dict[str, int] = {}
    notes: dict[str, Any] = {}
    with (
        contextlib.suppress(sqlite3.Error, TypeError, ValueError),
        contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db,
    ):
        seqs = {str(source): int(seq) + SKIP for source, seq in _rows(db, "SELECT source, seq FROM seqs")}
        notes = {str(name): value for name, value in _rows(db, "SELECT name, value FROM counters")}
    return Past(
        last_seqs=seqs, latest_session=str(notes.get("latest_session", "")), run=int(notes.get("runs", 0)) + SKIP
    )


def open_store(path: Path, bounds: Bounds | None = None) -> tuple[Store, str]:
    """Return the store and a sentence that tells of damage, empty where there was none.

    Raises OutboxError for a folder that cannot be used, and for a file of another version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder {path.parent} of the outbox cannot be made: {error.strerror or error}"
        raise OutboxError(message) from error
    try:
        return Store(path, bounds), ""
    except DamagedOutboxError as error:
        aside = _put_aside(path)
        store = Store(path, bounds)
        saved = _save(aside, store)
        return store, f"{error}; it was put aside as {aside.name}, and {saved} results were read from it"


def _put_aside(path: Path) -> Path:
    """Rename the file and what SQLite keeps beside it, to a name that is free."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for companion in _COMPANIONS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + companion).rename(aside.with_name(aside.name + companion))
    return aside


def _save(aside: Path, store: Store) -> int:
    """Copy every result that can still be read, in order, and return how many; acknowledged ones stay acknowledged."""
    found: dict[int, tuple[Result, bool]] = {}
    lasting: list[Result] = []
    seqs: dict[str, int] = {}
    sums: dict[str, float | str] = {}
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(aside)) as db:
        for order in ("ASC", "DESC"):  # from both ends: a damaged page in the midst of the table ends each way
            select = f"SELECT {_COLUMNS}, acknowledged_s FROM results NOT INDEXED ORDER BY number {order}"  # noqa: S608 - constants
            for *known, acknowledged_s in _rows(db, select):
                with contextlib.suppress(TypeError, ValueError):
                    found[int(known[0])] = (_result(known), acknowledged_s is not None)
        for row in _rows(db, f"SELECT {_COLUMNS} FROM lasting ORDER BY number"):  # noqa: S608 - constants
            with contextlib.suppress(TypeError, ValueError):
                lasting.append(_result(row))
        with contextlib.suppress(TypeError, ValueError):
            seqs = {str(source): int(seq) for source, seq in _rows(db, "SELECT source, seq FROM seqs")}
        with contextlib.suppress(TypeError, ValueError):
            sums = {str(name): value for name, value in _rows(db, "SELECT name, value FROM counters")}
    store.take_over(lasting, seqs, {name: value for name, value in sums.items() if name in _SUMS})
    ordered = [found[number] for number in sorted(found)]
    for start in range(0, len(ordered), _BATCH):
        store.add([result for result, _ in ordered[start : start + _BATCH]])
    had = {result.id for result, acknowledged in ordered if acknowledged}
    after = 0
    while batch := store.pending(after, _BATCH):
        store.acknowledge([result.number for result in batch if result.id in had])
        after = batch[-1].number
    return len(ordered)


def _rows(db: sqlite3.Connection, select: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that can be read."""
    with contextlib.suppress(sqlite3.Error):
        yield from db.execute(select)


def _result(row: Any) -> Result:  # noqa: ANN401 - a damaged file holds anything
    _, identity, source, seq, athlete, topic, payload, retain = row
    return Result(
        id=str(identity),
        source=str(source),
        seq=int(seq),
        athlete=athlete,
        topic=str(topic),
        payload=bytes(payload),
        retain=bool(retain),
    )
