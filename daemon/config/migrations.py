"""Keys that are called otherwise now, or are gone: a file that has them still loads, with a warning what to write.

The version of the form is `version`, 1 so far. A row is added here with each key that is renamed or removed.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ankled.daemon.config.forms import VERSION
from ankled.daemon.config.locate import Statement, locate
from ankled.daemon.config.problems import Problem, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.config.layers import Layer


class Migration(msgspec.Struct, frozen=True):
    """What became of a key: in the same table it has the name `now`, or it is gone; `told` says what to write."""

    key: str
    told: str
    now: str | None = None


MIGRATIONS: Final = (
    Migration(
        "mqtt.queue",
        "is not needed any more: results wait for the broker in the outbox; "
        "remove it, and bound the outbox by outbox.size_mb and outbox.pending_days",
    ),
)


def newer(layer: Layer) -> Problem | None:
    """Return the problem with a file of a later form than is known here."""
    version = layer.data.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version <= VERSION:
        return None
    place = layer.place("version")
    message = (
        f"is {version if version < VERSION + 10**6 else 'far'}, newer than this ankled knows; allowed is {VERSION}"
    )
    return Problem(
        file=place.file, line=place.line, column=place.column, key="version", message=message, allowed=str(VERSION)
    )


def migrate(layer: Layer, table: tuple[Migration, ...] = MIGRATIONS) -> Iterator[Problem]:
    """Bring the data of a layer into today's form, and yield a warning for each key that was not."""
    for row in table:
        for holder, path, name in list(_holders(layer.data, row.key)):
            value = holder.pop(name)
            place, told = layer.place(join(path, name)), row.told
            if row.now is not None and row.now in holder:
                told = f"{told}; {join(path, row.now)} is there too, and counts"
            elif row.now is not None:
                holder[row.now] = value
                if layer.places is not None and place.line is not None and place.column is not None:
                    layer.places[join(path, row.now)] = (place.line, place.column)
            yield Problem(
                file=place.file, line=place.line, column=place.column, key=join(path, name), message=told,
                nearest=row.now,
            )  # fmt: skip


def rewritten(text: str, table: tuple[Migration, ...] = MIGRATIONS) -> tuple[str, tuple[str, ...]]:
    """Return a valid file's text in today's form, comments and all, and the old keys that must be changed by hand.

    Those are the keys that stand within braces, or have old and new name side by side.
    """
    statements = locate(text).statements
    edits: list[tuple[int, int, str]] = []
    by_hand = []
    for row in table:
        for holder, path, name in _holders(tomllib.loads(text), row.key):
            statement = statements.get(join(path, name))
            if statement is None or (row.now is not None and row.now in holder):
                by_hand.append(join(path, name))
            else:
                edits.append(_edit(text, statement, row))
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    return text, tuple(by_hand)


def _edit(text: str, statement: Statement, row: Migration) -> tuple[int, int, str]:
    """Return what to put in place of which part of the text: another name, or the old line as a comment."""
    if row.now is not None:
        key = text[statement.begin : statement.key_end]
        return statement.begin, statement.key_end, re.sub(r"[^.]*$", lambda _: str(row.now), key)
    old = text[statement.begin : statement.end].replace("\n", "\n# ")
    return statement.begin, statement.end, f"# {old}"


def _holders(data: dict[str, Any], key: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield each table that has the key, its path and the key's name in it; of arrays of tables all are looked into."""
    *tables, name = key.split(".")
    found: list[tuple[Any, str]] = [(data, "")]
    for table in tables:
        inner = [(one[table], join(path, table)) for one, path in found if isinstance(one, dict) and table in one]
        arrays = [(each, path) for each, path in inner if isinstance(each, list)]
        found = [(each, path) for each, path in inner if isinstance(each, dict)]
        found += [(each, f"{path}[{index}]") for array, path in arrays for index, each in enumerate(array)]
    for one, path in found:
        if isinstance(one, dict) and name in one:
            yield one, path, name
