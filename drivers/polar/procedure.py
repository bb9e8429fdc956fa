"""From a new connection to running streams, and back: what is asked of the control point, and when.

After every answer the next thing that is still missing is asked for: settings of each measurement, SDK mode if what is
wanted is offered in that mode only, streams to be stopped, streams to be started. So a lost answer, a stream that is
already running or one that the device ended are no cases of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.polar import frames, wire
from ankled.drivers.polar.setup import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ankled.drivers.driver import Options
    from ankled.drivers.messages import DriverOutput, Value
    from ankled.drivers.polar.state import PolarState

ANSWER_S: Final = 5.0
AGAIN_S: Final = 1.0
FRAME_S: Final = 15.0
"""Longer than a frame takes to fill at 26 Hz and perfect rest."""
TRIES: Final = 5
"""So many refusals or missing answers in a row, or streams that end before they give a frame, are too many."""

_LONGEST: Final = 1024

_PASSING: Final = (wire.INVALID_MTU, wire.INVALID_STATE, wire.IN_CHARGER)
"""Refusals that may end by themselves; the MTU may still be on its way up."""
_LASTING: Final = frozenset(range(len(wire.STATUSES))) - {wire.OK, wire.ALREADY, wire.INVALID_STATE, wire.IN_CHARGER}
"""Refusals that a new connection will not alter."""


def begin(state: PolarState) -> list[DriverOutput]:
    """Subscribe to both characteristics before anything is asked, else answers get lost; read what the device has."""
    state.active = True
    return [
        m.Subscribe(characteristic=wire.CONTROL),
        m.Subscribe(characteristic=wire.DATA),
        m.Read(characteristic=wire.CONTROL),
        m.Deadline(name="answer", after_s=ANSWER_S),
    ]


def farewell(state: PolarState) -> list[DriverOutput]:
    """Stop the streams, without which an H10 stays on, then SDK mode, which takes that nothing streams."""
    commands = [wire.command(wire.STOP, type_) for type_, _ in state.streams()]
    if state.sdk_mode or state.pending == wire.command(wire.START, wire.SDK_MODE):
        commands.append(wire.command(wire.STOP, wire.SDK_MODE))
    state.active, state.pending = False, b""
    return [
        *(m.Deadline(name=name, after_s=None) for name in ("answer", "again", "frame")),
        *(m.Write(characteristic=wire.CONTROL, data=data) for data in commands),
    ]


def proceed(state: PolarState, options: Options) -> list[DriverOutput]:
    """Ask for the next thing that is missing."""
    if not state.active:
        return []
    if not state.types:
        return [m.Read(characteristic=wire.CONTROL), m.Deadline(name="answer", after_s=ANSWER_S)]
    if wire.ACC not in state.types:
        return give_up(state, "the device has no accelerometer", lasting=True)
    data = _before_choice(state)
    if not data and state.choice is None:
        gyr = state.gyr.offered if wire.GYRO in state.types else None
        choice = choose(options, state.acc.offered or {}, gyr)
        if not isinstance(choice, str):
            state.choice = choice
        elif state.sdk_mode or wire.SDK_MODE not in state.types:
            return give_up(state, choice, lasting=True)
        else:
            data = wire.command(wire.START, wire.SDK_MODE)
    if data := data or _start(state):
        return _ask(state, data)
    return [m.Deadline(name="answer", after_s=None), m.Deadline(name="frame", after_s=FRAME_S)]


def answered(state: PolarState, options: Options, answer: wire.Answer) -> list[DriverOutput]:
    """Take an answer. One that nobody waits for is told and has no other effect, but for the factor it may hold."""
    waited = state.active and state.pending[:2] == bytes((answer.operation, answer.type))
    state.partial += answer.parameters
    if answer.more:
        if len(state.partial) > _LONGEST:
            state.partial = b""
            raise DecodeError(f"an answer goes on beyond {_LONGEST} bytes; settings of a measurement are fewer")
        return [m.Deadline(name="answer", after_s=ANSWER_S)] if waited else []
    parameters, state.partial = state.partial, b""
    told: dict[str, Value] = {
        "operation": wire.operation_name(answer.operation),
        "measurement": wire.type_name(answer.type),
        "op": answer.operation,
        "type": answer.type,
        "status": answer.status,
    }
    at_rest = answer.operation == wire.STOP and answer.status == wire.ALREADY
    if answer.status != wire.OK and not at_rest:
        said = f"{told['operation']} {told['measurement']}: {wire.status_name(answer.status)}"
        out: list[DriverOutput] = [m.Event(name="error", value={"message": said, **told})]
        return [*out, *_refused(state, options, answer, said)] if waited else out
    settings = wire.decode_settings(parameters)
    factor = frames.checked_factor(settings[wire.FACTOR][0]) if settings.get(wire.FACTOR) else None
    shown: dict[str, Value] = {name: [*values] for name, values in wire.named(settings).items()}
    out = [m.Event(name="response", value={**told, "more": False, "params": shown})]
    stream = state.stream(answer.type)
    if stream is not None and answer.operation == wire.START:
        stream.factor = factor
    if not waited:
        return out
    state.pending = b""
    _done(state, answer, settings)
    if answer.operation == wire.START and answer.type == wire.ACC:
        out.append(_settings(state))
    return [*out, *proceed(state, options)]


def failed(state: PolarState, said: str, *, after_s: float = AGAIN_S) -> list[DriverOutput]:
    """Take note that something came to nothing, and try again a bounded number of times."""
    if not state.active:
        return []
    out: list[DriverOutput] = [m.Event(name="error", value={"message": said})]
    state.tries += 1
    return [*out, *(give_up(state, said) if state.tries >= TRIES else _later(state, after_s))]


def give_up(state: PolarState, reason: str, *, lasting: bool = False) -> list[DriverOutput]:
    """Leave the device at rest and drop the connection, unless that is under way."""
    if not state.active:
        return []
    return [*farewell(state), m.HangUp(reason=reason, lasting=lasting)]


def ended(state: PolarState, types: Sequence[int], said: str) -> list[DriverOutput]:
    """Start streams again that have ended, or do not begin."""
    streams = [stream for type_, stream in state.streams() if type_ in types and stream.running]
    if not state.active or not streams:
        return []
    for stream in streams:
        stream.running = False
    state.ended += 1
    return give_up(state, said) if state.ended >= TRIES else _later(state)


def _before_choice(state: PolarState) -> bytes:
    """Return the command that stops a stream, or asks what one offers; none if all that is done."""
    if state.stops:
        return wire.command(wire.STOP, state.stops[0])
    unknown = [type_ for type_, stream in state.streams() if stream.offered is None]
    return wire.command(wire.GET_SETTINGS, unknown[0]) if unknown else b""


def _start(state: PolarState) -> bytes:
    """Return the command that starts the first stream that does not run; none if all do."""
    idle = [type_ for type_, stream in state.streams() if not stream.running]
    if not idle or state.choice is None:
        return b""
    return wire.command(wire.START, idle[0], state.choice.acc if idle[0] == wire.ACC else state.choice.gyr)


def _ask(state: PolarState, data: bytes) -> list[DriverOutput]:
    state.pending, state.partial = data, b""
    return [m.Write(characteristic=wire.CONTROL, data=data), m.Deadline(name="answer", after_s=ANSWER_S)]


def _later(state: PolarState, after_s: float = AGAIN_S) -> list[DriverOutput]:
    state.pending = b""
    return [m.Deadline(name="answer", after_s=None), m.Deadline(name="again", after_s=after_s)]


def _done(state: PolarState, answer: wire.Answer, settings: wire.Settings) -> None:
    """Note what a command has brought about."""
    stream = state.stream(answer.type)
    if answer.operation == wire.STOP:
        state.stops = [type_ for type_ in state.stops if type_ != answer.type]
        if stream is not None:
            stream.running = False
        return  # no progress in itself: the start that needed it may be refused as before
    state.tries = 0
    if answer.type == wire.SDK_MODE:
        state.sdk_mode = True
        state.acc.offered = state.gyr.offered = None
    elif stream is not None and answer.operation == wire.GET_SETTINGS:
        stream.offered = {key: [float(value) for value in values] for key, values in settings.items()}
        if wire.SDK_MODE in state.types and len(settings.get(wire.SAMPLE_RATE, ())) > 1:
            state.sdk_mode = True  # left on by an earlier connection: without it there is one rate
    elif stream is not None and state.choice is not None:
        stream.running = True
        stream.line.begin(state.choice.rate_hz)


def _refused(state: PolarState, options: Options, answer: wire.Answer, said: str) -> list[DriverOutput]:
    """Do what a refusal asks for: stop what runs already, wait, or give up."""
    if answer.operation == wire.STOP or (answer.type == wire.SDK_MODE and answer.status == wire.ALREADY):
        _done(state, answer, {})  # what was to be is so
        return proceed(state, options)
    state.tries += 1
    if state.tries >= TRIES:
        return give_up(state, said, lasting=answer.status in _LASTING)
    if answer.status == wire.ALREADY:
        state.stops = [answer.type]
        return proceed(state, options)
    if answer.type == wire.SDK_MODE and answer.status == wire.INVALID_STATE:
        state.stops = [type_ for type_, _ in state.streams()]
        return _later(state)
    if answer.status in _LASTING and answer.status not in _PASSING:
        return give_up(state, said, lasting=True)
    return _later(state)


def _settings(state: PolarState) -> DriverOutput:
    """Return what the streams are started with."""
    choice = state.choice
    value: dict[str, Value] = (
        {}
        if choice is None
        else {
            "rate_hz": choice.rate_hz,
            "acc_range_g": choice.acc_range_g,
            "gyr_range_dps": choice.gyr_range_dps,
            "sdk_mode": state.sdk_mode,
            "streams": ["acc", "gyr"] if choice.gyr else ["acc"],
        }
    )
    return m.Event(name="settings", value=value)
