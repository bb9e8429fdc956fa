"""`ankled check-config`: everything that is wrong with a configuration file, in one go."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ankled.daemon.cli.recordings import existing
from ankled.daemon.config import check, load
from ankled.daemon.errors import ConfigError
from ankled.drivers.registry import registered

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("file", type=existing, metavar="FILE.toml")


def run(arguments: argparse.Namespace) -> int:
    """Check and report."""
    problems = check(arguments.file, drivers=registered().drivers)
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if problems:
        return ConfigError.exit_code
    for told in load(arguments.file).mqtt.warnings():
        sys.stderr.write(f"warning: {arguments.file}: {told}\n")
    sys.stdout.write(f"{arguments.file} is a valid configuration\n")
    return 0
