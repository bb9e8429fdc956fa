"""The driver of OpenAnkle devices: one connection as a state machine. The profile is docs/openankle.md.

Events: `info` (versions and what the device offers; then `mass_kg`, null when not known, and `side`, again when they
change), `settings`, `status` (when it changes), `response` (every answer to a command), `error`. A device that tells
its clock gives a `Beat` now and then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Self

from ankled.drivers import messages as m
from ankled.drivers.driver import Driver, DriverInfo, context_number, refuse_context
from ankled.drivers.errors import OptionsError
from ankled.drivers.openankle import commands as c
from ankled.drivers.openankle import events, wire
from ankled.drivers.openankle.choice import choose
from ankled.drivers.openankle.state import OpenAnkleState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.drivers.messages import DriverInput, DriverOutput, Value

LATENCY_MS: Final = 80
"""How long a sample may wait in the device: eight samples a packet at 100 Hz."""
ANSWER_S: Final = 3.0
AGAIN_S: Final = 1.0
TRIES: Final = 4
"""How often one connection begins anew after a refusal, silence or a restart before it is given up."""
SILENT_BEATS: Final = 7
"""So many beats without a packet between them, 3 s, and the stream is dead, for all that the link is not silent."""

_HOPELESS = frozenset({c.Result.UNKNOWN_COMMAND, c.Result.WRONG_LENGTH, c.Result.NOT_OFFERED, c.Result.BATTERY_TOO_LOW})
"""Refusals that no second try will turn."""

_OURS = frozenset({wire.CAPABILITIES, wire.CONTROL, wire.DATA, wire.STATUS})


class OpenAnkle(Driver[OpenAnkleState]):
    """Reads what the device is, configures it, starts it, and starts it again when it stopped by itself."""

    info = DriverInfo(
        name="openankle",
        title="OpenAnkle, the open profile for ankle weights that people build themselves",
        kind="sensor",
        services=(wire.SERVICE,),
        characteristics={
            "capabilities": wire.CAPABILITIES,
            "control": wire.CONTROL,
            "data": wire.DATA,
            "status": wire.STATUS,
            "clock": wire.CLOCK,
        },
        name_prefixes=("OpenAnkle",),
        advertised_services=(wire.SERVICE,),
        streams=("acc", "gyr"),
        rates_hz=wire.RATES_HZ,
        default_rate_hz=100.0,
        acc_ranges_g=wire.ACC_RANGES_G,
        gyr_ranges_dps=wire.GYR_RANGES_DPS,
        longest_gap_s=0.2,
        clock="sensor",
    )
    State: ClassVar = OpenAnkleState

    @classmethod
    def for_decoding(cls, context: Mapping[str, Value]) -> Self:
        """Return a driver for values from the middle of a stream. `rate_hz`: the true rate, where it is known."""
        refuse_context(context, ("rate_hz",))
        rate_hz = context_number(context, "rate_hz")
        driver = cls()
        driver.state.step = "decoding"
        if rate_hz is not None:
            driver.state.stream.assume(rate_hz)
        return driver

    def start(self) -> list[DriverOutput]:
        """Ask what the device is and how it is."""
        self.state.step = "opening"
        return [
            m.Deadline(name="answer", after_s=ANSWER_S),
            m.Read(characteristic=wire.CAPABILITIES),
            m.Subscribe(characteristic=wire.CONTROL),
            m.Subscribe(characteristic=wire.STATUS),
            m.Read(characteristic=wire.STATUS),
        ]

    def stop(self) -> list[DriverOutput]:
        """End the stream, if it may have begun."""
        begun = self.state.step in {"start", "streaming"}
        self.state.step = "over"
        return self._send(c.Stop())[:1] if begun else []

    def set_weight(self, mass_kg: float | None, side: wire.Side) -> list[DriverOutput]:
        """Return what makes the device remember its mass, to the gram, and its leg. Raises OptionsError."""
        mass_g = None if mass_kg is None else round(1000.0 * mass_kg)
        if mass_g is not None and not 1 <= mass_g <= wire.MAX_MASS_G:
            raise OptionsError(f"mass_kg is {mass_kg:g}; allowed are 0.001 to {wire.MAX_MASS_G / 1000:g}")
        return self._ask(c.SetWeight(mass_g, side))

    def identify(self, duration_s: int) -> list[DriverOutput]:
        """Return what makes the device show itself, as by a lamp, for 0 to 255 s. Raises OptionsError."""
        if not 0 <= duration_s <= c.LONGEST_IDENTIFY_S:
            raise OptionsError(f"duration_s is {duration_s}; allowed are 0 to {c.LONGEST_IDENTIFY_S}")
        return self._ask(c.Identify(duration_s))

    def feed(self, item: DriverInput) -> list[DriverOutput]:
        """Take one input and return what follows."""
        match item:
            case (
                m.Notification(characteristic=uuid, data=data)
                | m.ReadResult(characteristic=uuid, data=data, error=None)
            ):
                return self._value(uuid, data)
            case m.ReadResult(characteristic=uuid, error=str() as error) if uuid in _OURS:
                return self._trouble(f"the device cannot be read: {error}")
            # A status that cannot be subscribed to is one that is only read.
            case m.WriteResult(characteristic=uuid, error=str() as error) if uuid in _OURS - {wire.STATUS}:
                return self._trouble(f"the device does not take a request: {error}")
            case m.WriteResult(characteristic=wire.CLOCK, error=str() as error):  # which is no reason not to stream
                return [events.error(f"the device says that it tells its clock, and does not: {error}")]
            case m.Timeout(name=name):
                return self._late(name)
        return []

    def _value(self, uuid: str, data: bytes) -> list[DriverOutput]:
        match uuid:
            case wire.DATA:
                return self._packet(data)
            case wire.CLOCK:
                return self._beat(data)
            case wire.CONTROL:
                return self._answer(data)
            case wire.STATUS:
                return self._status(data)
            case wire.CAPABILITIES:
                return self._capabilities(data)
        return []

    def _packet(self, data: bytes) -> list[DriverOutput]:
        stream, streaming = self.state.stream, self.state.step == "streaming"
        first = not stream.begun
        said, restarted = stream.take(data)
        if first and streaming:
            said.append(m.Deadline(name="data", after_s=None))
        if restarted and streaming:
            said.append(m.Read(characteristic=wire.STATUS))
        return said

    def _beat(self, data: bytes) -> list[DriverOutput]:
        stream, step = self.state.stream, self.state.step
        said = stream.beat(data, alone=step == "decoding")
        if step == "streaming" and stream.beats >= SILENT_BEATS:
            return self._again("the device tells its clock and sends no samples")
        return said if step in {"streaming", "decoding"} else []

    def _capabilities(self, data: bytes) -> list[DriverOutput]:
        can = wire.decode_capabilities(data)
        self.state.capabilities = can
        said: list[DriverOutput] = [events.offers(can)]
        if can.major != wire.MAJOR:
            reason = f"the device speaks version {can.major} of the profile; version {wire.MAJOR} is known here"
            return said + self._give_up(reason, lasting=True)
        return said + self._opened()

    def _status(self, data: bytes) -> list[DriverOutput]:
        status = wire.decode_status(data)
        before, self.state.status = self.state.status, status
        said = events.news(before, status)
        if status.activity == "streaming" and self.state.step in {"streaming", "decoding"}:
            said += self.state.stream.settle(wire.encode_format(status.form), status.period_ns)
        if status.activity == "idle" and self.state.step == "streaming":
            return said + self._again("the device stopped by itself")
        return said + self._opened()

    def _opened(self) -> list[DriverOutput]:
        """Go on once it is known what the device is and how it is."""
        state = self.state
        if state.step != "opening" or state.capabilities is None or state.status is None:
            return []
        said: list[DriverOutput] = [m.Deadline(name="again", after_s=None)]
        return said + (self._halt() if state.status.activity == "streaming" else self._configure())

    def _halt(self) -> list[DriverOutput]:
        self.state.step = "stop"
        return self._send(c.Stop())

    def _configure(self) -> list[DriverOutput]:
        try:
            form = choose(self.options, self.state.capabilities or wire.Capabilities())
        except OptionsError as error:
            return self._give_up(str(error), lasting=True)
        self.state.step = "configure"
        return self._send(c.Configure(form, LATENCY_MS))

    def _begin(self) -> list[DriverOutput]:
        self.state.step = "start"
        self.state.stream.begin()
        return [m.Subscribe(characteristic=wire.DATA), *self._send(c.Start())]

    def _ask(self, command: c.Command) -> list[DriverOutput]:
        if self.state.step != "streaming" or self.state.waiting:
            name = events.command_name(c.op_of(command))
            raise OptionsError(f"{name} is not possible now; allowed while the device streams and owes no answer")
        return self._send(command)

    def _send(self, command: c.Command) -> list[DriverOutput]:
        self.state.tag = (self.state.tag + 1) % 256
        self.state.waiting = int(c.op_of(command))
        data = c.encode_command(command, self.state.tag)
        return [m.Write(characteristic=wire.CONTROL, data=data), m.Deadline(name="answer", after_s=ANSWER_S)]

    def _answer(self, data: bytes) -> list[DriverOutput]:
        answer, state = c.decode_response(data), self.state
        said: list[DriverOutput] = [events.response(answer)]
        if state.step == "decoding":
            return said + self._settle(answer)
        if (answer.op, answer.tag) != (state.waiting, state.tag) or state.step == "over":
            return said
        state.waiting = 0
        said.append(m.Deadline(name="answer", after_s=None))
        return said + (self._refused(answer) if answer.result else self._done(answer))

    def _done(self, answer: c.Response) -> list[DriverOutput]:
        """Go on after a command that succeeded."""
        match answer.op:
            case c.Op.STOP:
                return self._configure()
            case c.Op.CONFIGURE:
                return self._begin()
            case c.Op.START:
                self.state.step = "streaming"
                waits = None if self.state.stream.begun else ANSWER_S
                said = [*self._settle(answer), m.Deadline(name="data", after_s=waits)]
                can = self.state.capabilities
                if can is not None and can.tells_clock:  # only now: the stream must not wait for it
                    said.append(m.Subscribe(characteristic=wire.CLOCK))
                return said
            case c.Op.SET_WEIGHT:  # of which a status that is only read would tell nothing
                return [m.Read(characteristic=wire.STATUS)]
        return []

    def _settle(self, answer: c.Response) -> list[DriverOutput]:
        if answer.started is None:
            return []
        return self.state.stream.settle(wire.encode_format(answer.started.form), answer.started.period_ns)

    def _refused(self, answer: c.Response) -> list[DriverOutput]:
        reason = events.refusal(answer)
        if self.state.step != "streaming" and answer.result in _HOPELESS:
            return self._give_up(reason, lasting=True)
        return self._trouble(reason, lasting=answer.result == c.Result.MTU_TOO_SMALL)

    def _late(self, name: str) -> list[DriverOutput]:
        """Take the end of a deadline."""
        if self.state.step in {"over", "decoding"}:
            return []
        if name == "again":
            return self.start() if self.state.step == "opening" else self._halt()
        if name == "data":
            return self._again("the device was started and sends nothing")
        return self._trouble("the device does not answer")

    def _trouble(self, reason: str, *, lasting: bool = False) -> list[DriverOutput]:
        """Tell what went wrong; while samples flow that is all."""
        if self.state.step != "streaming":
            return self._again(reason, lasting=lasting)
        self.state.waiting = 0
        return [events.error(reason), m.Deadline(name="answer", after_s=None)]

    def _again(self, reason: str, *, lasting: bool = False) -> list[DriverOutput]:
        """Begin anew in a moment, or hang up when that was tried often enough."""
        state = self.state
        if state.step in {"over", "decoding"}:
            return []
        state.waiting = 0
        state.tries += 1
        if state.tries > TRIES:
            return self._give_up(reason, lasting=lasting)
        state.step = "opening" if state.capabilities is None or state.status is None else "stop"
        return [
            events.error(reason),
            m.Deadline(name="answer", after_s=None),
            m.Deadline(name="data", after_s=None),
            m.Deadline(name="again", after_s=AGAIN_S),
        ]

    def _give_up(self, reason: str, *, lasting: bool) -> list[DriverOutput]:
        if self.state.step in {"over", "decoding"}:
            return []
        self.state.step = "over"
        return [events.error(reason), m.HangUp(reason=reason, lasting=lasting)]
