"""One error of a configuration file, and how found values and lists of alternatives are written in it."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ankled.daemon.mqtt.broker_url import without_password

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 60
_LARGEST = 10**40


class Found(NamedTuple):
    """Something wrong at a key: the sentence without its key, and parts of it on their own, where they can be told."""

    key: str
    message: str
    value: str = ""
    allowed: str = ""
    nearest: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where something is set: a file, or a variable of the environment, which has no lines."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Return it as compilers write it, so that editors find it."""
        return self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong at one key: `key` is a path such as `devices[1].side`, empty for the file as a whole.

    `file` is the variable's name where the value comes from the environment. `found`, `allowed` and `nearest` (a known
    name that a wrong one is near to) repeat what the message says, for programs; null where there is none.
    """

    file: str
    line: int | None = None
    column: int | None = None
    key: str
    message: str
    found: str | None = None
    allowed: str | None = None
    nearest: str | None = None

    def __str__(self) -> str:
        """Return the sentence a user reads."""
        if not self.key:
            return f"{self.file} {self.message}"
        return f"{Place(self.file, self.line, self.column)}: {self.key} {self.message}"


def show(value: object) -> str:
    """Return a value as it stands in the file, shortened; of tables and arrays only the kind."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"an array of {len(value)}" if value else "an empty array"
    if isinstance(value, str) and ("://" in value or ("@" in value and ":" in value)):
        value = without_password(value)  # it looks like the URL of a broker
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "a number of more than 40 digits"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def one_of(values: Iterable[object]) -> str:
    """Return `"a", "b" or "c"`."""
    shown = [show(value) for value in values]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is near, or nothing."""
    return next(iter(get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)), "")


def guess(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` where one of the known words is near, else the list of them."""
    names = list(known)
    near = nearest(word, names)
    return f"; did you mean {near}?" if near else f"; known here are {', '.join(names)}"


def join(path: str, key: str) -> str:
    """Return the path of a key in the table at `path`; keys that TOML would quote are quoted."""
    name = key if key and all(c.isalnum() or c in "_-" for c in key) else json.dumps(key, ensure_ascii=False)
    return f"{path}.{name}" if path else name
