"""How a Movella DOT is brought to send samples: read its settings, set the output rate, start the measurement.

The rate cannot be changed while a measurement or a synchronisation is under way (XD0506P rev F, table 7, A), and a
sensor keeps both from whoever was connected before. So what runs is stopped, and each setting is read back.
"""

from __future__ import annotations

from typing import Final, Literal

from ankled.drivers import messages as m
from ankled.drivers.movella_dot import device, message, payload
from ankled.drivers.movella_dot.clock import ClockState

ANSWER: Final = "answer"
RATE: Final = "rate"
SAMPLES: Final = "samples"

_TRIES: Final = 3
_ANSWER_S: Final = 5.0
_AGAIN_S: Final = 0.5
_FIRST_SAMPLE_S: Final = 2.0


class SetupState(ClockState, kw_only=True):
    """Where the way to the first sample stands.

    `measuring` is the mode of a measurement that may run already; `asked`, `rates` and `starts` count the tries to read
    the settings, to set the rate and to start.
    """

    phase: Literal["idle", "asking", "waiting", "starting", "streaming"] = "idle"
    measuring: int | None = None
    asked: int = 0
    rates: int = 0
    starts: int = 0


class Setup:
    """The steps towards samples at one rate in Hz. What they have come to is in the state that every call is given."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz

    def ask(self, state: SetupState) -> list[m.DriverOutput]:
        """Read what the device does and what it is set to."""
        state.phase = "asking"
        state.asked += 1
        return [
            m.Read(characteristic=device.MEASUREMENT_CONTROL),
            m.Read(characteristic=device.DEVICE_CONTROL),
            m.Deadline(name=ANSWER, after_s=_ANSWER_S),
        ]

    def set_to(self, state: SetupState, control: device.Control) -> list[m.DriverOutput]:
        """Go on with what the device is set to."""
        if state.phase != "asking":
            return []
        outputs: list[m.DriverOutput] = [m.Deadline(name=ANSWER, after_s=None)]
        if control.output_rate_hz == self.rate_hz:
            return outputs + self._begin(state)
        if state.rates == 0:
            return outputs + self._set_rate(state)
        kept = f"the device keeps an output rate of {control.output_rate_hz:g} Hz though {self.rate_hz:g} Hz was set"
        if state.rates < _TRIES:
            state.phase = "waiting"
            return [*outputs, _error(kept), m.Deadline(name=RATE, after_s=_AGAIN_S)]
        state.phase = "idle"
        offers = ", ".join(f"{rate:g}" for rate in device.RATES_HZ)
        reason = f"{kept}; it may be recording or synchronised; offered are {offers}"
        return [*outputs, _error(kept), m.HangUp(reason=reason, lasting=True)]

    def refused(self, state: SetupState, reason: str) -> list[m.DriverOutput]:
        """Try again soon after the device refused something on this way."""
        outputs: list[m.DriverOutput] = [_error(reason)]
        if state.phase == "asking":
            outputs.append(m.Deadline(name=ANSWER, after_s=_AGAIN_S))
        elif state.phase == "starting":
            outputs.append(m.Deadline(name=SAMPLES, after_s=_AGAIN_S + 2.0 / self.rate_hz))
        return outputs

    def passed(self, state: SetupState, name: str) -> list[m.DriverOutput]:
        """Go on when the time of a step is over."""
        if name == ANSWER and state.phase == "asking":
            if state.asked < _TRIES:
                return self.ask(state)
            return _give_up(state, f"the device did not tell its settings in {_TRIES} tries")
        if name == RATE and state.phase == "waiting":
            return self._set_rate(state)
        if name == SAMPLES and state.phase == "starting":
            if state.starts < _TRIES:
                return self._begin(state)
            return _give_up(
                state,
                f"no sample came after {_TRIES} starts; they need an ATT MTU of {payload.SIZES['medium'] + 3} or more",
            )
        return []

    def streaming(self, state: SetupState) -> list[m.DriverOutput]:
        """Note that samples come."""
        state.phase = "streaming"
        value: dict[str, m.Value] = {
            "rate_hz": self.rate_hz,
            "acc_range_g": payload.ACC_RANGE_G,
            "gyr_range_dps": payload.GYR_RANGE_DPS,
        }
        return [m.Deadline(name=SAMPLES, after_s=None), m.Event(name="settings", value=value)]

    def _set_rate(self, state: SetupState) -> list[m.DriverOutput]:
        """Set the rate and read it back; from the second try on end a synchronisation first."""
        outputs = _stop(state)
        if state.rates > 0:
            end = message.encode(message.SYNCHRONISATION, message.STOP_SYNC)
            outputs.append(m.Subscribe(characteristic=device.MESSAGE_NOTIFICATION))
            outputs.append(m.Write(characteristic=device.MESSAGE_CONTROL, data=end))
        state.rates += 1
        state.asked = 0
        outputs.append(m.Write(characteristic=device.DEVICE_CONTROL, data=device.rate_control(self.rate_hz)))
        return outputs + self.ask(state)

    def _begin(self, state: SetupState) -> list[m.DriverOutput]:
        """Subscribe, then start: what is sent before is lost, and without a subscription nothing is sent."""
        if state.starts > 0:
            state.measuring = payload.RATE_QUANTITIES
        outputs = _stop(state)
        state.phase = "starting"
        state.starts += 1
        return [
            *outputs,
            m.Subscribe(characteristic=device.MEDIUM_PAYLOAD),
            _measure(payload.RATE_QUANTITIES, start=True),
            m.Deadline(name=SAMPLES, after_s=_FIRST_SAMPLE_S + 2.0 / self.rate_hz),
        ]


def end() -> list[m.DriverOutput]:
    """Return what ends the measurement."""
    return [
        _measure(payload.RATE_QUANTITIES, start=False),
        m.Subscribe(characteristic=device.MEDIUM_PAYLOAD, on=False),
    ]


def _stop(state: SetupState) -> list[m.DriverOutput]:
    """Return what stops a measurement that runs, if one does."""
    mode, state.measuring = state.measuring, None
    return [] if mode is None else [_measure(mode, start=False)]


def _measure(mode: int, *, start: bool) -> m.Write:
    return m.Write(characteristic=device.MEASUREMENT_CONTROL, data=device.encode_measurement(mode, start=start))


def _error(reason: str) -> m.Event:
    return m.Event(name="error", value={"message": reason})


def _give_up(state: SetupState, reason: str) -> list[m.DriverOutput]:
    state.phase = "idle"
    return [m.HangUp(reason=reason)]
