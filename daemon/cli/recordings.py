"""The options that say what a CSV recording is, for every command that reads one."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.config.rules import mount_rules
from ankled.daemon.csvfile import CsvTable, read_csv
from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.mqtt.topics import slugify
from ankled.daemon.settings import DeviceSettings, Mount, PipelineSettings
from ankled.kernels.rate import estimate_rate, snap_rate

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ankled.daemon.csvfile import AccUnit, GyroUnit

_SIDES = ("left", "right")
_HEAVIEST_KG = 50.0
_MOST_FILES = 2
_STEM = 58
"""So many characters of a file's name leave room for the side in a slug."""
DEVICE_OPTIONS = ("side", "mass_kg", "movement", "mount")
"""Options that alter the settings of a device, whatever kind of recording it comes from."""
CSV_OPTIONS = ("acc_unit", "gyro_unit")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--side", choices=_SIDES, help="leg of a single recording (default: left)")
    parser.add_argument("--mass-kg", type=float, metavar="M", help="mass of the ankle weight (default: 1.0)")
    parser.add_argument("--movement", choices=("auto", "gait", "reps"), help="what to look for (default: auto)")
    parser.add_argument("--acc-unit", choices=("m/s2", "g"), help="unit of ax,ay,az in a CSV (default: m/s2)")
    parser.add_argument("--gyro-unit", choices=("rad/s", "deg/s"), help="unit of gx,gy,gz in a CSV (default: rad/s)")
    parser.add_argument(
        "--mount",
        nargs=2,
        metavar=("LEFT", "UP"),
        help="how the sensor sits on the leg: the wearer's left and up in its frame, each X,Y,Z (default: found)",
    )


def check_mass(mass_kg: float | None) -> None:
    """Raise UsageError for a mass that no ankle weight has."""
    if mass_kg is not None and not 0.0 < mass_kg <= _HEAVIEST_KG:
        message = f"--mass-kg is {mass_kg:g}; it must be above 0 and at most {_HEAVIEST_KG:g} kg"
        raise UsageError(message)


def changes(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the fields of DeviceSettings that the options set."""
    check_mass(arguments.mass_kg)
    found: dict[str, object] = {}
    if arguments.mass_kg is not None:
        found |= {"mass_kg": arguments.mass_kg, "mass_source": "request"}
    if arguments.movement is not None:
        found["movement"] = arguments.movement
    if arguments.side is not None:
        found["side"] = arguments.side
    if arguments.mount is not None:
        left, up = (_vector(text) for text in arguments.mount)
        mount = Mount(left=left, up=up)
        for wrong in mount_rules("--mount", mount):
            message = f"{wrong.key} {wrong.message}"
            raise UsageError(message)
        found["mount"] = mount
    return found


def given(arguments: argparse.Namespace, *names: str) -> str:
    """Return those of the options `names` that the user gave, as one would write them."""
    said = [name for name in names if getattr(arguments, name) is not None]
    return ", ".join(f"--{name.replace('_', '-')}" for name in said)


def read_tables(arguments: argparse.Namespace, files: Sequence[Path]) -> list[CsvTable]:
    """Read the CSV files; what looks odd in them goes to standard error."""
    if len(files) > _MOST_FILES:
        message = f"{len(files)} recordings were given; allowed is one, or two: first the left leg's, then the right's"
        raise UsageError(message)
    resolved = [path.resolve() for path in files]
    if len(set(resolved)) < len(resolved):
        message = f"{files[0]} was given twice; of two recordings the first is the left leg's, the second the right's"
        raise UsageError(message)
    acc_unit: AccUnit = arguments.acc_unit or "m/s2"
    gyro_unit: GyroUnit = arguments.gyro_unit or "rad/s"
    tables = [read_csv(path, acc_unit=acc_unit, gyro_unit=gyro_unit) for path in files]
    for note in (note for table in tables for note in table.notes):
        sys.stderr.write(f"ankled: {note}\n")
    return tables


def csv_settings(
    arguments: argparse.Namespace, tables: Sequence[CsvTable], node: str, athlete: str
) -> PipelineSettings:
    """Return the settings of CSV recordings; the devices are named after the files."""
    files = [Path(table.path) for table in tables]
    two = len(files) == _MOST_FILES
    if two and arguments.side is not None:
        message = "--side is for a single recording; of two files the first is the left leg's, the second the right's"
        raise UsageError(message)
    slugs = [slugify(path.stem) for path in files]
    if two and slugs[0] == slugs[1]:
        slugs = [f"{slug[:_STEM]}-{side}" for slug, side in zip(slugs, _SIDES, strict=True)]
    common = changes(arguments)
    sides = list(_SIDES) if two else [arguments.side or "left"]
    devices = tuple(
        msgspec.structs.replace(
            DeviceSettings(slug=slug, athlete=athlete, rate_hz=_rate_hz(table)), **(common | {"side": side})
        )
        for slug, side, table in zip(slugs, sides, tables, strict=True)
    )
    return PipelineSettings(node=node, session=slugs[0], origin_ns=0, devices=devices)


def _rate_hz(table: CsvTable) -> float:
    """Return the rate of a recording, or say which file tells none."""
    try:
        return snap_rate(estimate_rate(table.time_s))
    except ValueError as error:
        message = f"{table.path}: {error}"
        raise RecordingError(message) from error


def _vector(text: str) -> tuple[float, float, float]:
    """Return three numbers written X,Y,Z."""
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        message = f'--mount has "{text}"; allowed is three numbers such as 0,1,0'
        raise UsageError(message) from None
    if not all(map(math.isfinite, (x, y, z))):
        message = f'--mount has "{text}"; allowed is three finite numbers such as 0,1,0'
        raise UsageError(message)
    return x, y, z


def existing(text: str) -> Path:
    """Return a path given on the command line, expanded."""
    return Path(text).expanduser()
