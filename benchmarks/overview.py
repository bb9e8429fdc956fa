"""The report in one table: what a reader wants to know first, out of the figures of all suites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from benchmarks.report import Section


@dataclass(frozen=True, slots=True)
class Row:
    """One line: `ours` names figures as {suite/key:format}; `judge` those whose bars decide whether it is met.

    `of` is the name of a suite, whose title is then shown, or a text.
    """

    of: str
    what: str
    ours: str
    bar: str = ""
    judge: tuple[str, ...] = ()
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its numbers."""

    of: str
    what: str
    ours: str
    bar: str
    met: bool | None
    beside: str


def lines(rows: Iterable[Row], sections: Sequence[Section]) -> list[Line]:
    """Return the rows whose figures were measured."""
    figures = {f"{section.name}/{figure.key}": figure for section in sections for figure in section.figures}
    values = {name: figure.value for name, figure in figures.items()}
    titles = {section.name: section.title for section in sections}
    made: list[Line] = []
    for row in rows:
        try:
            ours = row.ours.format_map(values)
        except KeyError:
            continue
        verdicts = [figures[name].met() for name in row.judge]
        met = None if not verdicts or None in verdicts else all(verdicts)
        made.append(Line(titles.get(row.of, row.of), row.what, ours.replace("nan", "-"), row.bar, met, row.beside))
    return made


_MARKS = {True: "yes", False: "NO", None: ""}
_STYLES = {True: "green", False: "bold red", None: ""}


def show(made: Sequence[Line], console: Console) -> None:
    """Print the table."""
    table = Table(box=SIMPLE_HEAD, expand=False, pad_edge=False)
    for name, ratio in (("recordings", 4), ("figure", 5), ("ours", 4), ("to reach", 2), ("met", None), ("beside", 5)):
        table.add_column(name, overflow="fold", ratio=ratio, no_wrap=ratio is None)
    before = ""
    for line in made:
        mark = Text(_MARKS[line.met], style=_STYLES[line.met])
        table.add_row("" if line.of == before else line.of, line.what, line.ours, line.bar, mark, line.beside)
        before = line.of
    console.print(Text("At a glance", style="bold"))
    console.print(table)


def markdown(made: Sequence[Line]) -> str:
    """Return the table as Markdown."""
    text = ["| recordings | figure | ours | to reach | met | others, for scale |", "|---|---|---|---|---|---|"]
    before = ""
    for line in made:
        cells = ("" if line.of == before else line.of, line.what, line.ours, line.bar, _MARKS[line.met], line.beside)
        text.append(f"| {' | '.join(cells)} |".replace("  ", " "))
        before = line.of
    return "\n".join(text)
