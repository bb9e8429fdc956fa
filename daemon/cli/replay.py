"""`ankled replay`: the results of a recording, on standard output or to a broker."""

from __future__ import annotations

import asyncio
import sys
import time
from itertools import chain, islice
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.capture.form import Entry
from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.cli import recordings
from ankled.daemon.cli.progress import Bar
from ankled.daemon.cli.show import describe
from ankled.daemon.cli.warm import warm
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.inputs import Config, State
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.credentials import credentials
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.pipeline import Core
from ankled.daemon.recorded import csv_inputs
from ankled.daemon.records import Rep, to_json
from ankled.daemon.standing import Standing

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

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
    parser.add_argument(
        "--broker", metavar="mqtt://HOST:PORT", help="publish the records there (--json: print them too)"
    )
    parser.add_argument("--node", default=_NODE, help=f"node in the topics of --broker (default: {_NODE})")


def run(arguments: argparse.Namespace) -> int:
    """Replay."""
    bar = Bar("replaying")
    core = Core()
    topics = Topics(node=arguments.node)
    address = None if arguments.broker is None else _address(arguments.broker)
    entries = _begun(_entries(arguments, bar))
    # Compiled, if need be, before anybody waits for us: a broker would give us up.
    warm()
    with bar:
        if address is None:
            found = _replay(arguments, Dispatcher(core), entries)
        else:
            found = asyncio.run(_publish(arguments, Dispatcher(core), entries, address, topics))
    if not found:
        sys.stderr.write("ankled: no stride and no repetition was found in this recording\n")
    for slug, device in core.devices.items():
        odd = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in device.counts.items() if count)
        if odd:
            sys.stderr.write(f"ankled: {slug}: {odd}\n")
    return 0


def _address(text: str) -> BrokerAddress:
    """Return the address of a broker that somebody listens to."""
    address = BrokerAddress.parse(text)
    if address.embedded:
        message = "--broker is embedded; a replay needs a broker that somebody listens to, mqtt://HOST:PORT"
        raise UsageError(message)
    return address.known_as(credentials())


def _replay(arguments: argparse.Namespace, dispatcher: Dispatcher, entries: Iterator[Entry]) -> int:
    """Print every record; return how many strides, repetitions and spells of standing there were."""
    pace = _Pace(arguments.speed)
    found = 0
    for entry in entries:
        if (wait_s := pace.ahead_s(entry)) > 0.0:
            sys.stdout.flush()
            time.sleep(wait_s)
        records = list(dispatcher.replay([entry]))
        _print(records, as_json=arguments.json)
        found += _found(records)
    return found


async def _publish(
    arguments: argparse.Namespace,
    dispatcher: Dispatcher,
    entries: Iterator[Entry],
    address: BrokerAddress,
    topics: Topics,
) -> int:
    """Publish every record, and print them too where that was asked for; return how many results there were."""
    pace = _Pace(arguments.speed)
    found = 0
    async with Publisher(address, topics, Options.for_replay()) as publisher:
        for entry in entries:
            await asyncio.sleep(max(0.0, pace.ahead_s(entry)))
            records = list(dispatcher.replay([entry]))
            found += _found(records)
            for record in records:
                await publisher.publish(record)
            if arguments.json:
                _print(records, as_json=True)
        await publisher.drain(_DRAIN_S)
    if not arguments.json:
        sent = publisher.statistics.acknowledged
        sys.stdout.write(f"{sent} records published at {address.url} below {topics.root}\n")
    return found


def _found(records: list[Record]) -> int:
    """Count the records of strides, repetitions and standing."""
    return sum(isinstance(record, Rep | Standing) for record in records)


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


def _begun(entries: Iterator[Entry]) -> Iterator[Entry]:
    """Return the same entries with the first one read: what is wrong with a file is told before anything else."""
    return chain(list(islice(entries, 1)), entries)


def _entries(arguments: argparse.Namespace, bar: Bar) -> Iterator[Entry]:
    """Yield the inputs of the recordings."""
    suffixes = {path.suffix.lower() for path in arguments.files}
    if suffixes == {".mcap"}:
        if len(arguments.files) > 1:
            message = f"{len(arguments.files)} MCAP files were given; allowed is one, it holds all devices of a session"
            raise UsageError(message)
        yield from _capture(arguments, bar)
    elif suffixes == {".csv"}:
        yield from _tables(arguments, bar)
    else:
        names = ", ".join(map(str, arguments.files))
        message = f"cannot tell what to make of {names}; allowed is one .mcap file, one .csv file or two"
        raise UsageError(message)


def _tables(arguments: argparse.Namespace, bar: Bar) -> Iterator[Entry]:
    """Yield the inputs that CSV recordings stand for."""
    tables = recordings.read_tables(arguments, arguments.files)
    settings = recordings.csv_settings(arguments, tables, arguments.node, ATHLETE)
    begin_s = min(float(table.time_s[0]) for table in tables)
    end_s = max(float(table.time_s[-1]) for table in tables)
    for number, item in enumerate(csv_inputs(tables, settings)):
        bar(item.host_ns / 1e9 - begin_s, end_s - begin_s)
        yield Entry(number, item, opening=False)


def _capture(arguments: argparse.Namespace, bar: Bar) -> Iterator[Entry]:
    """Yield the inputs of a capture, their settings changed as the options say."""
    if said := recordings.given(arguments, *recordings.CSV_OPTIONS):
        message = f"{said} was given; allowed for CSV only, a capture knows its units"
        raise UsageError(message)
    path: Path = arguments.files[0]
    reader = CaptureReader(path, progress=bar)
    changes = recordings.changes(arguments)
    for entry in reader:
        if not changes:
            yield entry
        elif isinstance(entry.item, State):
            said = recordings.given(arguments, *recordings.DEVICE_OPTIONS)
            message = f"{path} begins in mid-session, with the state of its devices; replay it without {said}"
            raise UsageError(message)
        else:
            yield entry._replace(item=_changed(entry.item, changes, path))
    if reader.last is None:
        message = " ".join(reader.notes) or f"{path} holds no input"
        raise RecordingError(message)
    for note in reader.notes:
        sys.stderr.write(f"ankled: {note}\n")


def _changed(item: Input, changes: dict[str, object], path: Path) -> Input:
    """Return a Config with the settings of its devices changed, and anything else as it is."""
    if not isinstance(item, Config):
        return item
    devices = item.settings.devices
    if "side" in changes and len(devices) > 1:
        message = f"--side was given, but {path} holds {len(devices)} devices; allowed for a recording of one"
        raise UsageError(message)
    settings = msgspec.structs.replace(
        item.settings, devices=tuple(msgspec.structs.replace(device, **changes) for device in devices)
    )
    return msgspec.structs.replace(item, settings=settings)


class _Pace:
    """Says how long to wait until a recorded moment has come, counted from the first one."""

    def __init__(self, speed: str) -> None:
        """Take the speed: `1` or `max`."""
        self._real = speed == "1"
        self._offset_ns: int | None = None

    def ahead_s(self, entry: Entry) -> float:
        """Return how much too early it is for an input of the recording."""
        if not self._real or entry.opening:
            return 0.0
        now_ns = time.monotonic_ns()
        if self._offset_ns is None:
            self._offset_ns = now_ns - entry.item.host_ns
        return (entry.item.host_ns + self._offset_ns - now_ns) / 1e9
