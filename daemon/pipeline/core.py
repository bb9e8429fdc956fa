"""The core: one pipeline per device and one per athlete, joined in the order of the inputs."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.inputs import ClockAnchor, Command, Config, Dropped, Input, Link, State, Stop, Tick
from ankled.daemon.pipeline.athlete import AthletePipeline, AthleteState
from ankled.daemon.pipeline.context import Context
from ankled.daemon.pipeline.device import DevicePipeline, DeviceState
from ankled.drivers.samples import Samples
from ankled.kernels import jit

if TYPE_CHECKING:
    from ankled.daemon.records import Record
    from ankled.daemon.settings import DeviceSettings, PipelineSettings

_NS = 1e9


class CoreState(msgspec.Struct, kw_only=True):
    """All that the core remembers, beside its settings."""

    context: Context
    devices: dict[str, DeviceState]
    athletes: dict[str, AthleteState]


class Core:
    """Feeds inputs to pipelines. Synchronous, without a clock and without I/O."""

    version = f"{version('ankled')}+{jit.source_digest(Path(jit.__file__).resolve().parent)}"
    """Which kernels a snapshot belongs to: their memory is not the memory of other kernels."""

    def __init__(self) -> None:
        """Begin without settings; the first input must be a Config."""
        self._settings: PipelineSettings | None = None
        self._context = Context(node="", session="", origin_ns=0)
        self._devices: dict[str, DevicePipeline] = {}
        self._athletes: dict[str, AthletePipeline] = {}

    @property
    def devices(self) -> dict[str, DevicePipeline]:
        """The running device pipelines by slug."""
        return self._devices

    def feed(self, given: Input, /) -> list[Record]:  # noqa: PLR0911  (one way out a kind of input)
        """Take in one input and return what it completed."""
        match given:
            case Samples():
                return self._joined(given.device, self._device(given.device).feed(given))
            case Tick():
                now_s = self._session_s(given.host_ns)
                return [
                    record
                    for slug, device in self._devices.items()
                    for record in self._joined(slug, device.tick(now_s))
                ]
            case Config():
                return self._configure(given.settings, given.host_ns)
            case ClockAnchor():
                self._context.anchor_host_ns = given.host_ns
                self._context.anchor_utc_ns = given.utc_ns
                return []
            case Stop():
                return self._stop(self._session_s(given.host_ns))
            case Link() | Dropped():
                return []
            case State():
                self.restore(given.data)
                return []
            case Command():
                message = f"command {given.name} is not known"
                raise UsageError(message)
            case _:
                message = f"device {given.device}: no driver decodes its packets"
                raise UsageError(message)

    def snapshot(self) -> bytes:
        """Return everything the core remembers, for a capture file that begins here."""
        return msgspec.msgpack.encode(
            CoreState(
                context=self._context,
                devices={slug: device.snapshot() for slug, device in self._devices.items()},
                athletes={slug: athlete.snapshot() for slug, athlete in self._athletes.items()},
            )
        )

    def restore(self, data: bytes, /) -> None:
        """Go on from a snapshot of the same `version`, after the Config that it was taken under."""
        try:
            decoded = msgspec.msgpack.decode(data, type=CoreState)
        except msgspec.DecodeError as error:
            message = f"the recording's opening state cannot be read: {error}"
            raise RecordingError(message) from error
        for name in Context.__struct_fields__:
            setattr(self._context, name, getattr(decoded.context, name))
        for slug, device in decoded.devices.items():
            self._device(slug).restore(device)
        for slug, athlete in decoded.athletes.items():
            self._athletes.setdefault(slug, AthletePipeline(slug, self._context)).restore(athlete)

    def _session_s(self, host_ns: int) -> float:
        """Return host time as session time."""
        return (host_ns - self._context.origin_ns) / _NS

    def _device(self, slug: str) -> DevicePipeline:
        """Return the pipeline of a device, made when its first samples come."""
        if slug not in self._devices:
            self._devices[slug] = DevicePipeline(
                self._device_settings(slug), self._context, set_rest_s=self._required().set_rest_s
            )
        return self._devices[slug]

    def _required(self) -> PipelineSettings:
        """Return the settings; nothing can be fed before they are there."""
        if self._settings is None:
            message = "the recording does not begin with its settings"
            raise RecordingError(message)
        return self._settings

    def _device_settings(self, slug: str) -> DeviceSettings:
        """Return the settings of a device."""
        for device in self._required().devices:
            if device.slug == slug:
                return device
        known = ", ".join(device.slug for device in self._required().devices) or "none"
        message = f"device {slug} is not configured; configured: {known}"
        raise UsageError(message)

    def _configure(self, settings: PipelineSettings, host_ns: int) -> list[Record]:
        """Take new settings; a device whose settings changed closes what it has open and begins anew."""
        changed = [
            slug for slug, device in self._devices.items() if device.device not in settings.devices
        ]  # an unchanged device goes on as if nothing had happened
        records = [record for slug in changed for record in self._joined(slug, self._devices[slug].stop())]
        for slug in changed:
            del self._devices[slug]
        if self._settings is None:
            self._context.origin_ns = host_ns if settings.origin_ns is None else settings.origin_ns
        self._context.node = settings.node
        self._context.session = settings.session
        self._settings = settings
        return records

    def _joined(self, slug: str, records: list[Record]) -> list[Record]:
        """Return a device's records with those of its athlete that they complete, each behind its cause."""
        if not records:
            return records
        name = self._devices[slug].device.athlete
        if name is None:
            return records
        athlete = self._athletes.setdefault(name, AthletePipeline(name, self._context))
        return [made for record in records for made in (record, *athlete.feed(record))]

    def _stop(self, now_s: float) -> list[Record]:
        """Close everything."""
        records = [
            record for slug, device in self._devices.items() for record in self._joined(slug, device.stop(now_s))
        ]
        for athlete in self._athletes.values():
            records += athlete.stop(now_s)
        return records
