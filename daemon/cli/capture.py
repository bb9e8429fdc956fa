"""`ankled capture info | verify | repair | import | export`: recordings as files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.capture.csv_in import import_csv
from ankled.daemon.capture.export import export_csv, export_parquet
from ankled.daemon.capture.foxglove import export_foxglove
from ankled.daemon.capture.repair import repair
from ankled.daemon.capture.report import describe, examine
from ankled.daemon.cli import recordings
from ankled.daemon.cli.progress import Bar
from ankled.daemon.cli.replay import ATHLETE
from ankled.daemon.decoded import Decoder
from ankled.daemon.errors import RecordingError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

_NODE = "replay"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="info|verify|repair|import|export")
    for name, text in (("info", "what is in a capture"), ("verify", "check every byte; exit code 4 if not whole")):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("file", type=recordings.existing, metavar="FILE.mcap")
        command.add_argument("--json", action="store_true", help="as one JSON object")
    command = commands.add_parser("repair", help="write what can be read of a capture as a whole one")
    command.add_argument("file", type=recordings.existing, metavar="FILE.mcap")
    command.add_argument("--out", type=recordings.existing, metavar="OUT.mcap", help="default: FILE.repaired.mcap")
    command.add_argument("--in-place", action="store_true", help="put it where FILE was")
    command.add_argument("--overwrite", action="store_true", help="replace what is there")
    command = commands.add_parser("import", help="make a capture of CSV recordings")
    command.add_argument("files", nargs="+", type=recordings.existing, metavar="FILE.csv")
    command.add_argument("--out", type=recordings.existing, required=True, metavar="OUT.mcap")
    command.add_argument("--overwrite", action="store_true", help="replace what is there")
    recordings.add_options(command)
    command = commands.add_parser("export", help="write the samples of a capture for other tools")
    command.add_argument("file", type=recordings.existing, metavar="FILE.mcap")
    command.add_argument("--format", choices=("csv", "parquet", "foxglove"), default="csv", help="default: csv")
    command.add_argument("--out", type=recordings.existing, metavar="FOLDER", help="default: the capture's folder")
    command.add_argument("--overwrite", action="store_true", help="replace what is there")


def run(arguments: argparse.Namespace) -> int:
    """Run the sub-command."""
    actions = {"info": _examine, "verify": _examine, "repair": _repair, "import": _import, "export": _export}
    return actions[arguments.action](arguments)


def _examine(arguments: argparse.Namespace) -> int:
    """Report on a capture; `verify` fails when it is not whole."""
    with Bar("reading") as bar:
        report = examine(arguments.file, progress=bar)
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        sys.stdout.write(describe(report) + "\n")
    return 0 if report.whole or arguments.action == "info" else RecordingError.exit_code


def _repair(arguments: argparse.Namespace) -> int:
    """Repair a capture."""
    with Bar("repairing") as bar:
        done = repair(
            arguments.file, arguments.out, overwrite=arguments.overwrite, in_place=arguments.in_place, progress=bar
        )
    for note in done.notes:
        sys.stderr.write(f"ankled: {note}\n")
    lost = f", {done.missing} are missing" if done.missing else ""
    sys.stdout.write(f"{done.target}: {done.inputs} inputs kept{lost}\n")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    """Make a capture of CSV recordings."""
    tables = recordings.read_tables(arguments, arguments.files)
    settings = recordings.csv_settings(arguments, tables, _NODE, ATHLETE)
    count = import_csv(tables, settings, arguments.out, overwrite=arguments.overwrite)
    sys.stdout.write(f"{arguments.out}: {count} inputs\n")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    """Write the samples of a capture for other tools."""
    folder: Path = arguments.out or arguments.file.parent
    if not folder.is_dir():
        message = f"{folder} is not a folder; --out names an existing one"
        raise RecordingError(message)
    with Bar("exporting") as bar:
        if arguments.format == "foxglove":
            target = folder / f"{arguments.file.stem}.foxglove.mcap"
            export_foxglove(arguments.file, target, Decoder(), overwrite=arguments.overwrite, progress=bar)
            written = [target]
        else:
            export = export_csv if arguments.format == "csv" else export_parquet
            written = export(arguments.file, folder, Decoder(), overwrite=arguments.overwrite, progress=bar)
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0
