"""What bytes cost to become samples: each sensor driver alone, and with the clock and the joiner behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.daemon.inputs import Link, Notification
from ankled.daemon.pipeline.context import Context
from ankled.daemon.pipeline.source import Source, SourceState
from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.registry import registry
from ankled.simulators.peripherals.catalogue import make
from benchmarks.report import Figure, Section
from benchmarks.speed.rounds import interleaved, ratio
from tests.drivers.conversation import Conversation, board

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.drivers.driver import Driver
    from benchmarks.speed.rounds import Prepare

SENSORS = tuple(
    name for name, one in registry().items() if one.info.kind == "sensor" and {"acc", "gyr"} <= set(one.info.streams)
)
SETTLED_S = 10.0
"""After so long every simulated sensor streams."""
ORIGIN_NS = 1_000_000_000_000
_NS = 1e9

NOTES = (
    (
        "Packets of the simulated device at its default rate, taken at connection events every 30 ms, fed one by one "
        "to a streaming driver. bare: the same bytes by np.frombuffer as 16-bit words, times a scale. Source.feed: "
        "the driver, the clock that puts samples onto the session's time, and the joiner of streams that come apart."
    ),
    "Medians over interleaved rounds; a ratio is the median of the rounds' own ratios. One core, everything in cache.",
)


@dataclass(frozen=True, slots=True)
class Stream:
    """What a sensor sends, and what the driver and its source were in when it began."""

    name: str
    packets: tuple[tuple[float, str, bytes], ...]
    """When it arrives in s, characteristic, value."""
    state: bytes
    rate_hz: float


def record(name: str, duration_s: float) -> Stream:
    """Let driver and simulated device converse until samples flow, then note what the device sends."""
    driver = registry()[name]()
    device = make(name, board("walk"))
    talk = Conversation(driver, device)
    talk.begin()
    talk.run(SETTLED_S)
    rates = [value["rate_hz"] for value in talk.events("settings") if isinstance(value["rate_hz"], int | float)]
    assert rates, f"the simulated {name} does not stream"
    packets = []
    now_s = talk.now_s
    while now_s < SETTLED_S + duration_s:
        now_s += talk.interval_s
        packets += [(now_s, out.characteristic, out.data) for out in device.advance(now_s)]
    return Stream(name, tuple(packets), driver.snapshot(), float(rates[-1]))


def driver_of(stream: Stream) -> Driver[Any]:
    """Return a driver that streams."""
    driver = registry()[stream.name]()
    driver.restore(stream.state)
    return driver


def source_of(stream: Stream) -> Source:
    """Return a source that streams."""
    link = Link(
        host_ns=ORIGIN_NS, device=stream.name, epoch=1, up=True, address="", name=stream.name, driver=stream.name
    )
    state = SourceState(
        link=link,
        options=Options(),
        driver_states=[stream.state],
        clocks={},
        joiner=None,
        due=[],
        rate_hz=stream.rate_hz,
        streams=registry()[stream.name].info.streams,
        undecodable=0,
    )
    return Source.restored(state, Context(node="bench", session="bench", origin_ns=ORIGIN_NS))


def samples_in(stream: Stream) -> int:
    """Return how many samples the packets hold: pairs of acceleration and angular rate, where they come apart."""
    feed = driver_of(stream).feed
    blocks = [
        output
        for _, uuid, data in stream.packets
        for output in feed(m.Notification(characteristic=uuid, data=data))
        if isinstance(output, m.Block)
    ]
    return sum(len(block) for block in blocks if block.gyr is not None)


def _bare(stream: Stream) -> Prepare:
    values = [data[: len(data) & ~1] for _, _, data in stream.packets]

    def run() -> None:
        for data in values:
            np.frombuffer(data, "<i2") * 0.001

    return lambda: run


def _driver(stream: Stream) -> Prepare:
    items = [m.Notification(characteristic=uuid, data=data) for _, uuid, data in stream.packets]

    def prepare() -> Callable[[], object]:
        feed = driver_of(stream).feed

        def run() -> None:
            for item in items:
                feed(item)

        return run

    return prepare


def _source(stream: Stream) -> Prepare:
    items = [
        Notification(
            host_ns=ORIGIN_NS + round(now_s * _NS), device=stream.name, epoch=1, characteristic=uuid, data=data
        )
        for now_s, uuid, data in stream.packets
    ]

    def prepare() -> Callable[[], object]:
        feed = source_of(stream).feed

        def run() -> None:
            for item in items:
                feed(item)

        return run

    return prepare


def measure(duration_s: float, rounds: int) -> Section:
    """Time bare bytes, driver and source over `duration_s` of each sensor."""
    streams = [record(name, duration_s) for name in SENSORS]
    ways: dict[str, Callable[[Stream], Prepare]] = {"bare": _bare, "driver": _driver, "source": _source}
    cases = {f"{way} {stream.name}": make(stream) for stream in streams for way, make in ways.items()}
    taken = interleaved(cases, rounds)
    figures: list[Figure] = []
    for stream in streams:
        name, packets, samples = stream.name, len(stream.packets), samples_in(stream)
        bare, driver, source = (taken[f"{way} {name}"] for way in ways)
        for key, label, seconds, beside in (
            ("driver", f"{name}: driver", driver, f"x {ratio(driver, bare):.1f} of bare"),
            ("source", "    Source.feed", source, f"x {ratio(source, driver):.1f} of the driver"),
        ):
            each_s = float(np.median(seconds))
            value = 1e9 * each_s / samples
            told = f"{beside}; {packets / each_s / 1000.0:.0f} thousand packets/s of {samples / packets:.1f} samples"
            figures.append(Figure(key=f"{name}_{key}_ns", label=label, value=value, unit="ns", digits=0, anchor=told))
            figures.append(Figure(key=f"{name}_{key}_packets_hz", label=label, value=packets / each_s, fine=True))
        figures.append(Figure(key=f"{name}_ratio", label=name, value=ratio(driver, bare), fine=True))
    title = f"decode: ns a sample, {duration_s:.0f} s of each sensor, {rounds} rounds"
    return Section(name="decode", title=title, figures=figures, notes=NOTES)
