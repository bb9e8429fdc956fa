"""`python -m benchmarks.speed.live.daemon SPEC BROKER COUNT RATE_HZ CAPTURE TOLD`: the daemon, until a SIGTERM.

What `ankled run` puts together, with a note of the input that completed each record. Prints what it counted at its end.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon import logs, stopping
from ankled.daemon.capture import form
from ankled.daemon.capture.writer import CaptureWriter
from ankled.daemon.cli.live import run_to_end
from ankled.daemon.cli.warm import warm
from ankled.daemon.config.schema import Config, DeviceConfig, MqttConfig, RadioConfig
from ankled.daemon.inputs import Notification
from ankled.daemon.live import launch, radio
from ankled.daemon.live.outlet import BrokerOutlet
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.records import Rep
from ankled.simulators.radio.world import static_address
from benchmarks.speed.live.cast import NODE, Completed, Ran, labels, side_of

if TYPE_CHECKING:
    from ankled.daemon.inputs import Input
    from ankled.daemon.mqtt.connection import Message
    from ankled.daemon.pipeline.links import Links
    from ankled.daemon.pipeline.source import Out
    from ankled.daemon.records import Record


class NotingWriter(CaptureWriter):
    """The recorder: the dispatcher gives it every input right before it is processed."""

    given: Input | None = None

    def write(self, number: int, item: Input) -> None:
        """Record an input, and remember it."""
        self.given = item
        super().write(number, item)


class NotingOutlet(BrokerOutlet):
    """The way to the broker, with a note of what completed each repetition."""

    def __init__(self, publisher: Publisher, outbox: Outbox, writer: NotingWriter) -> None:
        super().__init__(publisher, outbox)
        self.completed: list[Completed] = []
        self._writer = writer

    def take(self, record: Record) -> None:
        """Note a repetition, and hand it on."""
        given = self._writer.given
        if isinstance(record, Rep) and isinstance(given, Notification):
            now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            self.completed.append(Completed(record.id, given.host_ns, now_ns))
        super().take(record)


class NotingPublisher(Publisher):
    """The publisher, with a count of the messages of the moment."""

    moments = 0
    first_s = last_s = 0.0

    def say(self, message: Message) -> None:
        """Count it, and send it."""
        self._count()
        super().say(message)

    def show(self, record: Record) -> None:
        """Count it, and send it."""
        self._count()
        super().show(record)

    def _count(self) -> None:
        self.last_s = time.monotonic()
        self.first_s = self.first_s or self.last_s
        self.moments += 1


class Tally:
    """Counts the samples that come out of the drivers, clocks and joiners."""

    def __init__(self, links: Links) -> None:
        self.decoded: dict[str, int] = {}
        self.missing = self.packets = 0
        self._feed = links.feed
        links.feed = self  # type: ignore[method-assign, assignment]  # the one place that all samples come by

    def __call__(self, given: Notification) -> Out | None:
        """Pass an input on and count what it gives."""
        out = self._feed(given)
        if out is not None:
            self.packets += isinstance(given, Notification)
            for samples in out.samples:
                self.decoded[given.device] = self.decoded.get(given.device, 0) + len(samples.acc)
                self.missing += samples.missing
        return out


def config_for(count: int, rate_hz: float, told: str) -> Config:
    """Return a configuration of so many sensors, two an athlete."""
    devices = tuple(
        DeviceConfig(
            slug=label, address=static_address(label), side=side_of(label), athlete=f"a{label[-1]}", rate_hz=rate_hz
        )
        for label in labels(count)
    )
    mqtt = MqttConfig(publish_live=told != "results", publish_imu=told == "imu")
    return Config(node=NODE, devices=devices, radio=RadioConfig(slots=count), mqtt=mqtt)


async def run(spec: str, broker: str, config: Config, capture: Path) -> int:
    """Run until a signal, and print what was counted."""
    stop = asyncio.Event()
    topics = Topics(base=config.mqtt.base, node=config.node)
    writer = NotingWriter(capture, form.origin(config.node, "live"))
    with stopping.stoppable(stop):
        async with (
            radio.opened(spec) as backends,
            Outbox(capture.with_suffix(".db")) as outbox,
            NotingPublisher(BrokerAddress.parse(broker), topics, launch.options(config), outbox) as publisher,
        ):
            outlet = NotingOutlet(publisher, outbox, writer)
            live = launch.Live(config, backends, outlet, board=publisher, outbox=outbox)
            tally = Tally(live.service.core.links)
            await live.run(stop, writer)
            await outlet.flushed(3.0)
    writer.close()
    counts = [device.counts for device in live.service.core.devices.values()]
    statistics = live.service.queue.statistics
    ran = Ran(
        completed=outlet.completed,
        decoded=tally.decoded,
        missing=tally.missing + sum(one["missing"] + one["gaps"] for one in counts),
        dropped=statistics.dropped,
        most_waiting=statistics.most,
        packets=tally.packets,
        moments=publisher.moments,
        streamed_s=publisher.last_s - publisher.first_s,
    )
    sys.stdout.write(msgspec.json.encode(ran).decode() + "\n")
    return 0


def main(spec: str, broker: str, count: str, rate_hz: str, capture: str, told: str) -> None:  # noqa: PLR0913, PLR0917  (a command line)
    """Run as the command does."""
    logs.configure("error", "json")
    warm()
    run_to_end(run(spec, broker, config_for(int(count), float(rate_hz), told), Path(capture)))


if __name__ == "__main__":
    main(*sys.argv[1:])
