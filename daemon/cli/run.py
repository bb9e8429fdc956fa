"""`ankled run`: connect to the sensors, compute, publish and record, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from ankled.daemon import logs, stopping
from ankled.daemon.capture.repair import repair_folder
from ankled.daemon.capture.writer import CaptureLimits
from ankled.daemon.cli.live import add_link_arguments, configuration, run_to_end
from ankled.daemon.cli.warm import notice, warm
from ankled.daemon.config import examine
from ankled.daemon.config.layers import default_file
from ankled.daemon.errors import AnkledError
from ankled.daemon.life.life import Life
from ankled.daemon.life.wiring import Parts, lived
from ankled.daemon.live import launch, radio
from ankled.daemon.live.control import Control
from ankled.daemon.live.crew import Crew
from ankled.daemon.live.ending import Ending
from ankled.daemon.live.housekeeping import Housekeeping
from ankled.daemon.live.keeping import Keeping
from ankled.daemon.live.leftovers import Leftovers
from ankled.daemon.live.recorder import Recorder
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.embedded import broker_at
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.requests import serving
from ankled.daemon.requests.forms import Nothing

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ankled.daemon.config import Config
    from ankled.daemon.requests.desk import Desk


log = structlog.stdlib.get_logger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_link_arguments(parser)
    parser.add_argument("--broker", metavar="mqtt://HOST:PORT", help="publish there (default: as configured)")
    parser.add_argument("--node", metavar="SLUG", help="the name of this node (default: as configured)")
    parser.add_argument("--no-capture", action="store_true", help="record nothing")


def run(arguments: argparse.Namespace) -> int:
    """Run the daemon."""
    life = Life()
    arguments.config = arguments.config or default_file(os.environ)
    given = _given(arguments)
    addresses = given.mqtt.addresses()
    radio.check(arguments.radio)
    keeping = Keeping(given)
    logs.configure(arguments.log_level or keeping.log_level, given.log.format, levels=keeping.log_levels)
    for told in given.mqtt.warnings():
        log.warning("not secret", reason=told)
    with life.starting(notice() or "loading the kernels"):
        warm()
    ending = Ending()
    return run_to_end(_run(keeping, addresses, arguments, ending, life), ending)


def _given(arguments: argparse.Namespace) -> Config:
    """Return the configuration as its file and the options say. Raises ConfigError and UsageError."""
    config = configuration(arguments)
    if arguments.node is not None:
        Topics(node=arguments.node)
        config = msgspec.structs.replace(config, node=arguments.node)
    if arguments.broker is not None:
        BrokerAddress.parse(arguments.broker)  # a mistake is told of the option, not of a key
        config = msgspec.structs.replace(config, mqtt=config.mqtt.at(arguments.broker))
    if arguments.no_capture:
        config = msgspec.structs.replace(config, capture=msgspec.structs.replace(config.capture, enabled=False))
    return config


async def _run(
    keeping: Keeping, addresses: tuple[BrokerAddress, ...], arguments: argparse.Namespace, ending: Ending, life: Life
) -> int:
    """Open everything, run, close everything."""
    stop = asyncio.Event()
    config = keeping.config
    topics = Topics(base=config.mqtt.base, node=config.node)
    recorder = _recorder(config)
    housekeeping = Housekeeping(recorder, config.node, config.capture)
    recorder.closing_s = ending.share("recording", recorder.closing_s())
    publishing = launch.options(config, addresses[1:])
    recording = keeping.recording and not arguments.no_capture
    if recording:
        housekeeping.prepare()
    if not keeping.roster.members and config.adopt == "none":
        log.warning("no sensor to connect to", reason="none is configured, and adopt is none")
    with stopping.stoppable(stop, ending):
        async with (
            radio.opened(arguments.radio, config.radio.adapters) as backends,
            broker_at(addresses[0], ending.share("broker", 10.0)) as found,
            launch.publishing(found, topics, publishing, launch.outbox(config), ending) as outlet,
            recorder,
        ):
            if recording:
                housekeeping.begin()
            _tell(arguments.config)  # not before: an error before this is one sentence
            log.info("running", node=config.node, broker=found.url, capture=str(recorder.path or ""))
            past = await outlet.outbox.past()
            announcer = launch.announcer(config, outlet, keeping.roster.wearers())
            live = launch.Live(
                config,
                backends,
                announcer,
                axes=keeping.axes,
                past=past,
                roster=keeping.roster,
                board=outlet.publisher,
                outbox=outlet.outbox,
            )
            live.bridge.capture = lambda: recorder.writer
            live.bridge.troubles = lambda: [*outlet.troubles(), *housekeeping.troubles()]
            housekeeping.watch(live.service)
            recorder.record_to = live.service.record_to
            live.service.farewell_s = ending.share("links", live.service.farewell_s())
            crew = Crew(
                service=live.service,
                supervisor=live.supervisor,
                topics=topics,
                board=outlet.publisher,
                announcer=announcer,
                axes=keeping.axes,
                outbox=outlet.outbox,
            )
            control = Control(
                roster=keeping.roster,
                crew=crew,
                changes=keeping.changes,
                athletes=keeping.athletes,
                recorder=recorder,
                reread=None if arguments.config is None else lambda: keeping.athletes.hide(_given(arguments)),
                follow=lambda new: _follow(new, live, desk),
            )
            Leftovers(
                topics,
                announcer,
                wants=lambda slug: control.roster.wants(slug),  # noqa: PLW0108 - the roster is replaced
                there=lambda: {one.slug for one in live.supervisor.status().devices},
                forget=crew.forget,
            ).listen(outlet.publisher.incoming.listen)
            live.bridge.listing = lambda: serving.devices_of(live, serving.members(control.roster))
            looking = serving.looking(live, outlet.outbox, lambda: serving.members(control.roster), keeping.athletes)
            async with serving.desk(config, outlet.publisher, {**looking, **control.handlers()}) as desk:
                desk.closing_s = ending.share("requests", desk.closing_s())
                telling = lived(life, Parts(live, outlet, recorder, config.mqtt.timeout_s), stop)
                with _reloadable(control, life):
                    async with telling, housekeeping.keeping():
                        await live.run(stop, recorder.writer)
            await control.close(ending.share("requests", 5.0)())
    return 0


def _tell(file: Path | None) -> None:
    """Log where the configuration comes from, and what in it is to be written otherwise."""
    found = examine(file)
    log.info("configured", file="none: the defaults hold" if file is None else str(file), sources=found.sources)
    for told in found.warnings:
        log.warning("old configuration", reason=str(told))


def _follow(new: Config, live: launch.Live, desk: Desk) -> None:
    """Let those know of a reload who hold more than devices and sets."""
    desk.follow(new.requests)
    live.bridge.spoken = launch.spoken(new)
    live.service.live.enabled = new.mqtt.publish_live


def _recorder(config: Config) -> Recorder:
    """Return the recorder of this configuration, after what an earlier run left unfinished was made whole."""
    limits = CaptureLimits(
        rotate_bytes=round(config.capture.rotate_mb * 1024 * 1024), rotate_s=config.capture.rotate_min * 60.0
    )
    folder = Path(config.capture.folder)
    for told in repair_folder(folder):
        log.warning("capture repaired", reason=told)
    return Recorder(folder, config.node, limits)


@contextlib.contextmanager
def _reloadable(control: Control, life: Life) -> Iterator[None]:
    """Let SIGHUP read the configuration again, as the request `reload` does; what is wrong in it is logged."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()
    reload = control.handlers()["reload"]

    async def work() -> None:
        try:
            with life.reloading():
                await reload(Nothing())
        except AnkledError as error:
            log.error("configuration not reloaded", reason=str(error))  # noqa: TRY400 - a traceback says no more

    def ask() -> None:
        task = loop.create_task(work(), name="reload")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop.add_signal_handler(signal.SIGHUP, ask)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        for task in tasks:
            task.cancel()
