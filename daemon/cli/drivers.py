"""`ankled drivers`: which sensors are understood, what they offer and how they are recognised."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.cli.columns import columns
from ankled.drivers.registry import registered
from ankled.drivers.uuids import sig

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from ankled.drivers.driver import DriverInfo

_CLOCKS = {"sensor": "the sensor's own time", "arrivals": "none from the sensor, arrivals are used"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """List the drivers; those that could not be loaded are told on standard error."""
    tell_warnings()
    infos = [one.info for one in registered().drivers.values()]
    if arguments.json:
        sys.stdout.write("".join(msgspec.json.encode(info).decode() + "\n" for info in infos))
    else:
        sys.stdout.write("\n".join(_described(info) for info in infos))
    return 0


def tell_warnings() -> None:
    """Say which drivers of other packages were left out."""
    for warning in registered().warnings:
        sys.stderr.write(f"ankled: warning: {warning}\n")


def short(uuid: str) -> str:
    """Return a UUID as people write it: 16 bits where the Bluetooth SIG assigned it."""
    return uuid[4:8] if uuid == sig(int(uuid[:8], 16)) and uuid.startswith("0000") else uuid


def _described(info: DriverInfo) -> str:
    rows = [(info.name, info.title)]
    if info.kind == "sensor":
        rows.append(("  sends", ", ".join(info.streams)))
        if info.rates_hz:
            usual = f" ({info.default_rate_hz:g} unless asked)" if info.default_rate_hz else ""
            rows.append(("  rates", f"{_numbers(info.rates_hz)} Hz{usual}"))
        if info.acc_ranges_g:
            rows.append(("  acc ranges", f"{_numbers(info.acc_ranges_g)} g"))
        if info.gyr_ranges_dps:
            rows.append(("  gyr ranges", f"{_numbers(info.gyr_ranges_dps)} deg/s"))
        rows.append(("  clock", _CLOCKS[info.clock]))
    rows.append(("  services", ", ".join(map(short, info.services))))
    rows.append(("  known by", _recognised(info)))
    rows.append(("  decodes", ", ".join(f"{name} ({short(uuid)})" for name, uuid in info.characteristics.items())))
    return columns(rows)


def _recognised(info: DriverInfo) -> str:
    """Return how a device of the driver is told from others."""
    if info.kind == "service":
        return "its service, on any device that is connected"
    names = [f'a name that begins with "{prefix}"' for prefix in info.name_prefixes]
    services = [f"the advertised service {short(uuid)}" for uuid in info.advertised_services]
    return " or ".join([*names, *services]) or "rules of its own"


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
