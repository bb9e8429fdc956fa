"""Where each key of a TOML text stands, by line and column: tomllib tells what is in a text and not where.

Own code: tomlkit keeps comments but gives no positions, and a tree-sitter grammar is a compiled package for what takes
a hundred lines once tomllib has found the text valid.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from bisect import bisect_right
from typing import Final

import msgspec

from ankled.daemon.config.problems import join

_SPACE: Final = re.compile(r"[ \t]*")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_NAME: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
# Up to two quotes more than the three that end it belong to a text of several lines.
_SCALAR: Final = re.compile(
    r'''"""(?:\\.|[^\\])*?""""{0,2}|\'\'\'.*?\'\'\'\'{0,2}|"(?:\\.|[^"\\])*"|'[^']*'|[^,\]}#\r\n]+''', re.DOTALL
)


class Statement(msgspec.Struct, frozen=True):
    """A line `key = value`, or several where the value has more: offsets of the key's begin, its end, and the end."""

    begin: int
    key_end: int
    end: int


class Located(msgspec.Struct, frozen=True):
    """Line and column of every key and array element, and the statements, each by path."""

    places: dict[str, tuple[int, int]]
    statements: dict[str, Statement]


def locate(text: str) -> Located:
    """Return where everything stands in a text that tomllib has read without an error."""
    scanner = _Scanner(text)
    with contextlib.suppress(LookupError):  # the text was not valid: what stands before is located
        scanner.run()
    ends = [found.end() for found in re.finditer("\n", text)]

    def place(offset: int) -> tuple[int, int]:
        line = bisect_right(ends, offset)
        return line + 1, offset - (ends[line - 1] if line else 0) + 1

    return Located({path: place(offset) for path, offset in scanner.offsets.items()}, scanner.statements)


class _Scanner:
    """Goes through a text once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counts: dict[str, int] = {}
        self.offsets: dict[str, int] = {}
        self.statements: dict[str, Statement] = {}

    def run(self) -> None:
        """Locate everything."""
        table = ""
        self._take(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                begin = self._at
                path, key_end = self._pair(table)
                self.statements[path] = Statement(begin, key_end, self._at)
            self._take(_BLANK)

    def _header(self) -> str:
        """Pass `[a.b]` or `[[a.b]]` and return the path that the keys below it have."""
        begin = self._at
        brackets = 2 if self._text.startswith("[[", begin) else 1
        self._at += brackets
        names = self._names()
        self._at += brackets
        path = ""
        for number, name in enumerate(names, start=1):
            path = join(path, name)
            self.offsets.setdefault(path, begin)
            if number == len(names) and brackets > 1:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:  # what follows belongs to its last table
                path = f"{path}[{self._counts[path] - 1}]"
                self.offsets.setdefault(path, begin)
        return path

    def _pair(self, table: str) -> tuple[str, int]:
        """Pass `key = value`; return the path of the key and where the key ends."""
        begin = self._at
        path = table
        for name in self._names():
            path = join(path, name)
            self.offsets.setdefault(path, begin)
        end = self._at
        self._at += 1  # the equals sign
        self._take(_SPACE)
        self._value(path)
        return path, begin + len(self._text[begin:end].rstrip())

    def _names(self) -> list[str]:
        names = []
        while True:
            self._take(_SPACE)
            name = self._take(_NAME)
            names.append(next(iter(tomllib.loads(f"{name} = 0"))) if name[0] in "\"'" else name)
            self._take(_SPACE)
            if self._text[self._at] != ".":
                return names
            self._at += 1

    def _value(self, path: str) -> None:
        opening = self._text[self._at]
        if opening not in "[{":
            scalar = self._take(_SCALAR)
            self._at -= len(scalar) - len(scalar.rstrip(" \t"))
            return
        self._at += 1
        self._take(_BLANK)
        index = 0
        while self._text[self._at] not in "]}":
            if opening == "[":
                self.offsets[f"{path}[{index}]"] = self._at
                self._value(f"{path}[{index}]")
                index += 1
            else:
                self._pair(path)
            self._take(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._take(_BLANK)
        self._at += 1

    def _take(self, pattern: re.Pattern[str]) -> str:
        """Pass what fits the pattern and return it. Raises LookupError."""
        found = pattern.match(self._text, self._at)
        if found is None:
            raise LookupError(self._at)
        self._at = found.end()
        return found[0]
