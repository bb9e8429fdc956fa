"""`ankled demo`: a minute of simulated training through radio, drivers, pipeline and broker, as it happens."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import shutil
import sys
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from ankled.daemon.cli.recordings import existing
from ankled.daemon.cli.waiting import waiting
from ankled.daemon.cli.warm import compile_all, notice
from ankled.daemon.demo import pace, session, summary
from ankled.daemon.demo.board import NARROWEST, Board
from ankled.daemon.demo.plain import Lines
from ankled.daemon.demo.tally import Tally
from ankled.daemon.demo.training import Training
from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.credentials import credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOLDER: Final = Path("captures")
_SUFFIX: Final = ".mcap"
_INTERRUPTED: Final = 130
_SEED: Final = 3
SLOWEST: Final = 0.25
"""Slower than this a broker would take the silence between two messages for the end of the connection."""
FASTEST: Final = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--broker",
        default="embedded",
        metavar="mqtt://HOST:PORT",
        help="publish there; embedded[:PORT] runs one on this machine (default: embedded)",
    )
    recording = parser.add_mutually_exclusive_group()
    recording.add_argument(
        "--capture", type=existing, metavar="FILE.mcap", help=f"record to this new file (default: one in {_FOLDER}/)"
    )
    recording.add_argument("--no-capture", action="store_true", help="record nothing")
    parser.add_argument("--seed", type=int, default=_SEED, metavar="N", help=f"another wearer (default: {_SEED})")
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="X",
        help=f"times real time, {SLOWEST:g} to {FASTEST:g}, or max (default: 1)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration."""
    address = BrokerAddress.parse(arguments.broker)
    if not address.embedded:
        address = address.known_as(credentials())
    name = f"demo-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    capture = None if arguments.no_capture else _capture(arguments.capture, name)
    with waiting(notice(), "starting"):
        training = Training(seed=arguments.seed)
        compile_all()
    plan = session.Plan(session=name, address=address, capture=capture)
    console = Console(highlight=False)
    screen: session.Screen
    if console.is_terminal and not console.is_dumb_terminal and console.width >= NARROWEST:
        tally = Tally(name)
        screen = Board(console, tally, training.duration_s)
    else:
        screen = lines = Lines(sys.stdout)
        tally = Tally(name, lines.heard)
    try:
        with asyncio.Runner(loop_factory=pace.factory(arguments.speed)) as runner:
            outcome = runner.run(session.run(plan, training, tally, screen))
    except asyncio.CancelledError:  # a second Ctrl-C: in haste
        return _INTERRUPTED
    summary.show(console, tally, outcome)
    if capture is not None:
        replay = shlex.join([program(sys.argv), "replay", str(capture)])
        console.print(f"Recorded to {capture}. The same results again:", soft_wrap=True, markup=False)
        console.print(f"\n    {replay}\n", soft_wrap=True, markup=False)
    return _INTERRUPTED if outcome.interrupted else 0


def program(argv: Sequence[str]) -> str:
    """Return how this command was started, as short as it can be typed again in the same place."""
    started = Path(argv[0])
    if started.name != "ankled":
        return "ankled"
    found = shutil.which("ankled")
    return "ankled" if found is not None and Path(found).absolute() == started.absolute() else argv[0]


def _capture(asked: Path | None, name: str) -> Path:
    """Return the file to record to, which does not exist yet, in a folder that does."""
    if asked is not None and asked.suffix.lower() != _SUFFIX:
        message = f"--capture is {asked}; allowed is a file name that ends in {_SUFFIX}"
        raise UsageError(message)
    if asked is not None and asked.exists():
        message = f"{asked} exists already and is left as it is; --capture names a new file"
        raise RecordingError(message)
    folder = _FOLDER if asked is None else asked.parent
    try:
        folder.mkdir(parents=asked is None, exist_ok=True)
    except OSError as error:
        message = f"the folder {folder} cannot be made: {error.strerror}; --capture FILE.mcap records elsewhere"
        raise RecordingError(message) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        message = f"the folder {folder} cannot be written to; --capture FILE.mcap records elsewhere"
        raise RecordingError(message)
    if asked is not None:
        return asked
    names = (folder / f"{name}{'' if number == 1 else f'-{number}'}{_SUFFIX}" for number in count(1))
    return next(path for path in names if not path.exists())


def _speed(text: str) -> float:
    """Return a speed given on the command line."""
    try:
        speed = FASTEST if text == "max" else float(text)
    except ValueError:
        speed = 0.0
    if not SLOWEST <= speed <= FASTEST:
        message = f'"{text}" is no speed; allowed is a number from {SLOWEST:g} to {FASTEST:g}, or max'
        raise argparse.ArgumentTypeError(message)
    return speed
