"""`ankled decode`: what a driver makes of packets, for whoever has bytes of a device and a question.

Packets are fed in their order to one driver, so that what stretches over several of them comes together. The first
one that the driver refuses ends the command with the exit code of unusable data.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from ankled.daemon.cli.columns import columns
from ankled.daemon.cli.drivers import short, tell_warnings
from ankled.daemon.errors import RecordingError, UsageError
from ankled.drivers.errors import DecodeError, DriverError
from ankled.drivers.messages import Beat, Block, Event, Notification, ReadResult
from ankled.drivers.registry import find
from ankled.drivers.uuids import normalise

if TYPE_CHECKING:
    import argparse

    from ankled.drivers.driver import Driver, DriverInfo
    from ankled.drivers.messages import DriverOutput

_SEPARATORS = re.compile(r"[\s:,_-]+")
_DIGITS = re.compile(r"(?:0[xX])?([0-9a-fA-F]*)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("driver", metavar="DRIVER", help="name of the driver; `ankled drivers` lists them")
    parser.add_argument("characteristic", metavar="CHARACTERISTIC", help="its UUID (16 or 128 bits) or its name there")
    parser.add_argument(
        "packets",
        nargs="+",
        metavar="HEX",
        help="one packet each; spaces (in quotes), colons, dashes and 0x are allowed",
    )
    parser.add_argument(
        "--context", metavar="JSON", help="what the packets do not say, as an object: '{\"range_g\": 8}'"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """Decode the packets and print what comes out."""
    tell_warnings()
    try:
        chosen = find(arguments.driver)
    except DriverError as error:
        raise UsageError(str(error)) from error
    uuid = _characteristic(arguments.characteristic, chosen.info)
    packets = [_bytes(text) for text in arguments.packets]
    try:
        driver = chosen.for_decoding(_context(arguments.context))
    except DriverError as error:
        message = f"--context: {error}"
        raise UsageError(message) from error
    silent = True
    for number, packet in enumerate(packets, 1):
        try:
            outputs = _feed(driver, uuid, packet)
        except DecodeError as error:
            which = f"packet {number} of {len(packets)}: " if len(packets) > 1 else ""
            message = f"{which}{error}"
            raise RecordingError(message) from error
        sys.stdout.write("".join(map(_line if arguments.json else _table, outputs)))
        silent = silent and not outputs
    if silent:
        sys.stderr.write("ankled: nothing wrong, but neither samples nor news: part of something longer perhaps\n")
    return 0


def _characteristic(text: str, info: DriverInfo) -> str:
    """Return the UUID of a characteristic of the driver, given by UUID or by name."""
    if uuid := info.characteristics.get(text.lower()):
        return uuid
    known = info.characteristics.values()
    try:
        uuid = normalise(text)
    except DriverError:
        uuid = ""
    if uuid in known:
        return uuid
    # Makers number their characteristics by the same 16 bits of a base of their own.
    own = {one for one in known if uuid.startswith("0000") and one[4:8] == uuid[4:8]}
    if len(own) == 1:
        return own.pop()
    offered = ", ".join(f"{name} ({short(uuid)})" for name, uuid in info.characteristics.items())
    message = f'{info.name} has no characteristic "{text}"; it has {offered}'
    raise UsageError(message)


def _bytes(text: str) -> bytes:
    """Return the bytes of one packet."""
    digits = ""
    for part in filter(None, _SEPARATORS.split(text)):
        found = _DIGITS.fullmatch(part)
        if found is None:
            message = f'"{text}" is no packet: "{part}" has other characters than the digits 0-9 and a-f'
            raise UsageError(message)
        if len(found[1]) % 2:
            message = f'"{text}" is no packet: "{part}" has an odd number of digits; a byte has 2'
            raise UsageError(message)
        digits += found[1]
    return bytes.fromhex(digits)


def _context(text: str | None) -> dict[str, Any]:
    """Return the context."""
    if text is None:
        return {}
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        message = f"--context is no JSON: {error}"
        raise UsageError(message) from error
    if not isinstance(found, dict):
        message = f'--context is {text}; a JSON object is needed, such as {{"rate_hz": 52}}'
        raise UsageError(message)
    return found


def _feed(driver: Driver[Any], uuid: str, data: bytes) -> list[Block | Event]:
    """Return what a driver makes of a value that was notified or, if that tells it nothing, that was read.

    The driver alone knows which of its characteristics notify and which are read. Raises DecodeError.
    """
    before = driver.snapshot()
    refused: DecodeError | None = None
    try:
        if told := _told(driver.feed(Notification(characteristic=uuid, data=data))):
            return told
    except DecodeError as error:
        refused = error
    after = driver.snapshot()
    if refused is None and after != before:
        return []  # the first part of something longer
    driver.restore(before)
    try:
        if told := _told(driver.feed(ReadResult(characteristic=uuid, data=data))):
            return told
    except DecodeError as error:
        refused = refused or error
    driver.restore(after)
    if refused is not None:
        raise refused
    return []


def _told(outputs: list[DriverOutput]) -> list[Block | Event]:
    """Return what a driver tells, without what it wants done. A beat is told as a status: what the clock showed."""
    events = (
        Event(name="status", value={"clock_s": output.time_s}) if isinstance(output, Beat) else output
        for output in outputs
    )
    return [output for output in events if isinstance(output, Block | Event)]


def _line(output: Block | Event) -> str:
    """Return an output as a line of JSON."""
    if isinstance(output, Event):
        value: dict[str, Any] = {"type": "event", "name": output.name, "value": output.value}
    else:
        arrays = {"acc": output.acc, "gyr": output.gyr, "device_time_s": output.time_s}
        lists = {name: None if array is None else array.tolist() for name, array in arrays.items()}
        value = {"type": "samples", **lists, "missing": output.missing}
    return msgspec.json.encode(value).decode() + "\n"


def _table(output: Block | Event) -> str:
    """Return an output as a table."""
    if isinstance(output, Event):
        rows = [[f"  {key}", msgspec.json.encode(value).decode()] for key, value in output.value.items()]
        return f"{output.name}\n{columns(rows) if rows else ''}"
    heads: list[str] = []
    cells: list[list[str]] = []
    for names, array in (("ax ay az [m/s2]", output.acc), ("gx gy gz [rad/s]", output.gyr)):
        if array is not None:
            *axes, unit = names.split()
            heads += [f"{axis} {unit}" for axis in axes]
            cells += [[f"{value:.4f}" for value in column] for column in array.T]
    if output.time_s is not None:
        heads.insert(0, "device time [s]")
        cells.insert(0, [f"{value:.6f}" for value in output.time_s])
    missing = f", {output.missing} missing before" if output.missing else ""
    return f"samples: {len(output)}{missing}\n{columns([heads, *zip(*cells, strict=True)], right=True)}"
