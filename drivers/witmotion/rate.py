"""How a WitMotion sensor is brought to a rate: it answers no command, so the rate register and the arrivals must tell.

The register is read first: a sensor that kept its rate since the last connection streams at once. Otherwise unlock,
set, read again. Where the code means different rates to different firmware, or the register cannot be read, samples are
counted for a while.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from ankled.drivers import messages as m
from ankled.drivers.witmotion import registers

# Datasheet of WT901BLECL and the vendor's SDK, A: they end in 9a34fb, so they are not of the Bluetooth SIG (9b34fb).
SERVICE: Final = "0000ffe5-0000-1000-8000-00805f9a34fb"
DATA: Final = "0000ffe4-0000-1000-8000-00805f9a34fb"
COMMAND: Final = "0000ffe9-0000-1000-8000-00805f9a34fb"

Phase = Literal["idle", "subscribing", "asking", "unlocking", "setting", "counting", "streaming"]
CheckedBy = Literal["register", "arrivals"]

STEP: Final = "step"
"""The deadline of the step that is under way."""

_REPLY_S: Final = 0.7
_BETWEEN_COMMANDS_S: Final = 0.15
"""The vendor's SDK leaves 0.1 to 0.2 s between commands, A."""
_ATTEMPTS: Final = 4
_ASKED_TWICE: Final = 2
_LEAST_COUNTED: Final = 8.0
_LEAST_WINDOW_S: Final = 1.0
_TOLERANCE: Final = 0.15
_LEAST_TOLERANCE: Final = 1.5


class RateState(msgspec.Struct, kw_only=True):
    """Where the setting of the rate stands.

    `choice` is which of the codes for the wanted rate is tried, `asked` how often the register was read since the last
    command, `written` whether a rate was set, `count` how many samples have arrived since they are counted, `failures`
    what came of the attempts so far.
    """

    phase: Phase = "idle"
    choice: int = 0
    asked: int = 0
    written: bool = False
    failures: list[str] = []
    count: int = 0


class RateDialogue:
    """The steps towards one rate in Hz. What they have come to is in the state that every call is given.

    Each step returns what to do, and sets the phase to "streaming" once the rate is known to be as wanted.
    """

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.codes = registers.RATE_CODES[rate_hz]
        self.window_s = max(_LEAST_WINDOW_S, _LEAST_COUNTED / rate_hz)

    def ask(self, state: RateState) -> list[m.DriverOutput]:
        """Read the rate register."""
        state.phase = "asking"
        state.asked += 1
        return [write(registers.read_command(registers.RATE)), m.Deadline(name=STEP, after_s=_REPLY_S)]

    def passed(self, state: RateState) -> list[m.DriverOutput]:
        """Go on when the time of a step is over."""
        match state.phase:
            case "asking" if state.asked < _ASKED_TWICE:
                return self.ask(state)
            case "asking":  # not all firmware is known to let this register be read
                return self._count(state) if state.written else self._unlock(state)
            case "unlocking":
                return self._set(state)
            case "setting":
                state.asked = 0
                return self.ask(state)
            case "counting":
                return self._counted(state)
            case _:
                return []

    def answered(self, state: RateState, code: int) -> list[m.DriverOutput]:
        """Compare what the rate register holds with what is wanted."""
        if not state.written:
            if code not in self.codes:
                return self._unlock(state)
            state.choice = self.codes.index(code)
        elif code != (wanted := self.codes[state.choice]):
            return self._again(state, f"the rate register holds {code:#04x} after {wanted:#04x} was set")
        return self._reached(state, "register") if code in registers.PLAIN_CODES else self._count(state)

    def _unlock(self, state: RateState) -> list[m.DriverOutput]:
        state.phase = "unlocking"
        return [write(registers.UNLOCK), m.Deadline(name=STEP, after_s=_BETWEEN_COMMANDS_S)]

    def _set(self, state: RateState) -> list[m.DriverOutput]:
        state.phase = "setting"
        state.written = True
        command = registers.encode_command(registers.RATE, self.codes[state.choice])
        return [write(command), m.Deadline(name=STEP, after_s=_BETWEEN_COMMANDS_S)]

    def _count(self, state: RateState) -> list[m.DriverOutput]:
        """Count arrivals where the code alone does not tell the rate."""
        state.phase = "counting"
        state.count = 0
        return [m.Deadline(name=STEP, after_s=self.window_s)]

    def _counted(self, state: RateState) -> list[m.DriverOutput]:
        expected = self.rate_hz * self.window_s
        if abs(state.count - expected) <= max(_LEAST_TOLERANCE, _TOLERANCE * expected):
            return self._reached(state, "arrivals")
        return self._again(state, f"{state.count / self.window_s:g} samples arrive in a second")

    def _again(self, state: RateState, reason: str) -> list[m.DriverOutput]:
        """Try the next code for the wanted rate, or the same once more, or give up."""
        state.failures.append(reason)
        state.choice = (state.choice + 1) % len(self.codes)
        wanted = f"rate_hz is {self.rate_hz:g}, but "
        error = m.Event(name="error", value={"message": wanted + reason, "attempt": len(state.failures)})
        if len(state.failures) < _ATTEMPTS:
            return [error, *self._unlock(state)]
        state.phase = "idle"
        lower = ", ".join(f"{rate:g}" for rate in registers.RATE_CODES if rate < self.rate_hz)
        reasons = ", and ".join(dict.fromkeys(state.failures)) + (f"; lower rates are {lower}" if lower else "")
        return [error, m.HangUp(reason=wanted + reasons, lasting=state.count > 0)]

    def _reached(self, state: RateState, checked_by: CheckedBy) -> list[m.DriverOutput]:
        state.phase = "streaming"
        code = self.codes[state.choice]
        value: dict[str, m.Value] = {
            "rate_hz": self.rate_hz,
            "acc_range_g": registers.ACC_RANGE_G,
            "gyr_range_dps": registers.GYR_RANGE_DPS,
            "rate_code": code,
            "checked_by": checked_by,
        }
        return [m.Deadline(name=STEP, after_s=None), m.Event(name="settings", value=value)]


def write(command: bytes) -> m.Write:
    """Return the action that sends a command."""
    return m.Write(characteristic=COMMAND, data=command)
