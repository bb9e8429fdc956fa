"""MbientLab MetaMotion R and RL (BMI160) and S (BMI270).

A connection goes through these phases: *discovering* (take away what an earlier connection left, ask which sensors
there are), *configuring* (let them rest, set rate and range, read both back), *streaming*. A command is never answered
with an error; what does not take effect shows in what is read back, or in silence. Either leads to another attempt
from the beginning, three in all, then the board is restarted and the link dropped.

Samples come three a packet, acceleration and rotation in packets of their own, in 20 bytes, so that any link carries
them; `pairing` says what can be known about their order and their losses. They carry no time. An accounter on the
board would put a tick in front, but three samples and a tick are 25 bytes: packets would hold one sample each. So time
comes from the arrivals, and packets of accounters are decoded only where somebody else asked for them (`for_decoding`).

Events: `info` {chip, gyroscope, acc_revision, gyr_revision}, `settings` {rate_hz, acc_range_g, gyr_range_dps,
streams}, `battery` {level, voltage_mv}, `error` {message}, and those of `decoding` where a driver was made for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self

import msgspec

from ankled.drivers import messages as m
from ankled.drivers.driver import Driver, DriverInfo, Options
from ankled.drivers.errors import DecodeError
from ankled.drivers.metamotion import bring_up, commands, decoding, packets, wire
from ankled.drivers.metamotion.pairing import Pairing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.drivers.messages import DriverInput, DriverOutput, Value
    from ankled.drivers.metamotion.wire import Axis3

_ATTEMPTS = 3
_ANSWER_S = 3.0
_DATA_S = 3.0
"""The gyroscope takes up to 80 ms to wake, then a packet comes each 15 to 120 ms."""
_BATTERY_S = 60.0
_SILENT_S = 2.0
"""How long one sensor may send alone before the connection is made anew."""
_DEADLINES = ("answer", "data", "battery")

_DEFAULT_RATE_HZ: Final = 100.0
_DEFAULT_ACC_G: Final = 16.0
_DEFAULT_GYR_DPS: Final = 2000.0

Phase = Literal["new", "discovering", "configuring", "streaming", "over", "decoding"]


class MetaMotionState(msgspec.Struct):
    """What a connection remembers.

    `found` holds implementation and revision of both modules by their number, None for an absent one; `settled` the
    streams whose configuration was read back as asked; `heard` those that have sent samples.
    """

    phase: Phase = "new"
    attempts: int = 0
    subscribed: bool = False
    found: bring_up.Found = msgspec.field(default_factory=dict)
    settled: list[wire.Axis3] = msgspec.field(default_factory=list)
    heard: list[wire.Axis3] = msgspec.field(default_factory=list)
    pairing: Pairing = msgspec.field(default_factory=Pairing)
    told: decoding.Told = msgspec.field(default_factory=decoding.Told)


class MetaMotion(Driver[MetaMotionState]):
    """Sets both sensors up and turns their packets into blocks."""

    info = DriverInfo(
        name="metamotion",
        title="MbientLab MetaMotion R, RL, S",
        kind="sensor",
        services=(wire.SERVICE,),
        characteristics={"command": wire.COMMAND, "data": wire.DATA},
        name_prefixes=("MetaWear",),
        advertised_services=(wire.SERVICE,),
        streams=("acc", "gyr"),
        rates_hz=wire.RATES_HZ,
        default_rate_hz=_DEFAULT_RATE_HZ,
        acc_ranges_g=wire.ACC_RANGES_G,
        gyr_ranges_dps=wire.GYR_RANGES_DPS,
        min_mtu=23,
        longest_gap_s=0.25,
        clock="arrivals",
    )
    State: ClassVar = MetaMotionState

    def __init__(self, options: Options | None = None) -> None:
        """Prepare for a new connection. Raises OptionsError for what no device of this family offers."""
        super().__init__(options)
        self._rate_hz = self.options.rate_hz or _DEFAULT_RATE_HZ
        self._ranges: dict[Axis3, float] = {
            "acc": self.options.acc_range_g or _DEFAULT_ACC_G,
            "gyr": self.options.gyr_range_dps or _DEFAULT_GYR_DPS,
        }
        # Both chips have the same steps at the same range.
        self._steps: dict[Axis3, float] = {
            stream: packets.scale(wire.sensor_on("bmi160", stream), full) for stream, full in self._ranges.items()
        }

    @classmethod
    def for_decoding(cls, context: Mapping[str, Value]) -> Self:
        """Return a driver that takes single packets; the keys are those of `decoding`."""
        driver = cls()
        driver.state.phase = "decoding"
        driver.state.told = decoding.told(context)
        return driver

    def start(self) -> list[DriverOutput]:
        """Return what to do once connected and discovered."""
        return self._discover()

    def feed(self, item: DriverInput) -> list[DriverOutput]:
        """Take one input and return what follows."""
        match item:
            case m.Notification(characteristic=uuid, data=data):
                return self._notified(uuid, data)
            case m.Timeout(name=name):
                return self._timed_out(name)
            case m.WriteResult(characteristic=uuid, error=error) if self.state.phase != "over":
                return self._written(uuid, error)
        return []

    def stop(self) -> list[DriverOutput]:
        """Let both sensors rest, the last that was started first. Alters nothing: what still comes is taken as ever."""
        rest = bring_up.rest(bring_up.sensors_of(self.state.found))
        return [*rest, m.Subscribe(characteristic=wire.DATA, on=False)]

    def _written(self, uuid: str, error: str | None) -> list[DriverOutput]:
        """Note a subscription; what fails is made good by the next attempt."""
        if uuid == wire.DATA:
            self.state.subscribed = error is None
        if error is None or uuid not in (wire.DATA, wire.COMMAND):
            return []
        what = "a command" if uuid == wire.COMMAND else "the subscription"
        return [_error(f"{what} was refused: {error}")]

    def _discover(self) -> list[DriverOutput]:
        """Begin an attempt."""
        state = self.state
        state.phase = "discovering"
        state.attempts += 1
        state.found, state.settled, state.heard, state.pairing = {}, [], [], Pairing()
        outputs: list[DriverOutput] = [] if state.subscribed else [m.Subscribe(characteristic=wire.DATA)]
        return [*outputs, *bring_up.discover(), m.Deadline(name="answer", after_s=_ANSWER_S)]

    def _discovered(self, module: packets.Module) -> list[DriverOutput]:
        """Note what a module is; configure when both have answered and are of a known kind."""
        state = self.state
        if module.implementation is None or module.revision is None:
            state.found[module.module] = None
        else:
            state.found[module.module] = (module.implementation, module.revision)
        if len(state.found) < len(bring_up.STREAMS):
            return []
        reason = bring_up.unfit(state.found, self.options)
        if reason is not None:
            return self._hang_up(reason, lasting=True)
        state.phase = "configuring"
        return [
            m.Event(name="info", value=bring_up.described(state.found)),
            *bring_up.configure(bring_up.sensors_of(state.found), self._rate_hz, self._ranges),
            m.Deadline(name="answer", after_s=_ANSWER_S),
        ]

    def _configured(self, data: bytes) -> list[DriverOutput]:
        """Compare a configuration with what was asked; stream when all are right."""
        state = self.state
        sensors = bring_up.sensors_of(state.found)
        sensor = next((one for one in sensors if one.module == data[0]), None)
        if sensor is None:
            return []
        asked = (self._rate_hz, self._ranges[sensor.stream])
        wrong = bring_up.mismatch(sensor, commands.parse_config(sensor, data), asked)
        if wrong is not None:
            return self._again(wrong)
        if sensor.stream not in state.settled:
            state.settled.append(sensor.stream)
        if len(state.settled) < len(sensors):
            return []
        state.phase = "streaming"
        value: dict[str, Value] = {
            "rate_hz": self._rate_hz,
            "acc_range_g": self._ranges["acc"],
            "gyr_range_dps": self._ranges["gyr"] if "gyr" in state.settled else None,
            "streams": [one.stream for one in sensors],
        }
        return [
            m.Deadline(name="answer", after_s=None),
            m.Event(name="settings", value=value),
            *bring_up.run(sensors),
            m.Deadline(name="data", after_s=_DATA_S),
            *_ask_battery(),
        ]

    def _notified(self, uuid: str, data: bytes) -> list[DriverOutput]:
        decodes = self.state.phase == "decoding"
        if uuid != wire.DATA:
            if decodes:
                raise DecodeError(f"{uuid} sends nothing here; allowed is the characteristic data, {wire.DATA}")
            return []
        if decodes:
            return decoding.decode(self.state.told, data)
        if len(data) < packets.HEADER:
            raise DecodeError(f"a packet has a module and a register, 2 bytes or more; this one has {len(data)}")
        if self.state.phase == "streaming" and data[0] in bring_up.STREAMS:
            return self._packet(data[0], data[1], data)
        return self._answered(data)

    def _answered(self, data: bytes) -> list[DriverOutput]:
        """Take an answer. What nobody asked for is left over from an earlier connection, or another program's."""
        match self.state.phase, data[0], data[1]:
            case "discovering", (wire.ACCELEROMETER | wire.GYROSCOPE), 0x80:
                return self._discovered(packets.decode_module(data))
            case "configuring", (wire.ACCELEROMETER | wire.GYROSCOPE), 0x83:
                return self._configured(data)
            case "streaming", wire.SETTINGS, 0x8C:
                return [decoding.battery(data)]
        return []

    def _packet(self, module: int, register: int, data: bytes) -> list[DriverOutput]:
        """Take a packet of samples, if it is one that was asked for."""
        state = self.state
        kind = state.found.get(module)
        sensor = None if kind is None else wire.sensor_of(module, kind[0])
        if sensor is None or register != sensor.packed:
            return []
        packets.require(data, wire.PACKED)
        stream = sensor.stream
        if stream not in state.heard:
            state.heard.append(stream)
        if len(state.settled) == 1:
            return [self._block(stream, data, 0)]
        placed = state.pairing.take(stream, data)
        if state.pairing.owed * wire.PACKED > _SILENT_S * self._rate_hz:
            silent = bring_up.WORDS["gyr" if stream == "acc" else "acc"]
            return self._hang_up(f"the {silent} has fallen silent while the other sensor goes on", lasting=False)
        return [self._block(*one) for one in placed]

    def _block(self, stream: Axis3, data: bytes, lost: int) -> m.Block:
        values = packets.decode_samples(data, packets.HEADER, self._steps[stream])
        acc, gyr = (values, None) if stream == "acc" else (None, values)
        return m.Block(acc=acc, gyr=gyr, time_s=None, missing=lost * wire.PACKED)

    def _timed_out(self, name: str) -> list[DriverOutput]:
        """Ask again for what has not come."""
        state = self.state
        match name, state.phase:
            case "answer", "discovering":
                return self._again("the board does not say which sensors it has")
            case "answer", "configuring":
                return self._again("the board does not say how its sensors are set")
            case "data", "streaming":
                silent = [bring_up.WORDS[stream] for stream in state.settled if stream not in state.heard]
                return self._again(f"no samples come from the {' and the '.join(silent)}") if silent else []
            case "battery", "streaming":
                return _ask_battery()
        return []

    def _again(self, reason: str) -> list[DriverOutput]:
        """Begin anew, or give up after some attempts."""
        if self.state.attempts < _ATTEMPTS:
            given_up: list[DriverOutput] = [m.Deadline(name=name, after_s=None) for name in ("data", "battery")]
            return [_error(reason), *given_up, *self._discover()]
        return self._hang_up(f"{reason}, after {_ATTEMPTS} attempts", lasting=False)

    def _hang_up(self, reason: str, *, lasting: bool) -> list[DriverOutput]:
        """Drop the link; where that may help, restart the board first, so that the next connection finds it fresh."""
        self.state.phase = "over"
        outputs: list[DriverOutput] = [_error(reason), *(m.Deadline(name=name, after_s=None) for name in _DEADLINES)]
        if not lasting:
            outputs += bring_up.writes([commands.RESET])
        return [*outputs, m.HangUp(reason=reason, lasting=lasting)]


def _ask_battery() -> list[DriverOutput]:
    return [*bring_up.writes([commands.READ_BATTERY]), m.Deadline(name="battery", after_s=_BATTERY_S)]


def _error(message: str) -> m.Event:
    return m.Event(name="error", value={"message": message})
