"""`ankled run`: connect to the sensors, compute, publish and record, until told to stop."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from ankled.daemon import logs
from ankled.daemon.capture.repair import repair_folder
from ankled.daemon.capture.writer import CaptureLimits
from ankled.daemon.cli.live import add_link_arguments, configuration, run_to_end
from ankled.daemon.cli.warm import warm
from ankled.daemon.errors import RecordingError
from ankled.daemon.live import axes, launch, radio
from ankled.daemon.live.axes import StoredAxes
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.embedded import broker_at
from ankled.daemon.mqtt.topics import Topics

if TYPE_CHECKING:
    import argparse

    from ankled.daemon.config import Config


log = structlog.stdlib.get_logger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_link_arguments(parser)
    parser.add_argument("--broker", metavar="mqtt://HOST:PORT", help="publish there (default: as configured)")
    parser.add_argument("--node", metavar="SLUG", help="the name of this node (default: as configured)")
    parser.add_argument("--no-capture", action="store_true", help="record nothing")


def run(arguments: argparse.Namespace) -> int:
    """Run the daemon."""
    config = configuration(arguments)
    if arguments.node is not None:
        Topics(node=arguments.node)
        config = msgspec.structs.replace(config, node=arguments.node)
    if arguments.broker is not None:
        BrokerAddress.parse(arguments.broker)  # a mistake is told of the option, not of a key
        config = msgspec.structs.replace(config, mqtt=config.mqtt.at(arguments.broker))
    addresses = config.mqtt.addresses()
    if arguments.no_capture:
        config = msgspec.structs.replace(config, capture=msgspec.structs.replace(config.capture, enabled=False))
    radio.check(arguments.radio)
    logs.configure(arguments.log_level or config.log.level, config.log.format)
    for told in config.mqtt.warnings():
        log.warning("not secret", reason=told)
    warm()
    return run_to_end(_run(config, addresses, arguments.radio))


async def _run(config: Config, addresses: tuple[BrokerAddress, ...], radio_spec: str | None) -> int:
    """Open everything, run, close everything."""
    stop = asyncio.Event()
    topics = Topics(base=config.mqtt.base, node=config.node)
    path = _capture_path(config)
    limits = CaptureLimits(
        rotate_bytes=round(config.capture.rotate_mb * 1024 * 1024), rotate_s=config.capture.rotate_min * 60.0
    )
    if not config.devices and config.adopt == "none":
        log.warning("no sensor to connect to", reason="none is configured, and adopt is none")
    with launch.stoppable(stop):
        async with (
            radio.opened(radio_spec, config.radio.adapters) as backends,
            broker_at(addresses[0]) as found,
            launch.publishing(found, topics, launch.options(config, addresses[1:]), launch.outbox(config)) as outlet,
            launch.recording(path, config, limits) as capture,
        ):
            log.info("running", node=config.node, broker=found.url, capture=str(path) if path else None)
            past = await outlet.outbox.past()
            live = launch.Live(config, backends, launch.announcer(config, outlet), axes=_axes(config), past=past)
            await live.run(stop, capture)
    return 0


def _axes(config: Config) -> StoredAxes | None:
    """Return the axes that earlier sessions have found; None where they are not to be kept."""
    return StoredAxes(Path(config.state.folder) / axes.NAME, config.sensors()) if config.state.enabled else None


def _capture_path(config: Config) -> Path | None:
    """Return the file to record to, in a folder made for it; None where nothing is recorded, or can be."""
    if not config.capture.enabled:
        return None
    folder = Path(config.capture.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for told in repair_folder(folder):
            log.warning("capture repaired", reason=told)
    except OSError as error:
        message = f"capture.folder is {folder}, which cannot be used: {error.strerror}"
        raise RecordingError(message) from error
    name = f"{config.node}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    names = (folder / f"{name}{'' if number == 1 else f'-{number}'}.mcap" for number in count(1))
    return next(path for path in names if not path.exists())
