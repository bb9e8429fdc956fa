"""What the user reads: findings in groups, each with its advice below it; or one JSON object a line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ankled.daemon.doctor.finding import Finding


def as_json(findings: Sequence[Finding]) -> str:
    """Return one object a line."""
    return "".join(f"{msgspec.json.encode(one).decode()}\n" for one in findings)


def as_text(findings: Sequence[Finding]) -> str:
    """Return the lines for people, and their sum."""
    return "".join(f"{line}\n" for line in _lines(findings))


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    group = ""
    for one in findings:
        if one.group != group:
            if group:
                yield ""
            group = one.group
            yield group
        yield f"  {one.verdict:<10} {one.line}: {_printable(one.told)}"
        if one.do:
            yield f"{'':<13}-> {_printable(one.do)}"
    count = Counter(one.verdict for one in findings)
    yield ""
    yield ", ".join(f"{count[verdict]} {verdict}" for verdict in ("ok", "note", "bad", "not tried") if count[verdict])


def _printable(text: str) -> str:
    """Return what a terminal shows and obeys in nothing: a broker's words, or a file's name, may hold anything."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
