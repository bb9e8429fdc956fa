"""`ankled simulate`: a simulated recording of one leg or two, and the truth about it; or sensors on a radio."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ankled.daemon.cli import air
from ankled.daemon.cli.recordings import check_mass, existing, given
from ankled.daemon.errors import AnkledError, UsageError
from ankled.simulators.files import truth_json, write_csv
from ankled.simulators.scenarios import SCENARIOS, ScenarioError
from ankled.simulators.simulation import simulate

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.simulators.simulation import LegRecording

_BOTH = 2
_OPTIONS = ("truth", "side", "rate_hz", "duration_s", "mass_kg")
"""What is of use with --csv only."""


class _List(argparse.Action):
    """Prints the scenarios and leaves."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Do so."""
        width = max(map(len, SCENARIOS)) + 2
        sys.stdout.write("".join(f"{name:<{width}}{given.description}\n" for name, given in SCENARIOS.items()))
        parser.exit()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--list", action=_List, nargs=0, help="list the scenarios")
    parser.add_argument("--scenario", required=True, metavar="NAME", help="what happens; see --list")
    parser.add_argument(
        "--csv",
        nargs="+",
        type=existing,
        metavar="OUT",
        help="OUT.csv of one leg, or LEFT.csv RIGHT.csv of both",
    )
    parser.add_argument("--truth", type=existing, metavar="OUT.json", help="write what really happened")
    parser.add_argument("--side", choices=("left", "right"), help="the leg of a single CSV (default: left)")
    parser.add_argument("--rate-hz", type=float, metavar="HZ", help="sample rate (default: the scenario's)")
    parser.add_argument("--duration-s", type=float, metavar="S", help="cut or continue the scenario")
    parser.add_argument("--mass-kg", type=float, metavar="M", help="mass of the ankle weight")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    parser.add_argument("--imu", choices=("consumer", "ideal"), default="consumer", help="errors of the sensor")
    air.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the recordings, or serve the radio."""
    if (arguments.radio is None) == (arguments.csv is None):
        message = "either --csv or --radio is needed: where the simulated sensors go"
        raise UsageError(message)
    with_radio = arguments.radio is not None
    if strange := given(arguments, *(_OPTIONS if with_radio else air.OPTIONS)):
        message = f"{strange} goes with {'--csv' if with_radio else '--radio'} only"
        raise UsageError(message)
    return air.run(arguments) if with_radio else _write(arguments)


def _write(arguments: argparse.Namespace) -> int:
    """Simulate and write."""
    files: list[Path] = arguments.csv
    if len(files) > _BOTH:
        message = f"--csv has {len(files)} files; allowed is one, or two: first the left leg's, then the right's"
        raise UsageError(message)
    if len(files) == _BOTH and arguments.side is not None:
        message = "--side is for a single CSV; of two the first is the left leg's, the second the right's"
        raise UsageError(message)
    outputs = [path.resolve() for path in (*files, arguments.truth) if path is not None]
    if len(set(outputs)) < len(outputs):
        message = "two of the files to write are the same; --csv and --truth need names of their own"
        raise UsageError(message)
    check_mass(arguments.mass_kg)
    try:
        made = simulate(
            arguments.scenario,
            rate_hz=arguments.rate_hz,
            seed=arguments.seed,
            imu=arguments.imu,
            mass_kg=arguments.mass_kg,
            duration_s=arguments.duration_s,
            with_truth=arguments.truth is not None,
        )
    except ScenarioError as error:
        raise UsageError(str(error)) from error
    legs: list[LegRecording] = (
        [made.legs["left"], made.legs["right"]] if len(files) == _BOTH else [made.legs[arguments.side or "left"]]
    )
    try:
        for path, leg in zip(files, legs, strict=True):
            write_csv(path, leg)
        if (path := arguments.truth) is not None:
            path.write_bytes(truth_json(made))
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise AnkledError(message) from error
    return 0
