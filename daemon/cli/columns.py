"""Plain tables: columns as wide as they must be, which reads the same on a terminal and in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BETWEEN = "  "


def columns(rows: Sequence[Sequence[str]], *, right: bool = False) -> str:
    """Return the rows as lines, each column as wide as its longest cell; `right` for columns of numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = zip(row, widths, strict=True)
        lines.append(_BETWEEN.join(cell.rjust(width) if right else cell.ljust(width) for cell, width in cells))
    return "".join(f"{line.rstrip()}\n" for line in lines)
