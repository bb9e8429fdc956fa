"""Putting the live parts together: radio, links, service, and where results and recordings go."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from ankled.daemon.bridge.bridge import Bridge, Spoken
from ankled.daemon.bridge.health import FIELDS
from ankled.daemon.bridge.info import Capabilities, info
from ankled.daemon.capture import form
from ankled.daemon.capture.writer import CaptureWriter
from ankled.daemon.errors import BrokerError
from ankled.daemon.homeassistant.announcement import Site
from ankled.daemon.homeassistant.announcer import Announcer, Wearer
from ankled.daemon.live.changes import Changes
from ankled.daemon.live.clock import HostClock
from ankled.daemon.live.options import Limits
from ankled.daemon.live.outlet import BrokerOutlet
from ankled.daemon.live.roster import resolve
from ankled.daemon.live.service import Plan, Service
from ankled.daemon.live.supervisor import Supervisor
from ankled.daemon.live.twin import Twin
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.outbox.result import Bounds, Past
from ankled.daemon.requests.serving import devices_of, members
from ankled.drivers.registry import find, sensor_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from ankled.daemon.bridge.assembly import Board
    from ankled.daemon.capture.writer import CaptureLimits
    from ankled.daemon.config import Config
    from ankled.daemon.live.axes import StoredAxes
    from ankled.daemon.live.clock import Clock
    from ankled.daemon.live.ending import Ending
    from ankled.daemon.live.outlet import Outlet
    from ankled.daemon.live.roster import Roster
    from ankled.daemon.live.status import DeviceStatus, Notice
    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.drivers.link import Backend

_CLOSE_S: Final = 5.0
_INSTANCE: Final = token_hex(4)
_DRAIN_S: Final = 1.5
OUTBOX: Final = "outbox.db"
"""The outbox's file in the folder of the state."""

log = structlog.stdlib.get_logger(__name__)


class Live:
    """A service and the supervisor of its links, tied together."""

    def __init__(  # noqa: PLR0913  (what they are tied to, each given from outside)
        self,
        config: Config,
        backends: Mapping[str, Backend],
        outlet: Outlet,
        clock: Clock | None = None,
        session: str | None = None,
        *,
        axes: StoredAxes | None = None,
        past: Past | None = None,
        roster: Roster | None = None,
        board: Board | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        """Tie them together; nothing moves before `run`.

        Without `axes` nothing is known of the legs from earlier sessions, without `past` all numbers begin at 1,
        without a `roster` nobody has changed anything since the configuration was written. `board` is where the bridge
        tells of itself, and of `outbox`.
        """
        self.topics = Topics(base=config.mqtt.base, node=config.node)
        clock = clock or HostClock()
        past = past or Past()
        known = resolve(config, Changes()) if roster is None else roster
        plan = Plan(
            settings=msgspec.structs.replace(known.settings(), last_seqs=past.last_seqs),
            session=session,
            idle_end_s=config.session.idle_end_min * 60.0,
            latest_session=past.latest_session,
            run=past.run,
            live=config.mqtt.publish_live,
        )
        self.service = Service(plan, self.topics, outlet, clock, axes)
        self.supervisor = Supervisor(
            backends=backends,
            devices=known.wanted(),
            sensors_for=sensor_for,
            info_of=lambda name: find(name).info,
            put=self.service.queue.put,
            now_ns=clock.now_ns,
            farewell=self.service.farewell,
            changed=self._changed,
            notice=_told,
            admission=known.admission(),
            limits=Limits(slots=config.radio.slots),
            seed=config.node,
        )
        self.bridge = Bridge(
            service=self.service,
            supervisor=self.supervisor,
            topics=self.topics,
            clock=clock,
            listing=lambda: devices_of(self, members(known)),
            board=board,
            spoken=spoken(config),
        )
        self.bridge.outbox = outbox
        self.bridge.capture = lambda: self._capture
        self._capture: CaptureWriter | None = None
        self._online: set[str] = set()

    async def run(self, stop: asyncio.Event, capture: CaptureWriter | None = None, reason: str = "stopped") -> None:
        """Run until `stop` is set."""
        self._capture = capture
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self.bridge.run(), name="bridge")
            await self.service.run(self.supervisor, stop, capture, reason)
            telling.cancel()

    def _changed(self, status: DeviceStatus) -> None:
        """Tell the world how a sensor stands; log that it streams, for its troubles are notices."""
        self.service.tell(status)
        if status.online and status.slug not in self._online:
            log.info("sensor online", device=status.slug, driver=status.driver, name=status.name)
        (self._online.add if status.online else self._online.discard)(status.slug)


def _told(notice: Notice) -> None:
    """Log what the links tell at once."""
    getattr(log, notice.level)("link", device=notice.device, reason=notice.text)


@contextlib.asynccontextmanager
async def recording(
    path: Path | None, config: Config, limits: CaptureLimits | None = None
) -> AsyncIterator[CaptureWriter | None]:
    """Open a capture, and make it whole whatever happens. Raises RecordingError."""
    if path is None:
        yield None
        return
    writer = CaptureWriter(path, form.origin(config.node, "live"), limits)
    try:
        yield writer
    finally:
        # In a thread: the disk may be slow, and the broker's connections want to be kept alive meanwhile.
        await asyncio.to_thread(writer.close, _CLOSE_S)


@contextlib.asynccontextmanager
async def publishing(
    address: BrokerAddress, topics: Topics, options: Options, outbox: Outbox, ending: Ending | None = None
) -> AsyncIterator[BrokerOutlet]:
    """Keep a publisher at work on an outbox; at the end wait a moment for the last acknowledgements.

    The outbox is closed last: what is not acknowledged by then waits there for the next run. `ending` has the time.
    """
    if ending is not None:
        outbox.closing_s = ending.share("outbox", _CLOSE_S)
    async with outbox, Publisher(address, topics, options, outbox) as publisher:
        outlet = BrokerOutlet(publisher, outbox)
        if ending is not None:
            publisher.ending_s = ending.share("farewell", publisher.ending_s())
        if options.announce:
            outlet.twin = Twin(topics, options.info)
            outlet.twin.listen(publisher.incoming.listen)
        try:
            yield outlet
        finally:
            if publisher.statistics.connected:
                try:
                    await outlet.flushed(_DRAIN_S if ending is None else ending.share("drain", _DRAIN_S / 2)())
                except BrokerError as error:
                    log.warning("not everything was published", reason=str(error))
            elif waiting := len(outbox):
                log.warning("not everything was published", reason="the broker is away", waiting=waiting)


def outbox(config: Config) -> Outbox:
    """Return the outbox of a configuration: in the folder of its state, or in memory where that is not to be kept."""
    kept = config.outbox
    path = Path(config.state.folder) / OUTBOX if config.state.enabled else None
    bounds = Bounds(
        size_bytes=round(kept.size_mb * 1024 * 1024),
        pending_s=kept.pending_days * 86400.0,
        kept_s=kept.kept_h * 3600.0,
        min_free_bytes=round(kept.min_free_mb * 1024 * 1024),
        rate_per_s=kept.rate_per_s,
    )
    return Outbox(path, bounds, f"{config.mqtt.base}/{config.node}/")


def announcer(config: Config, outlet: BrokerOutlet, sensors: Mapping[str, Wearer] | None = None) -> Announcer:
    """Return the outlet that also tells Home Assistant of what passes, and have it listen at the broker."""
    told = config.homeassistant
    announcer = Announcer(
        outlet=outlet,
        board=outlet.publisher,
        site=Site(topics=Topics(base=config.mqtt.base, node=config.node), prefix=told.prefix),
        sensors=wearers(config) if sensors is None else sensors,
        adopt=config.adopt != "none",
        enabled=told.enabled,
        health=FIELDS,
    )
    announcer.listen(outlet.publisher.incoming.listen, told.birth_topic)
    return announcer


def spoken(config: Config) -> Spoken:
    """Return what a daemon of this configuration tells beside results."""
    wanted = {True: True, False: False, None: config.mqtt.publish_imu}
    return Spoken(
        imu=frozenset(device.slug for device in config.devices if wanted[device.publish_imu]),
        configured=frozenset(device.slug for device in config.devices),
        others=config.mqtt.publish_imu,
        log=None if config.log.publish == "off" else config.log.publish,
    )


def wearers(config: Config) -> dict[str, Wearer]:
    """Return what a configuration says of its sensors, as Home Assistant is told."""
    return {device.slug: Wearer(label=device.name, athlete=device.athlete) for device in config.devices}


def options(config: Config, fallbacks: tuple[BrokerAddress, ...] = ()) -> Options:
    """Return how a daemon of this configuration publishes; the `fallbacks` are for when its broker fails."""
    about = info(
        config.node,
        config.mqtt.base,
        config.digest(),
        Capabilities(
            requests=config.requests,
            adopt=config.adopt,
            imu=config.mqtt.publish_imu or any(device.publish_imu for device in config.devices),
            log=config.log.publish,
            homeassistant=config.homeassistant.enabled,
            capture=config.capture.enabled,
        ),
        protocol=config.mqtt.protocol,
    )
    return Options(
        client_id=config.mqtt.client_id,
        keepalive_s=config.mqtt.keepalive_s,
        timeout_s=config.mqtt.timeout_s,
        info=msgspec.json.encode(about),
        rate_per_s=config.outbox.rate_per_s,
        fallbacks=fallbacks,
    )
