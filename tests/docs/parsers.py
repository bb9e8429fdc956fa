"""The options of every command, as the real parsers have them."""

from __future__ import annotations

import argparse
from functools import cache

from ankled.daemon.cli.main import COMMANDS, parser_of


@cache
def parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command, and of those below one, such as `capture info`."""
    found: dict[str, argparse.ArgumentParser] = {}

    def add(name: str, parser: argparse.ArgumentParser) -> None:
        found[name] = parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for below, one in action.choices.items():
                    add(f"{name} {below}", one)

    for name in COMMANDS:
        add(name, parser_of(name))
    return found


def options(name: str) -> set[str]:
    """Return the long options of a command and of those below it."""
    return {
        option
        for other, parser in parsers().items()
        if other == name or other.startswith(f"{name} ")
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--")
    }


def every_option() -> set[str]:
    """Return the long options of all commands, and of `ankled` itself."""
    return set().union(*map(options, COMMANDS)) | {"--version"}
