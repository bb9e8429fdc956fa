"""Opening an outbox whatever its file is like: a damaged one is put aside, and what can be read of it saved."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from ankled.daemon.errors import DamagedOutboxError, OutboxError
from ankled.daemon.outbox.store import Result, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ankled.daemon.outbox.store import Bounds

_BATCH: Final = 500
_COMPANIONS: Final = ("", "-wal", "-shm")


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
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(aside)) as db:
        for row in _rows(db):
            with contextlib.suppress(TypeError, ValueError):
                number, identity, source, seq, athlete, topic, payload, retain, acknowledged_s = row
                result = Result(
                    id=str(identity),
                    source=str(source),
                    seq=int(seq),
                    athlete=athlete,
                    topic=str(topic),
                    payload=bytes(payload),
                    retain=bool(retain),
                )
                found[int(number)] = (result, acknowledged_s is not None)
    ordered = [found[number] for number in sorted(found)]
    for start in range(0, len(ordered), _BATCH):
        store.add([result for result, _ in ordered[start : start + _BATCH]])
    known = {result.id for result, acknowledged in ordered if acknowledged}
    after = 0
    while batch := store.pending(after, _BATCH):
        store.acknowledge([result.number for result in batch if result.id in known])
        after = batch[-1].number
    return len(ordered)


def _rows(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Yield rows from both ends of the table: a damaged page in its midst ends each way."""
    for order in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.Error):
            yield from db.execute(
                "SELECT number, id, source, seq, athlete, topic, payload, retain, acknowledged_s "  # noqa: S608 - constants
                f"FROM results NOT INDEXED ORDER BY number {order}"
            )
