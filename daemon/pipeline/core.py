"""The core: one pipeline per device and one per athlete, joined in the order of the inputs."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.inputs import (
    ClockAnchor,
    Command,
    Config,
    Dropped,
    Input,
    Link,
    Notification,
    ReadResult,
    State,
    Stop,
    Tick,
    WriteResult,
)
from ankled.daemon.pipeline.acceleration import AccelerationPipeline
from ankled.daemon.pipeline.athlete import AthleteState
from ankled.daemon.pipeline.base import DeviceState
from ankled.daemon.pipeline.context import Context, Numbers
from ankled.daemon.pipeline.links import Links
from ankled.daemon.pipeline.said import Said, detail_of, event_of, live_of
from ankled.daemon.pipeline.sessions import Sessions, named
from ankled.daemon.pipeline.source import SourceState
from ankled.drivers.messages import HangUp
from ankled.drivers.samples import Samples
from ankled.kernels import jit

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from ankled.daemon.pipeline.base import Pipeline
    from ankled.daemon.pipeline.said import Happening
    from ankled.daemon.pipeline.source import Out
    from ankled.daemon.records import Record
    from ankled.daemon.settings import DeviceSettings
    from ankled.drivers.messages import Action
    from ankled.drivers.messages import Event as SensorEvent

    Act: TypeAlias = Callable[[str, int, Action], None]
    Note: TypeAlias = Callable[[str, SensorEvent], None]
    Tap: TypeAlias = Callable[[Samples], None]


class CoreState(msgspec.Struct, kw_only=True):
    """All that the core remembers, beside its settings.

    `running`: a session has begun and not ended. `accelerometer_only`: the devices whose samples have no angular rate.
    """

    context: Context
    running: bool
    numbers: dict[str, Numbers]
    said: dict[str, Said]
    links: dict[str, SourceState]
    devices: dict[str, DeviceState]
    accelerometer_only: list[str]
    athletes: dict[str, AthleteState]


class Core:
    """Feeds inputs to pipelines. Synchronous, without a clock and without I/O.

    A Config begins a session, or changes the settings of the running one when it names the same; a Stop ends it. What
    comes between a Stop and the next Config belongs to no session and gives no record.
    """

    version = f"{version('ankled')}+{jit.source_digest(Path(jit.__file__).resolve().parent)}"
    """Which kernels a snapshot belongs to: their memory is not the memory of other kernels."""

    def __init__(self, act: Act | None = None, note: Note | None = None) -> None:
        """Begin without settings; the first input must be a Config.

        `act` is told what a driver wants done on its link, `note` what it says of its sensor: both alter no result, and
        a replay needs neither.
        """
        self._act = act
        self._note = note
        self.tap: Tap | None = None
        """Who is shown the decoded samples of links before they are processed; it must leave them as they are."""
        self._session = Sessions()
        self.parting: list[Action] = []
        """What the driver of the device that was last said farewell to wants done on its link."""
        self.links = Links(self._session.context)
        """The links that are up."""

    @property
    def devices(self) -> dict[str, Pipeline]:
        """The device pipelines of the session by slug; after its end those it had."""
        return self._session.devices

    @property
    def context(self) -> Context:
        """The session as it is now; not to be altered."""
        return self._session.context

    @property
    def last_seqs(self) -> dict[str, int]:
        """The `seq` that the last record of each device and athlete bore."""
        athletes = {slug: athlete.numbers.seq for slug, athlete in self._session.athletes.items()}
        return {slug: numbers.seq for slug, numbers in self._session.numbers.items()} | athletes

    def device_settings(self, slug: str) -> DeviceSettings:
        """Return the settings of a device as they hold now. Raises UsageError for one that is not configured."""
        return self._session.resolved(slug, self._session.settings)

    def said(self, slug: str) -> Said:
        """Return what the sensor of a device has said of itself."""
        return self._session.said.get(slug, Said())

    def feed(self, given: Input, /) -> list[Record]:
        """Take in one input and return what it completed, after the deadlines that were over before it."""
        if given.host_ns >= self.links.next_due_ns:
            records = [record for slug, out in self.links.due(given.host_ns) for record in self._made(slug, out, given)]
            return records + self._take(given)
        return self._take(given)

    def _take(self, given: Input) -> list[Record]:
        match given:
            case Notification() | ReadResult() | WriteResult():
                out = self.links.feed(given)
                return [] if out is None else self._made(given.device, out, given)
            case Config():
                return self._session.configure(given.settings, given.host_ns)
            case ClockAnchor():
                self._session.context.anchor_host_ns = given.host_ns
                self._session.context.anchor_utc_ns = given.utc_ns
            case State():
                self.restore(given.data)
            case Samples() | Tick() | Stop():
                self._session.check()
                return self._progress(given) if self._session.running else []
            case Link() | Command():
                return self._linked(given) if isinstance(given, Link) else self._asked(given)
            case Dropped():
                return self._event(given, "inputs_lost", {"count": given.count})
        return []

    def _asked(self, command: Command) -> list[Record]:
        """Do what a user asks for."""
        match command:
            case Command(name="farewell", device=str(slug)):
                self.parting = self.links.farewell(slug)
            case Command(name="mark_set", device=str(slug)):
                return self._session.mark(slug, command.host_ns) if self._session.running else []
            case Command(name="recalibrate", device=str(slug)):
                return self._session.anew(slug, command.host_ns) if self._session.running else []
            case Command(name="store_weight", device=str(slug)) if (source := self.links.get(slug)) is not None:
                device = self.device_settings(slug)
                mass_kg = None if device.mass_source == "default" else device.mass_kg
                out = source.set_weight(mass_kg, device.side, command.host_ns)
                self.links.look()
                return self._made(slug, out, command)
            case Command(name="store_weight"):
                pass  # it is not connected
            case _:
                message = f"command {command.name} is not known"
                raise UsageError(message)
        return []

    def snapshot(self) -> bytes:
        """Return everything the core remembers, for a capture file that begins here."""
        return msgspec.msgpack.encode(
            CoreState(
                context=self._session.context,
                running=self._session.running,
                numbers=self._session.numbers,
                said=self._session.said,
                links=self.links.snapshot(),
                devices={slug: device.snapshot() for slug, device in self._session.devices.items()},
                accelerometer_only=[
                    slug for slug, device in self._session.devices.items() if isinstance(device, AccelerationPipeline)
                ],
                athletes={slug: athlete.snapshot() for slug, athlete in self._session.athletes.items()},
            )
        )

    def restore(self, data: bytes, /) -> None:
        """Go on from a snapshot of the same `version`, after the Config that it was taken under."""
        self._session.check()
        try:
            state = msgspec.msgpack.decode(data, type=CoreState)
            session = self._session
            session.context, session.running = state.context, state.running
            session.numbers, session.said = state.numbers, state.said
            self.links.restore(state.links, session.context)
            session.devices, session.athletes = {}, {}
            for slug, device in state.devices.items():
                session.device(slug, gyroscope=slug not in state.accelerometer_only).restore(device)
            for slug, athlete in state.athletes.items():
                session.athlete(slug).restore(athlete)
        except (msgspec.DecodeError, ValueError) as error:
            message = f"the recording's opening state cannot be read: {error}"
            raise RecordingError(message) from error

    def _progress(self, given: Samples | Tick | Stop) -> list[Record]:
        """Take in what moves a running session on."""
        if isinstance(given, Samples):
            return self._session.feed(given)
        now_s = self._session.context.seconds(given.host_ns)
        return self._session.end(now_s) if isinstance(given, Stop) else self._session.tick(now_s)

    def _linked(self, link: Link) -> list[Record]:
        """Begin or end a connection."""
        settings = self._session.settings
        if not link.up:
            known = self.links.down(link)
            return self._event(link, "disconnected", {"reason": link.reason or "unknown"}) if known else []
        records = self._event(link, "connected", {"driver": link.driver, "name": link.name})
        try:
            out = self.links.up(link, named(link.device, settings.devices))
        except UsageError as error:
            if self._act is not None:
                self._act(link.device, link.epoch, HangUp(reason=str(error), lasting=True))
            return records + self._event(link, "sensor_error", {"message": str(error)})
        return records + self._made(link.device, out, link)

    def _made(self, slug: str, out: Out, given: Input) -> list[Record]:
        """Pass on what a source made of an input."""
        source = self.links.get(slug)
        records: list[Record] = []
        for action in out.actions:
            if isinstance(action, HangUp) and action.lasting and not _says(out.events, action.reason):
                records += self._event(given, "sensor_error", {"message": action.reason}, slug)
            if source is not None and self._act is not None:
                self._act(slug, source.link.epoch, action)
        for event in out.events:
            records += self._heard(slug, event, given)
        if self._session.running:
            for samples in out.samples:
                if self.tap is not None:
                    self.tap(samples)
                records += self._session.feed(samples)
        return records

    def _heard(self, slug: str, event: SensorEvent, given: Input) -> list[Record]:
        """Take in what a sensor says of itself."""
        if self._note is not None:
            self._note(slug, event)
        if event.name == "error":
            return self._event(given, "sensor_error", detail_of(event), slug)
        if event.name == "cadence" and self._session.running:
            device = self._session.resolved(slug, self._session.settings)
            return [live_of(event, device, self._session.context, given.host_ns)]
        said = self._session.said.get(slug, Said())
        if (fresh := said.after(event)) != said:
            self._session.said[slug] = fresh
            if (running := self._session.devices.get(slug)) is not None:
                new = self._session.resolved(slug, self._session.settings)
                return self._session.become(running, new, self._session.context.seconds(given.host_ns))
        return []

    def _event(self, given: Input, what: Happening, detail: dict[str, float | str], slug: str = "") -> list[Record]:
        """Return the record of something that happened to a device, while a session runs."""
        if not self._session.running:
            return []
        slug = slug or getattr(given, "device", "")
        numbers = self._session.numbers_of(slug)
        return [event_of(what, slug, numbers, self._session.context, given.host_ns, detail)]


def _says(events: list[SensorEvent], reason: str) -> bool:
    """Tell whether a sensor's error has this message."""
    return any(event.name == "error" and event.value.get("message") == reason for event in events)
