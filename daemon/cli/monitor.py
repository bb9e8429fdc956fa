"""`ankled monitor`: what one or many nodes publish, live on a terminal, or line by line."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from ankled.daemon.errors import UsageError
from ankled.daemon.monitor.collect import Model
from ankled.daemon.monitor.lines import Lines
from ankled.daemon.monitor.screen import Screen
from ankled.daemon.monitor.terminal import ended_by_signals
from ankled.daemon.monitor.view import Shown
from ankled.daemon.monitor.watch import Watch
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.credentials import credentials
from ankled.daemon.mqtt.topics import Topics

if TYPE_CHECKING:
    import argparse

_BROKER: Final = "mqtt://127.0.0.1:1883"
_BASE: Final = "ankled"
_LAST: Final = 200
_MOST: Final = 4000
_SLUG: Final = re.compile(r"[a-z0-9_-]{1,64}")
_INTERRUPTED: Final = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--broker", metavar="mqtt://HOST:PORT", help=f"where to listen (default: {_BROKER})")
    parser.add_argument(
        "--config", type=Path, metavar="FILE.toml", help="take broker, credentials and base topic from a daemon's file"
    )
    parser.add_argument(
        "--node", nargs="+", action="extend", default=[], metavar="SLUG", help="these nodes alone (default: all)"
    )
    parser.add_argument(
        "--athlete", nargs="+", action="extend", default=[], metavar="SLUG", help="these athletes alone (default: all)"
    )
    parser.add_argument("--base", metavar="TOPIC", help=f"the topic above all nodes (default: {_BASE})")
    parser.add_argument(
        "--last",
        type=int,
        default=_LAST,
        metavar="N",
        help=f"begin with so many results of the past of each device and athlete (default: {_LAST})",
    )
    parser.add_argument("--json", action="store_true", help="one JSON record a line, each once, in the order of seq")


def run(arguments: argparse.Namespace) -> int:
    """Watch until interrupted."""
    addresses, base = _brokers(arguments)
    for node in arguments.node:
        Topics(base=base, node=node)
    for athlete in arguments.athlete:
        if not _SLUG.fullmatch(athlete):
            message = f'--athlete is "{athlete}"; allowed are 1 to 64 characters of a-z, 0-9, _ and -'
            raise UsageError(message)
    if not 0 <= arguments.last <= _MOST:
        message = f"--last is {arguments.last}; allowed is a whole number from 0 to {_MOST}"
        raise UsageError(message)
    try:
        return asyncio.run(_watch(arguments, addresses, base))
    except asyncio.CancelledError:  # SIGTERM, or the terminal is gone
        return _INTERRUPTED


def _brokers(arguments: argparse.Namespace) -> tuple[tuple[BrokerAddress, ...], str]:
    """Return where to listen, the brokers in their order, and below which topic."""
    addresses: tuple[BrokerAddress, ...] = ()
    base = arguments.base or _BASE
    if arguments.config is not None:
        # Imported here: who names a broker need not wait for it.
        from ankled.daemon.config import load  # noqa: PLC0415  (see above)
        from ankled.drivers.registry import registered  # noqa: PLC0415  (see above)

        config = load(arguments.config.expanduser(), drivers=registered().drivers)
        addresses, base = config.mqtt.addresses(), arguments.base or config.mqtt.base
    if not addresses or arguments.broker is not None:
        addresses = (BrokerAddress.parse(arguments.broker or _BROKER).known_as(credentials()),)
    Topics(base=base, node="any")
    address = addresses[0]
    if not address.embedded:  # an embedded one stands alone
        return addresses, base
    if arguments.broker is None and address.port:  # a daemon that embeds its broker, on this machine
        return (BrokerAddress(host=address.host, port=address.port),), base
    message = "the broker is embedded in a daemon; name where it listens, --broker mqtt://127.0.0.1:PORT"
    raise UsageError(message)


async def _watch(arguments: argparse.Namespace, addresses: tuple[BrokerAddress, ...], base: str) -> int:
    """Show what comes, on whatever there is to show it."""
    model = Model(base)
    nodes, athletes = tuple(arguments.node), tuple(arguments.athlete)
    console = Console(highlight=False, markup=False)
    with ended_by_signals():
        if arguments.json or not console.is_terminal or console.is_dumb_terminal:
            lines = Lines(model, sys.stdout, sys.stderr, json=arguments.json, athletes=athletes)
            await Watch(addresses, model, lines, nodes, last=arguments.last).run()
            return 0
        screen = Screen(console, model, Shown(broker=addresses[0].url, nodes=nodes, athletes=athletes))
        watch = Watch(addresses, model, screen, nodes, last=arguments.last)
        await _together(watch, screen)
    return 0


async def _together(watch: Watch, screen: Screen) -> None:
    """Watch and draw, until somebody quits or one of them fails. A broker that is not there leaves no picture."""
    watching = asyncio.create_task(watch.run(), name="monitor-watch")
    begun = asyncio.create_task(watch.begun.wait(), name="monitor-begin")
    drawing = None
    try:
        await asyncio.wait({watching, begun}, return_when=asyncio.FIRST_COMPLETED)
        if not watching.done():
            drawing = asyncio.create_task(screen.run(lambda: watch.away), name="monitor-draw")
            await asyncio.wait({watching, drawing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        tasks = [task for task in (drawing, begun, watching) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=10.0)  # disconnecting is bounded by the time-out of the connection
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error
