"""What is asked of a Movesense, one request after the other, and what follows from its answers and silences.

    hello -> acc_info -> gyro_info -> ranges -> subscribe -> settling -> streaming

The first four are skipped where the firmware does not know them: the vendor's sample firmware answers HELLO with a bare
text, knows no GET, and does not answer a SUBSCRIBE that succeeds (C): the first samples are the answer then. What is
refused or not answered ends in a bounded number of tries and then in a HangUp that says why.

429 means that the sensor's slots for requests are used up. That outlives the connection, and until the application is
restarted the sensor answers nothing else, to nobody (B). So after one pause it is restarted (PUT_SYSTEMMODE 5), once
in a connection and for this reason alone: a log that it may be writing ends by that, but a sensor in this state
is of no use to anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.movesense import explain, motion, resources, wire
from ankled.drivers.movesense.steps import (
    ANSWER_S,
    FOR_GOOD,
    GETS,
    NEXT,
    PAUSE_S,
    SAMPLES_S,
    TRIES,
    DialogueState,
    Step,
)
from ankled.drivers.movesense.wire import Code

if TYPE_CHECKING:
    from ankled.drivers.messages import DriverOutput


class Dialogue:
    """The next step of a dialogue whose aim is the stream `path`."""

    def __init__(self, state: DialogueState, path: str) -> None:
        self._state = state
        self._path = path

    def open(self) -> list[DriverOutput]:
        """Subscribe to the notifications."""
        self._state.step = "opening"
        return [m.Subscribe(characteristic=wire.DATA), _deadline(ANSWER_S)]

    def close(self) -> list[DriverOutput]:
        """Return how to end the stream."""
        if not self._state.stream_ref:
            return []
        return [self._unsubscribe(), m.Subscribe(characteristic=wire.DATA, on=False)]

    def streams(self) -> list[DriverOutput]:
        """Note that samples have come."""
        self._state.step = "streaming"
        self._state.tries = 0
        return [_deadline(None)]

    def written(self, uuid: str, error: str | None) -> list[DriverOutput]:
        """Take the end of a write or of the subscription to notifications."""
        state = self._state
        if uuid == wire.DATA and state.step == "opening":
            if error is None:
                return self._ask("hello")
            return [m.HangUp(reason=f"the sensor does not let its notifications be switched on: {error}")]
        if uuid == wire.COMMAND and error is not None and state.asked:
            return [_error(f"a command could not be written: {error}"), *self._unanswered("could not be written")]
        return []

    def timed_out(self, name: str) -> list[DriverOutput]:
        """Take the end of a deadline."""
        if name == "again" and self._state.step == "pausing":
            return self._ask("subscribe")
        if name != "answer":
            return []
        if self._state.step == "opening":
            return [m.HangUp(reason=f"notifications were not switched on within {ANSWER_S:g} s")]
        return self._unanswered(f"was not answered within {ANSWER_S:g} s")

    def answered(self, data: bytes) -> list[DriverOutput]:
        """Take an answer. Raises DecodeError."""
        said = wire.decode_answer(data)
        state = self._state
        if not said.ref or said.ref != state.asked:
            if 0 < said.ref <= state.last_ref:
                return []  # too late
            raise DecodeError(f"this answers request {said.ref}, which was not made")
        if isinstance(said, wire.Hello):
            if state.step != "hello":
                raise DecodeError(f"this answers a HELLO; {self._request(state.step)} was asked")
            state.asked = state.tries = 0
            known = m.Event(name="info", value=explain.named(said) | {"ranges_settable": False})
            return [known, *self._ask("subscribe" if said.version is None else "acc_info")]
        state.asked = 0
        return self._refused(said) if said.status >= wire.BAD_REQUEST else self._accepted(said.data)

    def _accepted(self, data: bytes) -> list[DriverOutput]:
        """Go on after a request was granted."""
        state = self._state
        match state.step:
            case "subscribe":
                state.step = "settling"
                return [_deadline(SAMPLES_S)]
            case "restart":
                return [m.HangUp(reason="the sensor was restarted: its slots for requests were used up (429)")]
            case "acc_info" | "gyro_info" | "ranges":
                try:
                    self._learn(data)
                except DecodeError as error:
                    return [_error(str(error)), *self._ask(NEXT[state.step])]
        return self._ask(NEXT[state.step]) if state.step in NEXT else []

    def _learn(self, data: bytes) -> None:
        """Take what a GET has brought. Raises DecodeError."""
        state = self._state
        held = resources.decode(GETS[state.step], data)
        match state.step:
            case "acc_info":
                state.rates_hz = resources.numbers(held, "SampleRates")
                state.acc_ranges_g = resources.numbers(held, "Ranges")
            case "gyro_info":
                rates_hz = resources.numbers(held, "SampleRates")
                state.rates_hz = [rate for rate in state.rates_hz if rate in rates_hz] if state.rates_hz else rates_hz
                state.gyr_ranges_dps = resources.numbers(held, "Ranges")
            case "ranges":
                state.acc_range_g = _offered(held.get("AccRange"), state.acc_ranges_g)
                state.gyr_range_dps = _offered(held.get("GyroRange"), state.gyr_ranges_dps)

    def _ask(self, step: Step) -> list[DriverOutput]:
        """Make the request of a step."""
        state = self._state
        if step == "subscribe" and (lacks := self._lacking()) is not None:
            return [lacks]
        state.step = step
        state.last_ref += 1
        state.asked = ref = state.last_ref
        data = wire.encode_command(Code.HELLO, ref)
        if step in GETS:
            data = wire.encode_command(Code.GET, ref, GETS[step])
        elif step == "subscribe":
            state.stream_ref = ref
            data = wire.encode_command(Code.SUBSCRIBE, ref, self._path)
        elif step == "restart":
            data = wire.encode_command(Code.PUT_SYSTEMMODE, ref, bytes([wire.RESTART]))
        return [m.Write(characteristic=wire.COMMAND, data=data), _deadline(ANSWER_S)]

    def _lacking(self) -> m.HangUp | None:
        """Tell whether the sensor has said that it does not offer the rate."""
        stream = motion.stream_of(self._path)
        rates_hz = self._state.rates_hz
        if stream is None or not rates_hz or stream.rate_hz in rates_hz:
            return None
        offer = ", ".join(f"{rate:g}" for rate in rates_hz)
        return m.HangUp(reason=f"rate_hz is {stream.rate_hz:g}; this Movesense offers {offer}", lasting=True)

    def _refused(self, said: wire.Response) -> list[DriverOutput]:
        """Go on after an answer that is an error."""
        state = self._state
        request = self._request(state.step)
        reason = f"the sensor answers {request} with {said.words}"
        event = m.Event(name="error", value={"request": request, "status": said.status, "message": reason})
        match state.step:
            case "hello":
                return [event, *self._again(reason, pause=False)]
            case "acc_info" | "gyro_info" | "ranges":
                return [event, *self._ask("subscribe" if said.status == wire.TOO_MANY else NEXT[state.step])]
            case "subscribe":
                return [event, *self._not_subscribed(said.status, reason)]
            case "restart":
                return [event, _stuck(reason)]
        return [event]

    def _not_subscribed(self, status: int, reason: str) -> list[DriverOutput]:
        """Go on after the subscription was refused."""
        state = self._state
        if status in FOR_GOOD:
            return [m.HangUp(reason=reason, lasting=True)]
        if status == wire.NO_SLOT:
            return [m.HangUp(reason=f"{reason}; subscriptions become free when the link is dropped")]
        if status == wire.TOO_MANY and state.too_many:
            return self._ask("restart")
        state.too_many = status == wire.TOO_MANY
        return self._again(reason, pause=True)

    def _unanswered(self, how: str) -> list[DriverOutput]:
        """Go on after a request without an answer, or a subscription without samples."""
        state = self._state
        state.asked = 0
        match state.step:
            case "hello":
                return self._again(f"HELLO {how}", pause=False)
            case "acc_info" | "gyro_info" | "ranges":
                return [_error(f"{self._request(state.step)} {how}"), *self._ask("subscribe")]
            case "subscribe":
                return self._again(f"SUBSCRIBE {self._path} {how}", pause=False)
            case "settling":
                return self._again(f"no samples came within {SAMPLES_S:g} s of a subscription", pause=False)
            case "restart":
                return [_stuck(f"PUT_SYSTEMMODE {how}")]
        return []

    def _again(self, reason: str, *, pause: bool) -> list[DriverOutput]:
        """Try the HELLO or the subscription once more, or give up."""
        state = self._state
        state.tries += 1
        if state.tries >= TRIES:
            return [m.HangUp(reason=f"{reason}, {TRIES} times")]
        if state.step == "hello":
            return self._ask("hello")
        if pause:
            state.step = "pausing"
            return [_deadline(None), m.Deadline(name="again", after_s=PAUSE_S)]
        return [_error(reason), self._unsubscribe(), *self._ask("subscribe")]

    def _unsubscribe(self) -> m.Write:
        """End what may have been subscribed, so that a second subscription does not double it."""
        data = wire.encode_command(Code.UNSUBSCRIBE, self._state.stream_ref)
        return m.Write(characteristic=wire.COMMAND, data=data)

    def _request(self, step: Step) -> str:
        """Return what was asked in a step."""
        if step in GETS:
            return f"GET {GETS[step]}"
        return {"hello": "HELLO", "restart": "PUT_SYSTEMMODE"}.get(step, f"SUBSCRIBE {self._path}")


def _offered(value: object, allowed: list[float]) -> float | None:
    """Return a range that the sensor says it has set, unless it does not offer it."""
    return float(value) if isinstance(value, int) and value in allowed else None


def _stuck(reason: str) -> m.HangUp:
    return m.HangUp(
        reason=f"{reason}; its slots for requests are used up: take the battery out and put it in again", lasting=True
    )


def _deadline(after_s: float | None) -> m.Deadline:
    return m.Deadline(name="answer", after_s=after_s)


def _error(message: str) -> m.Event:
    return m.Event(name="error", value={"message": message})
