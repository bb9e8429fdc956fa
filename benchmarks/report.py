"""Figures, the tables that show them, and the JSON that keeps them."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


PIPED_WIDTH = 110
"""Columns when the output is no terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number beside the figure to reach and what others published for the same thing."""

    key: str
    label: str
    value: float
    unit: str = ""
    digits: int = 2
    at_least: float | None = None
    at_most: float | None = None
    anchor: str = ""
    fine: bool = False
    """Too fine for the table: in the JSON only."""

    def met(self) -> bool | None:
        """Return whether the bar is reached; None without a bar. A value that is no number reaches none."""
        if self.at_least is None and self.at_most is None:
            return None
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return low <= self.value <= high

    def shown(self) -> str:
        """Return the value with its unit."""
        number = "-" if math.isnan(self.value) else f"{self.value:.{self.digits}f}"
        return f"{number} {self.unit}".rstrip()

    def bar(self) -> str:
        """Return the bar in words."""
        parts = [f">= {self.at_least:g}"] if self.at_least is not None else []
        parts += [f"<= {self.at_most:g}"] if self.at_most is not None else []
        return " and ".join(parts)


def within(figures: Iterable[Figure], key: str, label: str) -> list[Figure]:
    """Return how many of the figures with a bar reach it, and how many have one; nothing where none has."""
    verdicts = [met for figure in figures if (met := figure.met()) is not None]
    if not verdicts:
        return []
    return [
        Figure(key=f"{key}met", label=f"{label}: bars reached", value=sum(verdicts), digits=0),
        Figure(key=f"{key}barred", label=f"{label}: bars", value=len(verdicts), digits=0),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table: its figures, how they were counted, and lines that only a curious reader wants."""

    name: str
    title: str
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()
    details: Sequence[str] = field(default=())


def console_for_output() -> Console:
    """Return a console on standard output: the terminal's own width, or a fixed one and no colour when piped."""
    return Console() if sys.stdout.isatty() else Console(width=PIPED_WIDTH, no_color=True, highlight=False)


_MARKS = {True: Text("yes", style="green"), False: Text("NO", style="bold red"), None: Text("")}


def show(section: Section, console: Console, *, verbose: bool) -> None:
    """Print one table, its footnotes and, where asked for, its details."""
    shown = [figure for figure in section.figures if not figure.fine]
    console.print(Text(section.title, style="bold"))
    if shown:
        table = Table(box=SIMPLE_HEAD, expand=False, pad_edge=False)
        table.add_column("measure", overflow="fold", ratio=4)
        table.add_column("ours", justify="right", no_wrap=True)
        barred = any(figure.bar() for figure in shown)
        anchored = any(figure.anchor for figure in shown)
        if barred:
            table.add_column("bar", no_wrap=True)
            table.add_column("met", no_wrap=True)
        if anchored:
            table.add_column("beside", overflow="fold", ratio=3)
        for figure in shown:
            verdict = (figure.bar(), _MARKS[figure.met()]) if barred else ()
            table.add_row(figure.label, figure.shown(), *verdict, *([figure.anchor] if anchored else []))
        console.print(table)
    for note in section.notes:
        console.print(Padding(Text(note, style="dim"), (0, 0, 0, 2)))
    if verbose:
        for line in section.details:
            console.print(Padding(Text(line), (0, 0, 0, 4)))
    console.print()


def values(sections: Iterable[Section]) -> dict[str, float | None]:
    """Return every figure as `section/key` -> value, None where there is no number."""
    return {
        f"{section.name}/{figure.key}": None if math.isnan(figure.value) else figure.value
        for section in sections
        for figure in section.figures
    }


def write_json(path: Path, sections: Sequence[Section], facts: dict[str, str]) -> None:
    """Write `facts` (versions and the like) and all figures as indented JSON."""
    rows = [
        {
            "section": section.name,
            "key": figure.key,
            "label": figure.label,
            "value": None if math.isnan(figure.value) else figure.value,
            "unit": figure.unit,
            "at_least": figure.at_least,
            "at_most": figure.at_most,
            "met": figure.met(),
            "beside": figure.anchor,
        }
        for section in sections
        for figure in section.figures
    ]
    content = {"facts": facts, "figures": rows, "notes": {section.name: list(section.notes) for section in sections}}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
