"""`ankled service`: put the daemon on this machine as a service of systemd, take it away, look at it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankled.daemon.config import Config, load
from ankled.daemon.errors import AnkledError
from ankled.daemon.service import status
from ankled.daemon.service.files import CONFIG, KEPT
from ankled.daemon.service.install import install, uninstall
from ankled.drivers.registry import registered

if TYPE_CHECKING:
    import argparse

_CONFIG: Final = Path("/") / CONFIG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to do."""
    parts = parser.add_subparsers(dest="part", metavar="install|uninstall|status", required=True)
    putting = parts.add_parser(
        "install", help="write unit, user and first configuration; enable and start it (as root)"
    )
    putting.add_argument("--no-start", action="store_true", help="neither enable nor start it")
    taking = parts.add_parser("uninstall", help="stop it and remove what install wrote (as root)")
    taking.add_argument(
        "--purge", action="store_true", help="remove /etc/ankled and /var/lib/ankled too, with all recordings"
    )
    for part in (putting, taking):
        part.add_argument(
            "--root", type=Path, default=Path("/"), metavar="DIR", help="the files of another system, such as an image"
        )
    looking = parts.add_parser("status", help="whether it runs, what it says of itself, the last results")
    looking.add_argument(
        "--config", type=Path, default=_CONFIG, metavar="FILE.toml", help=f"its configuration (default: {_CONFIG})"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it. The code of `status` is 0 while the service runs, else 1."""
    if arguments.part == "install":
        install(_say, arguments.root.resolve(), start=not arguments.no_start)
        return 0
    if arguments.part == "uninstall":
        uninstall(_say, arguments.root.resolve(), purge=arguments.purge)
        return 0
    seen = status.look(_state(arguments.config))
    for line in seen.lines:
        _say(line)
    return 0 if seen.runs else AnkledError.exit_code


def _state(path: Path) -> Path | None:
    """Return the folder where the results are, by the configuration; it is relative to the service's own folder."""
    own = Path("/") / KEPT[1]
    try:
        folder = _kept(path)
    except (AnkledError, OSError) as error:
        _say(str(error) if isinstance(error, AnkledError) else f"{path} cannot be read: {error.strerror or error}")
        folder = Config().state.folder
    return None if folder is None else own / folder


def _kept(path: Path) -> str | None:
    """Return the folder of the state as the file has it. Raises ConfigError and OSError."""
    state = load(path, drivers=registered().drivers).state
    return state.folder if state.enabled else None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
