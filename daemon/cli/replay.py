"""`ankled replay`: the results of a recording, on standard output or to a broker."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.cli import recordings
from ankled.daemon.cli.progress import Bar
from ankled.daemon.cli.show import describe
from ankled.daemon.csvinputs import csv_inputs
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.errors import UsageError
from ankled.daemon.inputs import Config, State
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.pipeline import Core
from ankled.daemon.records import to_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from ankled.daemon.capture.form import Entry
    from ankled.daemon.inputs import Input
    from ankled.daemon.records import Record

ATHLETE = "wearer"
"""Whose legs the sensors of a CSV recording are on."""
_NODE = "replay"
_DRAIN_S = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "files", nargs="+", type=recordings.existing, metavar="FILE", help="FILE.mcap, FILE.csv, or LEFT.csv RIGHT.csv"
    )
    recordings.add_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON record a line")
    parser.add_argument("--speed", choices=("max", "1"), default="max", help="1: as fast as it was recorded")
    parser.add_argument("--broker", metavar="mqtt://HOST:PORT", help="publish the records there as well")
    parser.add_argument("--node", default=_NODE, help=f"node in the topics of --broker (default: {_NODE})")


def run(arguments: argparse.Namespace) -> int:
    """Replay."""
    bar = Bar("replaying")
    core = Core()
    batches = _batches(arguments, Dispatcher(core), bar)
    with bar:
        if arguments.broker is None:
            for records in batches:
                _print(records, as_json=arguments.json)
        else:
            address = BrokerAddress.parse(arguments.broker)
            if address.embedded:
                message = "--broker is embedded; a replay needs a broker that somebody listens to, mqtt://HOST:PORT"
                raise UsageError(message)
            asyncio.run(_publish(arguments, address, batches))
    for slug, device in core.devices.items():
        odd = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in device.counts.items() if count)
        if odd:
            sys.stderr.write(f"ankled: {slug}: {odd}\n")
    return 0


def _print(records: list[Record], *, as_json: bool) -> None:
    """Write records to standard output, at once when somebody may be watching."""
    if not records:
        return
    if as_json:
        sys.stdout.write("".join(f"{to_json(record).decode()}\n" for record in records))
    else:
        sys.stdout.write("".join(f"{describe(record)}\n" for record in records))
    if sys.stdout.isatty():
        sys.stdout.flush()


async def _publish(arguments: argparse.Namespace, address: BrokerAddress, batches: Iterator[list[Record]]) -> None:
    """Publish every record, and print them too where that was asked for."""
    async with Publisher(address, Topics(node=arguments.node), Options.for_replay()) as publisher:
        for records in batches:
            for record in records:
                await publisher.publish(record)
            if arguments.json:
                _print(records, as_json=True)
            await asyncio.sleep(0)
        await publisher.drain(_DRAIN_S)
    if not arguments.json:
        sent = publisher.statistics.acknowledged
        sys.stdout.write(f"{sent} records published at {address.url} below ankled/{arguments.node}\n")


def _batches(arguments: argparse.Namespace, dispatcher: Dispatcher, bar: Bar) -> Iterator[list[Record]]:
    """Yield the records of each input in turn, at the speed that was asked for."""
    suffixes = {path.suffix.lower() for path in arguments.files}
    if suffixes == {".mcap"}:
        if len(arguments.files) > 1:
            message = f"{len(arguments.files)} MCAP files were given; allowed is one, it holds all devices of a session"
            raise UsageError(message)
        yield from _capture(arguments, dispatcher, bar)
    elif suffixes == {".csv"}:
        yield from _tables(arguments, dispatcher, bar)
    else:
        names = ", ".join(path.name for path in arguments.files)
        message = f"cannot tell what to make of {names}; allowed is one .mcap file, one .csv file or two"
        raise UsageError(message)


def _tables(arguments: argparse.Namespace, dispatcher: Dispatcher, bar: Bar) -> Iterator[list[Record]]:
    """Replay CSV recordings."""
    tables = recordings.read_tables(arguments, arguments.files)
    for note in (note for table in tables for note in table.notes):
        sys.stderr.write(f"ankled: {note}\n")
    settings = recordings.csv_settings(arguments, tables, arguments.node, ATHLETE)
    begin_ns = round(min(float(table.time_s[0]) for table in tables) * 1e9)
    end_ns = round(max(float(table.time_s[-1]) for table in tables) * 1e9)
    pace = _Pace(arguments.speed)
    for given in csv_inputs(tables, settings):
        bar(given.host_ns - begin_ns, max(1, end_ns - begin_ns))
        pace.wait(given.host_ns)
        yield dispatcher.feed(given)


def _capture(arguments: argparse.Namespace, dispatcher: Dispatcher, bar: Bar) -> Iterator[list[Record]]:
    """Replay a capture."""
    path: Path = arguments.files[0]
    reader = CaptureReader(path, progress=bar)
    pace = _Pace(arguments.speed)
    for entry in _changed(reader, recordings.changes(arguments), path):
        if not entry.opening:
            pace.wait(entry.item.host_ns)
        yield list(dispatcher.replay([entry]))
    for note in reader.notes:
        sys.stderr.write(f"ankled: {note}\n")


def _changed(reader: CaptureReader, changes: dict[str, object], path: Path) -> Iterator[Entry]:
    """Yield the entries of a capture with the settings of its devices changed as the options say."""
    for entry in reader:
        item: Input = entry.item
        if changes and isinstance(item, State):
            message = f"{path} begins in mid-session, with the state of its devices; replay it without {', '.join(changes)}"
            raise UsageError(message)
        if changes and isinstance(item, Config):
            devices = tuple(msgspec.structs.replace(device, **changes) for device in item.settings.devices)
            settings = msgspec.structs.replace(item.settings, devices=devices)
            yield entry._replace(item=msgspec.structs.replace(item, settings=settings))
        else:
            yield entry


class _Pace:
    """Waits until a recorded moment has come, counted from the first one."""

    def __init__(self, speed: str) -> None:
        """Take the speed: `1` or `max`."""
        self._real = speed == "1"
        self._offset_ns: int | None = None

    def wait(self, host_ns: int) -> None:
        """Wait for the moment `host_ns` of the recording."""
        if not self._real:
            return
        now_ns = time.monotonic_ns()
        if self._offset_ns is None:
            self._offset_ns = now_ns - host_ns
        ahead_ns = host_ns + self._offset_ns - now_ns
        if ahead_ns > 0:
            sys.stdout.flush()
            time.sleep(ahead_ns / 1e9)
