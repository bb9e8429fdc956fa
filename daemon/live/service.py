"""The live service: inputs from the links through the dispatcher, results out, sessions begun and ended.

It owns nothing that it is given: broker, capture and radio are opened and closed by whoever calls it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from ankled.daemon import logs
from ankled.daemon.bridge.live import LiveStream
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.errors import AnkledError
from ankled.daemon.giving_up import give_up, to_its_end
from ankled.daemon.inputs import ClockAnchor, Command, Config, Link, Notification, Stop, Tick
from ankled.daemon.live.names import SessionNames
from ankled.daemon.live.pulse import Pulse
from ankled.daemon.live.queue import InputQueue
from ankled.daemon.live.reporting import Reporting
from ankled.daemon.pipeline import Core
from ankled.daemon.records import Event, Live, Rep
from ankled.daemon.settings import DeviceSettings, PipelineSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ankled.daemon.capture.writer import CaptureWriter
    from ankled.daemon.inputs import Input
    from ankled.daemon.live.axes import StoredAxes
    from ankled.daemon.live.clock import Clock
    from ankled.daemon.live.outlet import Outlet
    from ankled.daemon.live.status import DeviceStatus, SupervisorStatus
    from ankled.daemon.mqtt.topics import Topics
    from ankled.daemon.records import Record
    from ankled.drivers.messages import Action
    from ankled.drivers.messages import Event as SensorEvent

_NS: Final = 1_000_000_000
_BATCH: Final = 8
"""Inputs processed before others may run: a result is on its way before the packets behind it are looked at."""
_TICK_NS: Final = _NS
_REPORT_S: Final = 1.0
_FAREWELL_S: Final = 8.0
_HASTE_S: Final = 0.3
_ANCHOR_DRIFT_NS: Final = 5_000_000
"""The wall clock may part from the host's by so much before a new anchor tells."""

log = structlog.stdlib.get_logger(__name__)


class Links(Protocol):
    """Who keeps the links; see `live.supervisor.Supervisor`."""

    async def run(self) -> None:
        """Keep all links until told to stop, then drop them in order."""

    def stop(self) -> None:
        """Let `run` end."""

    def act(self, slug: str, epoch: int, action: Action) -> None:
        """Do what a driver wants."""

    def status(self) -> SupervisorStatus:
        """Tell how things stand."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How sessions are made. `idle_end_s`: one ends after so long without a repetition, if it had any.

    `session` is the name of the first one; without it, and for all later ones, the moment of its beginning.
    `latest_session` and `run` tell of earlier runs what their names must not repeat. `live`: tell of the moment too.
    """

    settings: PipelineSettings
    session: str | None = None
    idle_end_s: float = 1800.0
    latest_session: str = ""
    run: int = 1
    live: bool = True


class Service:
    """One run of the daemon, or of a recording."""

    def __init__(
        self, plan: Plan, topics: Topics, outlet: Outlet, clock: Clock, axes: StoredAxes | None = None
    ) -> None:
        """Prepare: `queue.put` is the way in for the links; `axes` remembers those of the legs between sessions."""
        self.idle_end_s = plan.idle_end_s
        self._outlet = outlet
        self._clock = clock
        self.queue = InputQueue()
        self.pulse = Pulse()
        self.core = Core(act=self._act, note=self._note)
        self._dispatcher = Dispatcher(self.core)
        self.reporting = Reporting(self.core, topics, outlet, clock)
        self.live = LiveStream(self.core, outlet.take, enabled=plan.live)
        self.made: Callable[[Record, int], None] | None = None
        """Who is told of each result, with the host time of the input that completed it."""
        self._links: Links | None = None
        self._settings = plan.settings
        self._session = plan.session
        self._names = SessionNames(plan.latest_session, plan.run)
        self._last_rep_ns: int | None = None
        self._anchor_ns = 0
        self._ticked_ns = 0
        self._axes = axes
        self.records = 0
        self.farewell_s: Callable[[], float] = lambda: _FAREWELL_S
        """How long all links together may take to be dropped in order."""

    async def run(
        self, links: Links, stop: asyncio.Event, capture: CaptureWriter | None = None, reason: str = "service stopped"
    ) -> None:
        """Run until `stop` is set; then let go of the links, take in what they brought, and close the session."""
        self._links = links
        self._dispatcher.record_to(capture)
        self._begin(self._clock.now_ns())
        keeping = asyncio.create_task(links.run(), name="links")
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(to_its_end(keeping), name="links-watch")
                dispatching = group.create_task(self._dispatch(), name="dispatcher")
                reporting = group.create_task(self._report(), name="reports")
                await stop.wait()
                links.stop()
                await asyncio.wait({keeping}, timeout=self.farewell_s() - _HASTE_S)
                watching.cancel()
                dispatching.cancel()
                reporting.cancel()
        finally:
            if not await give_up(keeping, _HASTE_S):
                log.warning("links are not dropped in time")
            self._catch_up()
            self._tell()
            self._feed(Stop(host_ns=self._clock.now_ns(), reason=reason))
            if self._axes is not None:
                self._axes.save()

    def tell(self, status: DeviceStatus) -> None:
        """Tell how a device stands, if that is news."""
        if any(device.slug == status.slug for device in self._settings.devices):  # else it is about to be adopted
            self.reporting.tell(status)

    @property
    def settings(self) -> PipelineSettings:
        """The settings as they hold now."""
        return self._settings

    def configure(self, settings: PipelineSettings) -> list[Record]:
        """Go on under these settings, behind everything that has come in; return what that completed."""
        self._catch_up()
        if settings == self._settings:
            return []
        self._settings = settings
        return self._feed(Config(host_ns=self._clock.now_ns(), settings=settings))

    def command(self, name: str, device: str) -> list[Record]:
        """Do what a user asks of a device, behind everything that has come in; return what that completed."""
        self._catch_up()
        return self._feed(Command(host_ns=self._clock.now_ns(), name=name, device=device, arguments={}))

    def record_to(self, capture: CaptureWriter | None) -> None:
        """Record there from the next input on, or nowhere."""
        if capture is not None:
            capture.anchored(self._anchor_ns)
        self._dispatcher.record_to(capture)

    def forget(self, slug: str) -> None:
        """Know nothing any more of what a sensor has said: it was let go."""
        self.reporting.forget(slug)
        self.live.forget(slug)

    def farewell(self, slug: str) -> list[Action]:
        """Return what the driver of a device wants done before its link is dropped."""
        # An input, for it alters the driver: what the sensor says to it must mean the same in a replay.
        self._feed(Command(host_ns=self._clock.now_ns(), name="farewell", device=slug, arguments={}))
        return self.core.parting

    async def _dispatch(self) -> None:
        """Process what comes, as it comes; let time pass where nothing does."""
        while True:
            self.pulse.beat()
            due_ns = min(self._ticked_ns + _TICK_NS, self.core.links.next_due_ns)
            await self.queue.wait((due_ns - self._clock.now_ns()) / _NS)
            self._process(self.queue.take(_BATCH))
            now_ns = self._clock.now_ns()
            if now_ns >= due_ns and not self.queue.statistics.waiting:
                self._tick(now_ns)

    def _catch_up(self) -> None:
        """Process everything that has come in."""
        while batch := self.queue.take(_BATCH):
            self._process(batch)

    def _process(self, batch: list[Input]) -> None:
        for item in batch:
            if isinstance(item, Link) and item.up:
                self._admit(item)
            self._feed(item)
            if isinstance(item, Notification):
                self.live.heard(item.device, item.host_ns)
        if self.reporting.came():
            self._tell()

    def _feed(self, item: Input) -> list[Record]:
        """Let one input through and return its records. What a user or a sensor did wrong is logged; others go on."""
        try:
            records = self._dispatcher.feed(item)
        except AnkledError as error:
            log.exception("input refused", reason=str(error))
            return []
        for record in records:
            if isinstance(record, Live):
                self.live.said(record, item.host_ns)
                continue
            self.records += 1
            if isinstance(record, Rep):
                self._last_rep_ns = item.host_ns
                self.live.note(record, item.host_ns)
            elif isinstance(record, Event) and self._axes is not None:
                self._axes.note(record)
            self._outlet.take(record)
            if self.made is not None:
                self.made(record, item.host_ns)
        return records

    def _tick(self, now_ns: int) -> None:
        """Let time pass: it closes sets, ends sessions and tells of a wall clock that was set."""
        self._ticked_ns = now_ns
        self._feed(Tick(host_ns=now_ns))
        self.live.passed(now_ns)
        utc_ns = self._clock.utc_ns()
        if abs(utc_ns - now_ns - self._anchor_ns) > _ANCHOR_DRIFT_NS:
            self._anchor(now_ns, utc_ns)
        if self._last_rep_ns is not None and now_ns - self._last_rep_ns >= self.idle_end_s * _NS:
            log.info("session ended", reason="nobody moves", session=self._settings.session)
            self._feed(Stop(host_ns=now_ns, reason="idle"))
            self._begin(now_ns)

    def _begin(self, now_ns: int) -> None:
        """Begin a session, named by its moment."""
        self._last_rep_ns = None
        self._ticked_ns = now_ns
        utc_ns = self._clock.utc_ns()
        session, self._session = self._session, None
        self._settings = msgspec.structs.replace(
            self._settings,
            session=session or self._names.next(utc_ns),
            origin_ns=now_ns,
            devices=self._remembered(self._settings.devices),
        )
        logs.bind_session(self._settings.session)
        self._feed(Config(host_ns=now_ns, settings=self._settings))
        self._anchor(now_ns, utc_ns)

    def _anchor(self, now_ns: int, utc_ns: int) -> None:
        self._anchor_ns = utc_ns - now_ns
        self._feed(ClockAnchor(host_ns=now_ns, utc_ns=utc_ns))

    def _admit(self, link: Link) -> None:
        """Give a device that was adopted its settings, before its first input."""
        if all(device.slug != link.device for device in self._settings.devices):
            devices = (*self._settings.devices, *self._remembered([DeviceSettings(slug=link.device)]))
            self._settings = msgspec.structs.replace(self._settings, devices=devices)
            self._feed(Config(host_ns=link.host_ns, settings=self._settings))

    def _remembered(self, devices: Iterable[DeviceSettings]) -> tuple[DeviceSettings, ...]:
        """Return settings with the axes that earlier sessions have found: none change while a session runs."""
        return tuple(devices) if self._axes is None else self._axes.applied(devices)

    async def _report(self) -> None:
        """Tell of each sensor whether it is there and what is known of it, as it changes; keep the axes it showed."""
        while True:
            self.reporting.pulse.beat()
            self._tell()
            if self._axes is not None:
                await asyncio.to_thread(self._axes.save)
            await asyncio.sleep(_REPORT_S)

    def _tell(self) -> None:
        if self._links is None:
            return
        for status in self._links.status().devices:
            self.tell(status)

    def _act(self, slug: str, epoch: int, action: Action) -> None:
        if self._links is not None:
            self._links.act(slug, epoch, action)

    def _note(self, slug: str, event: SensorEvent) -> None:
        self.reporting.note(slug, event)
