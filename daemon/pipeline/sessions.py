"""Sessions: the pipelines of their devices and athletes, begun, altered and ended by settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.pipeline.acceleration import AccelerationPipeline
from ankled.daemon.pipeline.athlete import AthletePipeline
from ankled.daemon.pipeline.context import Context, Numbers
from ankled.daemon.pipeline.device import DevicePipeline
from ankled.daemon.records import Alert, Rep, Set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ankled.daemon.pipeline.base import Pipeline
    from ankled.daemon.pipeline.said import Said
    from ankled.daemon.records import Record
    from ankled.daemon.settings import DeviceSettings, PipelineSettings
    from ankled.drivers.samples import Samples


class Sessions:
    """One session after the other; what counts over all of them lives on."""

    def __init__(self) -> None:
        """Begin without settings."""
        self._settings: PipelineSettings | None = None
        self.context = Context(node="", session="", origin_ns=0)
        self.running = False
        self.numbers: dict[str, Numbers] = {}
        self.said: dict[str, Said] = {}
        self.devices: dict[str, Pipeline] = {}
        self.athletes: dict[str, AthletePipeline] = {}

    @property
    def settings(self) -> PipelineSettings:
        """The settings; nothing can be fed before they are there."""
        if self._settings is None:
            message = "the recording does not begin with its settings"
            raise RecordingError(message)
        return self._settings

    def check(self) -> None:
        """Raise RecordingError while there are no settings."""
        _ = self.settings

    def configure(self, settings: PipelineSettings, host_ns: int) -> list[Record]:
        """Begin a session, or change the settings of the running one."""
        records: list[Record] = []
        now_s = self.context.seconds(host_ns)
        if not self.running or settings.session != self.context.session:
            records = self.end(now_s)
            self.begin(settings, host_ns)
        else:
            records = self.change(settings, now_s)
        self.context.node = settings.node
        self._settings = settings
        return records

    def device(self, slug: str, *, gyroscope: bool = True) -> Pipeline:
        """Return the pipeline of a device, made when its first samples come, by whether they have an angular rate."""
        if slug not in self.devices:
            settings = self.settings
            self.devices[slug] = (DevicePipeline if gyroscope else AccelerationPipeline)(
                self.resolved(slug, settings),
                self.context,
                self.numbers_of(slug),
                set_rest_s=settings.set_rest_s,
            )
        return self.devices[slug]

    def feed(self, samples: Samples) -> list[Record]:
        """Feed samples to the pipeline of their device; where its gyroscope came or went, another one takes over."""
        slug, gyroscope = samples.device, samples.gyr is not None
        running = self.devices.get(slug)
        records: list[Record] = []
        if running is not None and isinstance(running, DevicePipeline) != gyroscope:
            del self.devices[slug]
            records = self.joined(running.stop(self.context.seconds(samples.host_ns), "request"))
        return records + self.joined(self.device(slug, gyroscope=gyroscope).feed(samples))

    def athlete(self, slug: str) -> AthletePipeline:
        """Return the pipeline of an athlete, made when the first record of one of the devices comes."""
        if slug not in self.athletes:
            self.athletes[slug] = AthletePipeline(slug, self.context, self._fresh(slug))
        return self.athletes[slug]

    def numbers_of(self, slug: str) -> Numbers:
        """Return what counts the records of a device."""
        if slug not in self.numbers:
            self.numbers[slug] = self._fresh(slug)
        return self.numbers[slug]

    def _fresh(self, slug: str) -> Numbers:
        """Return numbers that go on where an earlier run has ended."""
        return Numbers(seq=self.settings.last_seqs.get(slug, 0))

    def begin(self, settings: PipelineSettings, host_ns: int) -> None:
        """Begin a session; ids count from 1 again unless it bears the name of the one before."""
        self.devices.clear()
        if settings.session != self.context.session:
            for numbers in (*self.numbers.values(), *(athlete.numbers for athlete in self.athletes.values())):
                numbers.of.clear()
        self.context.session = settings.session
        self.context.origin_ns = host_ns if settings.origin_ns is None else settings.origin_ns
        self.running = True

    def change(self, settings: PipelineSettings, now_s: float) -> list[Record]:
        """Change the running session's devices; one whose settings stayed goes on as if nothing had happened.

        One that is gone, or whose kernels cannot go on, closes what it has open: its next samples begin anew.
        """
        wanted = {device.slug: self.resolved(device.slug, settings) for device in settings.devices}
        records: list[Record] = []
        for slug, device in list(self.devices.items()):
            device.set_rest_s = settings.set_rest_s
            records += self.become(device, wanted.get(slug), now_s)
        return records

    def become(self, device: Pipeline, new: DeviceSettings | None, now_s: float) -> list[Record]:
        """Give a running device its new settings, or end it where there are none or its kernels cannot go on."""
        if new == device.device:
            return []
        if new is not None and device.can_become(new):
            return self.joined(device.change(new, now_s))
        del self.devices[device.device.slug]
        return self.joined(device.stop(now_s, "request"))

    def mark(self, slug: str, host_ns: int) -> list[Record]:
        """Close the open set of a device."""
        running = self.devices.get(slug)
        return [] if running is None else self.joined(running.mark(self.context.seconds(host_ns)))

    def anew(self, slug: str, host_ns: int) -> list[Record]:
        """Let the kernels of a device begin anew with its next samples: what they found of its axes is forgotten."""
        running = self.devices.pop(slug, None)
        return [] if running is None else self.joined(running.stop(self.context.seconds(host_ns), "request"))

    def resolved(self, slug: str, settings: PipelineSettings) -> DeviceSettings:
        """Return the settings of a device, with what its sensor says where nothing else is configured."""
        device = named(slug, settings.devices)
        said = self.said.get(slug)
        return device if said is None else said.applied(device)

    def end(self, now_s: float) -> list[Record]:
        """Close everything that is open, and sum up."""
        if not self.running:
            return []
        self.running = False
        records = self.joined([record for device in self.devices.values() for record in device.stop(now_s)])
        end_s = max([now_s, *(device.time_s for device in self.devices.values())])
        for athlete in self.athletes.values():
            records += athlete.stop(end_s)
        return records

    def tick(self, now_s: float) -> list[Record]:
        """Let time pass: a rest that is long enough closes a set."""
        return self.joined([record for device in self.devices.values() for record in device.tick(now_s)])

    def joined(self, records: list[Record]) -> list[Record]:
        """Return records of devices with those of the athletes that they complete, each behind its cause."""
        made: list[Record] = []
        for record in records:
            made.append(record)
            if isinstance(record, Rep | Set | Alert) and record.athlete is not None:
                made += self.athlete(record.athlete).feed(record)
        return made


def named(slug: str, devices: Sequence[DeviceSettings]) -> DeviceSettings:
    """Return the settings of a device."""
    for device in devices:
        if device.slug == slug:
            return device
    known = ", ".join(device.slug for device in devices) or "none"
    message = f"device {slug} is not configured; configured: {known}"
    raise UsageError(message)
