"""`docs/commands.md`, made from the parsers, so that it has every option there is. `make commands` writes it."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankled.daemon.cli.main import COMMANDS, EXIT_CODES, parser_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION: Final = """\
# Commands

<!-- Made by `make commands` from the parsers of the commands. -->

`ankled COMMAND --help` says the same. Every command takes `--log-level` (`debug`, `info`, `warning` or `error`; without
it `warning`, of `ankled run` what the configuration says) and `--help`; `ankled --version` tells the version. Results
go to standard output, logs and errors to standard error. [environment.md](environment.md) has the variables that are
read, [configuration.md](configuration.md) the keys of the configuration, [doctor.md](doctor.md) what `ankled doctor`
looks at.
"""
_EVERYWHERE: Final = ("--help", "--log-level")


def document() -> str:
    """Return the whole document."""
    parts = [_INTRODUCTION, f"{_codes()}\n"]
    parts += [text for name, what in COMMANDS.items() for text in _command(f"ankled {name}", what, parser_of(name))]
    return "\n".join(parts)


def _codes() -> str:
    """Return the table of exit codes."""
    pairs = re.findall(r"(\d+) ([^;]+)", " ".join(EXIT_CODES.split()))
    return "\n".join(["| exit code | |", "|---|---|", *(f"| {code} | {what} |" for code, what in pairs)])


def _command(title: str, what: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the section of a command, then those of the commands below it."""
    yield f"## `{title}`\n"
    yield f"{what[0].upper()}{what[1:]}.\n"
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001  (argparse shows its actions nowhere else)
    rows = [_row(action) for action in parser._actions if action not in below]  # noqa: SLF001  (see above)
    if rows := [row for row in rows if row]:
        yield "\n".join(["| | |", "|---|---|", *rows]) + "\n"
    for action in below:
        helps = {choice.dest: choice.help for choice in action._choices_actions}  # noqa: SLF001  (see above)
        for name, parser_below in action.choices.items():
            yield from _command(f"{title} {name}", helps.get(name) or name, parser_below)


def _row(action: argparse.Action) -> str:
    """Return the row of an argument; what every command has stands above all of them."""
    names = action.option_strings
    if set(names) & set(_EVERYWHERE):
        return ""
    metavars = (action.metavar,) if isinstance(action.metavar, str) else action.metavar or ()
    values = " ".join(metavars) or "|".join(map(str, action.choices or ()))
    if not values and names and action.nargs != 0:
        values = action.dest.upper()
    form = " ".join(filter(None, [", ".join(names), values])) or action.dest
    if action.nargs in {"+", "*"}:
        form += " ..."
    told = action.help or ""
    if action.required and names:
        told = f"{told} (required)".strip()
    form, told = (text.replace("|", "\\|") for text in (form, told))
    return f"| `{form}` | {told} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
