"""The source of a live device: what its link brings becomes samples on the session's clock, events and wishes.

One source is one connection. It owns the driver of the sensor, the drivers of the standard services beside it, the
clocks of its streams and the joiner of streams that come apart. It reads no clock: deadlines of drivers are kept here
and come due by the host time of the inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from ankled.daemon.errors import UsageError
from ankled.daemon.inputs import Link, Notification, ReadResult, WriteResult
from ankled.daemon.pipeline.clock import Clock, ClockState
from ankled.daemon.pipeline.joiner import Joiner, JoinerState
from ankled.daemon.pipeline.repeats import Repeats, RepeatsState
from ankled.drivers import messages as m
from ankled.drivers.driver import Options, Stream
from ankled.drivers.errors import DecodeError, DriverError, OptionsError
from ankled.drivers.registry import find, services_for
from ankled.drivers.samples import Samples

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context
    from ankled.daemon.records import Side
    from ankled.drivers.driver import Driver

_NS: Final = 1_000_000_000
NEVER: Final = 1 << 63
"""Later than any host time."""


class Due(msgspec.Struct, kw_only=True):
    """A deadline of one of the drivers."""

    driver: int
    name: str
    host_ns: int


class SourceState(msgspec.Struct, kw_only=True):
    """All that a source remembers. `driver_states` are of the sensor's driver, then those of the services."""

    link: Link
    options: Options
    driver_states: list[bytes]
    clocks: dict[str, ClockState]
    joiner: JoinerState | None
    due: list[Due]
    rate_hz: float | None
    streams: tuple[Stream, ...]
    undecodable: int
    repeats: RepeatsState = msgspec.field(default_factory=RepeatsState)


class Out(NamedTuple):
    """What a source makes of one input."""

    samples: list[Samples]
    events: list[m.Event]
    actions: list[m.Action]


class Source:
    """One connection to one device."""

    def __init__(self, link: Link, options: Options, context: Context) -> None:
        """Prepare. Raises UsageError when the driver is not known or does not offer what the options ask for."""
        self.link = link
        self._context = context
        self._options = options
        self._drivers = _drivers(link, self._options)
        self._routes = _routes(self._drivers)
        self.streams: tuple[Stream, ...] = self._drivers[0].info.streams
        """What the sensor sends: what its family can, until its settings say less."""
        self._clocks: dict[str, Clock] = {}
        self._joiner: Joiner | None = None
        self._due: list[Due] = []
        self.next_due_ns: int = NEVER
        """When the next deadline of a driver is over; never, if there is none."""
        self.rate_hz: float | None = None
        self.undecodable = 0
        """Packets that no driver could make anything of."""
        self.flows = False
        """Whether measurements have come, and not answers only."""
        self._counts = self._drivers[0].info.clock == "arrivals" and "acc" in self.streams
        self._repeats = Repeats()

    @property
    def clock(self) -> Clock | None:
        """The clock of the stream that came first."""
        return next(iter(self._clocks.values()), None)

    @property
    def given_up(self) -> int:
        """How many samples never met those of the other stream that belong to them."""
        return 0 if self._joiner is None else self._joiner.given_up

    def start(self) -> Out:
        """Begin, right after the link came up."""
        out = Out([], [], [])
        for index, driver in enumerate(self._drivers):
            self._sort(index, driver.start(), self.link.host_ns, out)
        return out

    def stop(self) -> list[m.Action]:
        """Return what to do before a wanted disconnect. The drivers know from here on that the stream is to end."""
        wanted = [item for driver in self._drivers for item in driver.stop()]
        return [item for item in wanted if not isinstance(item, m.Event | m.Block | m.Beat)]

    def set_weight(self, mass_kg: float | None, side: Side, host_ns: int) -> Out:
        """Have the sensor remember its mass and its leg, where it can. What it does not take is told as its error."""
        out = Out([], [], [])
        try:
            outputs = self._drivers[0].set_weight(mass_kg, side)
        except OptionsError as error:
            outputs = [m.Event(name="error", value={"message": f"the weight is not stored in the sensor: {error}"})]
        self._sort(0, outputs, host_ns, out)
        return out

    def due(self, host_ns: int) -> Out:
        """Feed the deadlines that are over at `host_ns`, the earliest first."""
        out = Out([], [], [])
        while over := [due for due in self._due if due.host_ns <= host_ns]:
            first = min(over, key=lambda due: (due.host_ns, due.driver, due.name))
            self._wait_for([due for due in self._due if due is not first])
            self._feed(first.driver, m.Timeout(name=first.name), host_ns, out)
        return out

    def feed(self, given: Notification | ReadResult | WriteResult) -> Out:
        """Take one value or answer of the device."""
        out = Out([], [], [])
        item: m.DriverInput
        match given:
            case Notification(characteristic=uuid, data=data):
                if self._counts and self._repeats.twice(given):
                    return out
                item = m.Notification(characteristic=uuid, data=data)
            case ReadResult(characteristic=uuid, data=data, error=error):
                item = m.ReadResult(characteristic=uuid, data=data, error=error)
            case WriteResult(characteristic=uuid, error=error):
                item = m.WriteResult(characteristic=uuid, error=error)
        for index in self._routes.get(uuid, (0,)):
            self._feed(index, item, given.host_ns, out)
        return out

    def snapshot(self) -> SourceState:
        """Return everything this object remembers."""
        return SourceState(
            link=self.link,
            options=self._options,
            driver_states=[driver.snapshot() for driver in self._drivers],
            clocks={name: clock.state for name, clock in self._clocks.items()},
            joiner=None if self._joiner is None else self._joiner.snapshot(),
            due=self._due,
            rate_hz=self.rate_hz,
            streams=self.streams,
            undecodable=self.undecodable,
            repeats=self._repeats.state,
        )

    @classmethod
    def restored(cls, state: SourceState, context: Context) -> Source:
        """Return a source that goes on from a snapshot. Raises msgspec.DecodeError and UsageError."""
        source = cls(state.link, state.options, context)
        for driver, data in zip(source._drivers, state.driver_states, strict=True):
            driver.restore(data)
        source.rate_hz, source.streams = state.rate_hz, state.streams
        source._clocks = {name: Clock(source._clock_rate(name), clock) for name, clock in state.clocks.items()}
        if state.joiner is not None:
            source._joiner = Joiner(state.rate_hz or 1.0)
            source._joiner.restore(state.joiner)
        source._wait_for(state.due)
        source.undecodable = state.undecodable
        source._repeats = Repeats(state.repeats)
        return source

    def _feed(self, index: int, item: m.DriverInput, host_ns: int, out: Out) -> None:
        """Feed one driver; a packet it cannot decode is counted and lost."""
        try:
            self._sort(index, self._drivers[index].feed(item), host_ns, out)
        except DecodeError as error:
            self.undecodable += 1
            if self.undecodable == 1:
                out.events.append(m.Event(name="error", value={"message": f"a packet cannot be decoded: {error}"}))
        except Exception as error:  # noqa: BLE001  (a plug-in's defect costs its own link, not everybody's)
            self._broken(index, error, out)

    def _broken(self, index: int, error: Exception, out: Out) -> None:
        """Hang up on a driver that does what no driver may."""
        name = self._drivers[index].info.name
        why = f"driver {name} failed: {type(error).__name__}: {error}"
        out.actions.append(m.HangUp(reason=why, lasting=True))

    def _sort(self, index: int, outputs: list[m.DriverOutput], host_ns: int, out: Out) -> None:
        """Give each output of a driver its way."""
        for output in outputs:
            match output:
                case m.Block():
                    self.flows = True
                    self._repeats.state.several = len(output) > 1
                    if (samples := self._placed(output, host_ns)) is not None:
                        out.samples.append(samples)
                case m.Beat(time_s=time_s):
                    if (clock := self._clocks.get("sensor")) is not None:
                        clock.beat(time_s, (host_ns - self.link.host_ns) / _NS)
                case m.Event():
                    self._hear(output)
                    if output.name != "error" or self._repeats.is_news(output.value, host_ns):
                        out.events.append(output)
                case m.Deadline(name=name, after_s=after_s):
                    others = [due for due in self._due if (due.driver, due.name) != (index, name)]
                    if after_s is not None:
                        others.append(Due(driver=index, name=name, host_ns=host_ns + round(after_s * _NS)))
                    self._wait_for(others)
                case _:
                    out.actions.append(output)

    def _hear(self, event: m.Event) -> None:
        """Take in what touches the samples to come."""
        if event.name == "settings" and isinstance(rate_hz := event.value.get("rate_hz"), int | float):
            self._set_rate(float(rate_hz))
            self._set_streams(event.value.get("streams"))
        self.flows = self.flows or event.name == "cadence"

    def _wait_for(self, due: list[Due]) -> None:
        """Keep these deadlines."""
        self._due = due
        self.next_due_ns = min((one.host_ns for one in due), default=NEVER)

    def _set_rate(self, rate_hz: float) -> None:
        """Take the rate that the sensor says; counted clocks and the joiner begin anew when it changes."""
        if rate_hz != self.rate_hz:
            self.rate_hz = rate_hz
            self._clocks.clear()
            self._joiner = None

    def _set_streams(self, streams: m.Value) -> None:
        """Take what the sensor says it sends."""
        if isinstance(streams, list):
            self.streams = tuple(one for one in self._drivers[0].info.streams if one in streams)

    def _placed(self, block: m.Block, host_ns: int) -> Samples | None:
        """Return the samples on the session's clock; None while they wait for their counterpart, or are refused."""
        if self.rate_hz is None:
            msg = f"driver {self.link.driver} gives samples before it has given settings with rate_hz"
            raise RuntimeError(msg)
        apart = "acc" if block.gyr is None else "gyr" if block.acc is None else ""
        # The streams of one sensor share its clock; samples that are counted are counted for each stream.
        name = "sensor" if block.time_s is not None else f"counted {apart}".strip()
        clock = self._clocks.get(name)
        if clock is None:
            clock = self._clocks[name] = Clock(self._clock_rate(name))
        time_s = clock.place(block.time_s, len(block), block.missing, (host_ns - self.link.host_ns) / _NS, apart)
        if time_s is None:
            return None
        acc, gyr, missing = block.acc, block.gyr, block.missing
        if apart and "gyr" in self.streams and "acc" in self.streams:
            if self._joiner is None:
                self._joiner = Joiner(self.rate_hz)
            self._joiner.add(time_s, acc, gyr, missing)
            joined = self._joiner.take()
            if joined is None:
                return None
            time_s, acc, gyr, missing = joined
        if acc is None:
            return None
        # The clock counts from the beginning of the link: sessions may come and go while it is up.
        time_s = time_s + self._context.seconds(self.link.host_ns)
        return Samples(device=self.link.device, host_ns=host_ns, time_s=time_s, acc=acc, gyr=gyr, missing=missing)

    def _clock_rate(self, name: str) -> float | None:
        return None if name == "sensor" else self.rate_hz


def _drivers(link: Link, options: Options) -> list[Driver[Any]]:
    """Return the driver of the sensor, then those of the standard services that are on the link."""
    try:
        sensor = find(link.driver)
        taken = set(sensor.info.characteristics.values())
        beside = [find(name) for name in services_for(link.services) if name != link.driver]
        return [sensor(options)] + [one() for one in beside if not taken & set(one.info.characteristics.values())]
    except DriverError as error:
        message = f"device {link.device}: {error}"
        raise UsageError(message) from error


def _routes(drivers: list[Driver[Any]]) -> dict[str, tuple[int, ...]]:
    """Return which drivers know a characteristic."""
    routes: dict[str, tuple[int, ...]] = {}
    for index, driver in enumerate(drivers):
        for uuid in driver.info.characteristics.values():
            routes[uuid] = (*routes.get(uuid, ()), index)
    return routes
