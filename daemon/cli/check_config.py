"""`ankled check-config`: everything that is wrong with a configuration, in one go, and where its values come from."""

from __future__ import annotations

import os
import sys
import tomllib
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.cli.recordings import existing
from ankled.daemon.config import Problem, examine
from ankled.daemon.config.layers import default_file, text_of
from ankled.daemon.config.leaves import values
from ankled.daemon.config.migrations import rewritten
from ankled.daemon.config.problems import show
from ankled.daemon.errors import ConfigError, UsageError
from ankled.drivers.registry import registered

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from ankled.daemon.config import Examined


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A problem or a warning as a line of JSON."""

    severity: str
    file: str
    line: int | None
    column: int | None
    key: str
    message: str
    found: str | None
    allowed: str | None
    nearest: str | None


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A key's value, and the file or variable that sets it, null for a default, as a line of JSON."""

    key: str
    value: object
    file: str | None
    line: int | None
    column: int | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "file",
        type=existing,
        nargs="?",
        metavar="FILE.toml",
        help="with its drop-ins, FILE.toml.d/*.toml (default: $ANKLED_CONFIG, else /etc/ankled/ankled.toml)",
    )
    parser.add_argument("--json", action="store_true", help="print each problem, warning and value as a line of JSON")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--show", action="store_true", help="print every value, and where it comes from; no password")
    ways.add_argument("--migrate", action="store_true", help="print the file with what is old in it written anew")


def run(arguments: argparse.Namespace) -> int:
    """Check and report."""
    file = arguments.file or default_file(os.environ)
    if arguments.migrate:
        return _migrate(file)
    found = examine(file, drivers=registered().drivers)
    for told in found.problems:
        _tell("error", told, json=arguments.json)
    for told in (*found.warnings, *_exposed(found, file)):
        _tell("warning", told, json=arguments.json)
    if found.config is None:
        return ConfigError.exit_code
    if arguments.show:
        for value in _values(found):
            sys.stdout.write(f"{msgspec.json.encode(value).decode() if arguments.json else _shown(value)}\n")
    elif not arguments.json:
        named = "no file: the defaults and the environment make" if file is None else f"{file} is"
        sys.stdout.write(f"{named} a valid configuration\n")
    return 0


def _tell(severity: str, told: Problem, *, json: bool) -> None:
    if json:
        line = Line(severity=severity, **msgspec.structs.asdict(told))
        sys.stdout.write(f"{msgspec.json.encode(line).decode()}\n")
    elif severity == "error":
        sys.stderr.write(f"{told}\n")
    else:
        sys.stderr.write(f"{severity}: {told if told.key else f'{told.file}: {told.message}'}\n")


def _exposed(found: Examined, file: Path | None) -> Iterator[Problem]:
    """Yield a warning for each secret that is kept or sent where others may read it."""
    for told in () if found.config is None else found.config.mqtt.warnings():
        key, _, text = told.partition(" ")
        place = found.places.get(key)
        if place is None:
            yield Problem(file=str(file or "the configuration"), key="", message=told)
        else:
            yield Problem(file=place.file, line=place.line, column=place.column, key=key, message=text)


def _values(found: Examined) -> Iterator[Value]:
    if found.config is None:
        return
    for key, value in values(found.config):
        place = found.places.get(key)
        yield Value(
            key=key,
            value=value,
            file=None if place is None else place.file,
            line=None if place is None else place.line,
            column=None if place is None else place.column,
        )


def _shown(value: Value) -> str:
    text = "not set" if value.value is None else _text(value.value)
    place = value.file if value.line is None else f"{value.file}:{value.line}"
    return f"{value.key} = {text}  # {place or 'default'}"


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    return msgspec.json.encode(value).decode() if isinstance(value, str) else show(value)


def _migrate(file: Path | None) -> int:
    """Print the text of a file in today's form."""
    if file is None:
        message = "there is no configuration file to migrate; name one"
        raise UsageError(message)
    text = text_of(file)
    if isinstance(text, Problem):
        raise ConfigError(str(text))
    try:
        new, by_hand = rewritten(text)
    except (ValueError, RecursionError) as error:
        message = f"{file} is not TOML: {error}"
        raise ConfigError(message) from (error if isinstance(error, tomllib.TOMLDecodeError) else None)
    sys.stdout.write(new)
    for key in by_hand:
        sys.stderr.write(f"warning: {file}: {key} is to be changed by hand; ankled check-config says how\n")
    return 0
