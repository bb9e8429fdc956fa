"""One error of a configuration file, and how found values and lists of alternatives are written in it."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.mqtt.broker_url import without_password

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 60
_WIDEST_BITS = 256


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong at one key: `key` is a path such as `devices[1].side`, empty for the file as a whole."""

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        """Return the sentence a user reads."""
        return f"{self.file}: {self.key} {self.message}" if self.key else f"{self.file} {self.message}"


def show(value: object) -> str:
    """Return a value as it stands in the file, shortened; of tables and arrays only the kind."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"an array of {len(value)}" if value else "an empty array"
    if isinstance(value, int) and value.bit_length() > _WIDEST_BITS:
        return f"a whole number of {value.bit_length()} bits"
    if isinstance(value, str) and ("://" in value or ("@" in value and ":" in value)):
        value = without_password(value)  # it looks like the URL of a broker
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def one_of(values: Iterable[object]) -> str:
    """Return `"a", "b" or "c"`."""
    shown = [show(value) for value in values]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def guess(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` where one of the known words is near, else the list of them."""
    names = list(known)
    near = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; known here are {', '.join(names)}"


def join(path: str, key: str) -> str:
    """Return the path of a key in the table at `path`; keys that TOML would quote are quoted."""
    name = key if key and all(c.isalnum() or c in "_-" for c in key) else json.dumps(key, ensure_ascii=False)
    return f"{path}.{name}" if path else name
