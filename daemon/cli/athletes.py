"""`ankled athletes`: whose pseudonyms are whose, of the athletes that a configuration names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ankled.daemon.cli.recordings import existing
from ankled.daemon.config import load
from ankled.daemon.errors import UsageError
from ankled.daemon.live import athletes

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--config", type=existing, metavar="FILE.toml", required=True, help="that of the daemon")
    parser.add_argument("athlete", nargs="*", metavar="ATHLETE", help="others, whom requests name")


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each: the pseudonym, then the name."""
    config = load(arguments.config)
    if not config.athletes.pseudonyms:
        message = "athletes.pseudonyms is false: athletes go by the names of the configuration"
        raise UsageError(message)
    path = Path(config.state.folder) / athletes.NAME
    if not config.state.enabled or not path.exists():
        message = f"there are no pseudonyms yet: the daemon makes their key, {path}, when it first meets an athlete"
        raise UsageError(message)
    names = {device.athlete for device in config.devices if device.athlete is not None} | set(arguments.athlete)
    for name in sorted(names):
        sys.stdout.write(f"{athletes.known_as(name, path)[-1]}  {name}\n")
    return 0
