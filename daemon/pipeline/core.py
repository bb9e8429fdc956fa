"""The core: one pipeline per device and one per athlete, joined in the order of the inputs."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.inputs import ClockAnchor, Command, Config, Dropped, Input, Link, State, Stop, Tick
from ankled.daemon.pipeline.athlete import AthletePipeline, AthleteState
from ankled.daemon.pipeline.context import Context, Numbers
from ankled.daemon.pipeline.device import DevicePipeline, DeviceState
from ankled.daemon.records import Rep, Set
from ankled.drivers.samples import Samples
from ankled.kernels import jit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ankled.daemon.records import Record
    from ankled.daemon.settings import DeviceSettings, PipelineSettings


class CoreState(msgspec.Struct, kw_only=True):
    """All that the core remembers, beside its settings. `running`: a session has begun and not ended."""

    context: Context
    running: bool
    numbers: dict[str, Numbers]
    devices: dict[str, DeviceState]
    athletes: dict[str, AthleteState]


class Core:
    """Feeds inputs to pipelines. Synchronous, without a clock and without I/O.

    A Config begins a session, or changes the settings of the running one when it names the same; a Stop ends it. What
    comes between a Stop and the next Config belongs to no session and gives no record.
    """

    version = f"{version('ankled')}+{jit.source_digest(Path(jit.__file__).resolve().parent)}"
    """Which kernels a snapshot belongs to: their memory is not the memory of other kernels."""

    def __init__(self) -> None:
        """Begin without settings; the first input must be a Config."""
        self._settings: PipelineSettings | None = None
        self._context = Context(node="", session="", origin_ns=0)
        self._running = False
        self._numbers: dict[str, Numbers] = {}
        self._devices: dict[str, DevicePipeline] = {}
        self._athletes: dict[str, AthletePipeline] = {}

    @property
    def devices(self) -> dict[str, DevicePipeline]:
        """The device pipelines of the session by slug; after its end those it had."""
        return self._devices

    def feed(self, given: Input, /) -> list[Record]:
        """Take in one input and return what it completed."""
        match given:
            case Config():
                return self._configure(given.settings, given.host_ns)
            case ClockAnchor():
                self._context.anchor_host_ns = given.host_ns
                self._context.anchor_utc_ns = given.utc_ns
            case State():
                self.restore(given.data)
            case Samples() | Tick() | Stop():
                self._required()
                return self._progress(given) if self._running else []
            case Link() | Dropped():
                pass
            case Command():
                message = f"command {given.name} is not known"
                raise UsageError(message)
            case _:
                message = f"device {given.device}: no driver decodes its packets"
                raise UsageError(message)
        return []

    def snapshot(self) -> bytes:
        """Return everything the core remembers, for a capture file that begins here."""
        return msgspec.msgpack.encode(
            CoreState(
                context=self._context,
                running=self._running,
                numbers=self._numbers,
                devices={slug: device.snapshot() for slug, device in self._devices.items()},
                athletes={slug: athlete.snapshot() for slug, athlete in self._athletes.items()},
            )
        )

    def restore(self, data: bytes, /) -> None:
        """Go on from a snapshot of the same `version`, after the Config that it was taken under."""
        self._required()
        try:
            state = msgspec.msgpack.decode(data, type=CoreState)
            self._context, self._running, self._numbers = state.context, state.running, state.numbers
            self._devices, self._athletes = {}, {}
            for slug, device in state.devices.items():
                self._device(slug).restore(device)
            for slug, athlete in state.athletes.items():
                self._athlete(slug).restore(athlete)
        except (msgspec.DecodeError, ValueError) as error:
            message = f"the recording's opening state cannot be read: {error}"
            raise RecordingError(message) from error

    def _progress(self, given: Samples | Tick | Stop) -> list[Record]:
        """Take in what moves a running session on."""
        if isinstance(given, Samples):
            return self._joined(self._device(given.device).feed(given))
        now_s = self._context.seconds(given.host_ns)
        if isinstance(given, Stop):
            return self._end(now_s)
        return self._joined([record for device in self._devices.values() for record in device.tick(now_s)])

    def _device(self, slug: str) -> DevicePipeline:
        """Return the pipeline of a device, made when its first samples come."""
        if slug not in self._devices:
            settings = self._required()
            self._devices[slug] = DevicePipeline(
                _named(slug, settings.devices),
                self._context,
                self._numbers.setdefault(slug, Numbers()),
                set_rest_s=settings.set_rest_s,
            )
        return self._devices[slug]

    def _athlete(self, slug: str) -> AthletePipeline:
        """Return the pipeline of an athlete, made when the first record of one of the devices comes."""
        return self._athletes.setdefault(slug, AthletePipeline(slug, self._context))

    def _required(self) -> PipelineSettings:
        """Return the settings; nothing can be fed before they are there."""
        if self._settings is None:
            message = "the recording does not begin with its settings"
            raise RecordingError(message)
        return self._settings

    def _configure(self, settings: PipelineSettings, host_ns: int) -> list[Record]:
        """Begin a session, or change the settings of the running one."""
        records: list[Record] = []
        now_s = self._context.seconds(host_ns)
        if not self._running or settings.session != self._context.session:
            records = self._end(now_s)
            self._begin(settings, host_ns)
        else:
            records = self._change(settings, now_s)
        self._context.node = settings.node
        self._settings = settings
        return records

    def _begin(self, settings: PipelineSettings, host_ns: int) -> None:
        """Begin a session; ids count from 1 again unless it bears the name of the one before."""
        self._devices.clear()
        if settings.session != self._context.session:
            for numbers in (*self._numbers.values(), *(athlete.numbers for athlete in self._athletes.values())):
                numbers.of.clear()
        self._context.session = settings.session
        self._context.origin_ns = host_ns if settings.origin_ns is None else settings.origin_ns
        self._running = True

    def _change(self, settings: PipelineSettings, now_s: float) -> list[Record]:
        """Change the running session's devices; one whose settings stayed goes on as if nothing had happened.

        One that is gone, or whose kernels cannot go on, closes what it has open: its next samples begin anew.
        """
        wanted = {device.slug: device for device in settings.devices}
        records: list[Record] = []
        for slug, device in list(self._devices.items()):
            device.set_rest_s = settings.set_rest_s
            new = wanted.get(slug)
            if new == device.device:
                continue
            if new is not None and device.can_become(new):
                records += self._joined(device.change(new, now_s))
            else:
                records += self._joined(device.stop(now_s, "request"))
                del self._devices[slug]
        return records

    def _end(self, now_s: float) -> list[Record]:
        """Close everything that is open, and sum up."""
        if not self._running:
            return []
        self._running = False
        records = self._joined([record for device in self._devices.values() for record in device.stop(now_s)])
        end_s = max([now_s, *(device.time_s for device in self._devices.values())])
        for athlete in self._athletes.values():
            records += athlete.stop(end_s)
        return records

    def _joined(self, records: list[Record]) -> list[Record]:
        """Return records of devices with those of the athletes that they complete, each behind its cause."""
        made: list[Record] = []
        for record in records:
            made.append(record)
            if isinstance(record, Rep | Set) and record.athlete is not None:
                made += self._athlete(record.athlete).feed(record)
        return made


def _named(slug: str, devices: Sequence[DeviceSettings]) -> DeviceSettings:
    """Return the settings of a device."""
    for device in devices:
        if device.slug == slug:
            return device
    known = ", ".join(device.slug for device in devices) or "none"
    message = f"device {slug} is not configured; configured: {known}"
    raise UsageError(message)
