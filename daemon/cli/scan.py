"""`ankled scan`: who is near, and which driver takes it."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.cli.columns import columns
from ankled.daemon.cli.drivers import tell_warnings
from ankled.daemon.cli.live import add_radio_argument
from ankled.daemon.cli.waiting import waiting
from ankled.daemon.errors import UsageError
from ankled.daemon.live import radio
from ankled.daemon.live.discover import discover
from ankled.drivers.link_errors import LinkError
from ankled.drivers.registry import sensor_for

if TYPE_CHECKING:
    import argparse

    from ankled.daemon.live.discover import Found

_LONGEST_S = 600.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `--json`. `manufacturer`: company id -> data in hexadecimal; `drivers`: those that take it.

    `connected`: it is in use, and so was not heard. `problem`: why its battery could not be read.
    """

    address: str
    name: str | None
    rssi_dbm: int | None
    services: tuple[str, ...]
    manufacturer: dict[str, str]
    drivers: tuple[str, ...]
    adapter: str
    connected: bool
    battery_percent: int | None
    problem: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_radio_argument(parser)
    parser.add_argument("--duration-s", type=float, default=5.0, metavar="S", help="listen for so long (default: 5)")
    parser.add_argument("--battery", action="store_true", help="connect to each known sensor and ask for its battery")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """Listen, and list who was heard."""
    duration_s: float = arguments.duration_s
    if not 0.0 < duration_s <= _LONGEST_S:
        message = f"--duration-s is {duration_s:g}; allowed is a number of seconds above 0, at most {_LONGEST_S:g}"
        raise UsageError(message)
    tell_warnings()
    with waiting(None, f"listening for {duration_s:g} s"):
        found = asyncio.run(_discover(arguments.radio, duration_s, battery=arguments.battery))
    if arguments.json:
        sys.stdout.write("".join(f"{msgspec.json.encode(_row(one)).decode()}\n" for one in found))
        return 0
    if found:
        sys.stdout.write(_table(found, battery=arguments.battery))
    else:
        sys.stderr.write(f"ankled: nobody was heard within {duration_s:g} s\n")
    for one in found:
        if one.problem is not None:
            sys.stderr.write(f"ankled: {one.advertisement.address}: {one.problem}\n")
    return 0


async def _discover(spec: str | None, duration_s: float, *, battery: bool) -> list[Found]:
    """Return who is near. Raises RadioUnavailableError where no adapter works."""
    async with radio.opened(spec) as backends:
        try:
            return await discover(backends, sensor_for, duration_s, battery=battery, now_s=time.monotonic)
        except LinkError as error:
            raise radio.unavailable(error) from error


def _row(found: Found) -> Row:
    seen = found.advertisement
    return Row(
        address=seen.address,
        name=seen.name,
        rssi_dbm=seen.rssi_dbm,
        services=seen.services,
        manufacturer={f"{company:#06x}": data.hex() for company, data in seen.manufacturer.items()},
        drivers=found.drivers,
        adapter=found.adapter,
        connected=found.connected,
        battery_percent=found.battery_percent,
        problem=found.problem,
    )


def _table(found: list[Found], *, battery: bool) -> str:
    """Return what people want to know of each."""
    rows = [("address", "name", "signal", "driver", *(("battery",) if battery else ()))]
    for one in found:
        seen = one.advertisement
        signal = "in use" if one.connected else "-" if seen.rssi_dbm is None else f"{seen.rssi_dbm} dBm"
        level = "-" if one.battery_percent is None else f"{one.battery_percent} %"
        cells = (seen.address, _shown(seen.name), signal, " or ".join(one.drivers) or "-")
        rows.append((*cells, level) if battery else cells)
    return columns(rows)


def _shown(name: str | None) -> str:
    """Return a name for a table: a device may call itself anything, also what a terminal takes for a command."""
    return "".join(letter if letter.isprintable() else "?" for letter in name) if name else "-"
