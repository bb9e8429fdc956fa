"""What an OpenAnkle device is told over its control characteristic, and what it answers (docs/openankle.md, A)."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec

from ankled.drivers.errors import DecodeError, DriverError
from ankled.drivers.openankle.wire import (
    Format,
    Side,
    checked_period,
    decode_format,
    decode_mass,
    decode_side,
    encode_format,
    encode_weight,
)

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Op(IntEnum):
    """First byte of a command; its answer has bit 7 set."""

    CONFIGURE = 0x01
    START = 0x02
    STOP = 0x03
    SET_WEIGHT = 0x04
    IDENTIFY = 0x05


class Result(IntEnum):
    """Third byte of an answer."""

    SUCCESS = 0x00
    UNKNOWN_COMMAND = 0x01
    WRONG_LENGTH = 0x02
    NOT_OFFERED = 0x03
    WRONG_STATE = 0x04
    NOT_SUBSCRIBED = 0x05
    MTU_TOO_SMALL = 0x06
    BUSY = 0x07
    IMU_FAULT = 0x08
    BATTERY_TOO_LOW = 0x09
    STORAGE_FAULT = 0x0A


MEANINGS: Final = {
    Result.SUCCESS: "done",
    Result.UNKNOWN_COMMAND: "it does not know this command",
    Result.WRONG_LENGTH: "the command has the wrong length",
    Result.NOT_OFFERED: "it does not offer this value",
    Result.WRONG_STATE: "this is not possible while it streams",
    Result.NOT_SUBSCRIBED: "nobody has subscribed to its data",
    Result.MTU_TOO_SMALL: "the MTU is too small for this rate",
    Result.BUSY: "it is busy",
    Result.IMU_FAULT: "its motion sensor does not work",
    Result.BATTERY_TOO_LOW: "its battery is too low",
    Result.STORAGE_FAULT: "it could not store this",
}
"""Each result as the end of a sentence about the device."""

LONGEST_IDENTIFY_S: Final = 255

_ANSWER = 0x80
_OP = 0x7F
_STARTED = struct.Struct("<BBI")
_WEIGHT = struct.Struct("<HB")


class Configure(msgspec.Struct, frozen=True):
    """Sample so; a sample may wait up to `latency_ms` for its packet to be full."""

    form: Format
    latency_ms: int


class SetWeight(msgspec.Struct, frozen=True):
    """Remember what the weight weighs, in g or None for not known, and on which leg it is worn."""

    mass_g: int | None
    side: Side


class Identify(msgspec.Struct, frozen=True):
    """Show yourself for so long, as by a lamp; 0 ends it."""

    duration_s: int


class Start(msgspec.Struct, frozen=True):
    """Begin to stream."""


class Stop(msgspec.Struct, frozen=True):
    """End the stream; success also when there is none."""


Command: TypeAlias = Configure | Start | Stop | SetWeight | Identify

_SIZES = {Op.CONFIGURE: 2, Op.START: 0, Op.STOP: 0, Op.SET_WEIGHT: 3, Op.IDENTIFY: 1}
_OPS: dict[type[Command], Op] = {
    Configure: Op.CONFIGURE,
    Start: Op.START,
    Stop: Op.STOP,
    SetWeight: Op.SET_WEIGHT,
    Identify: Op.IDENTIFY,
}


class CommandError(DriverError):
    """A device must refuse this command with `result`; `offset` is that of the first byte it does not offer."""

    def __init__(self, result: Result, offset: int | None = None) -> None:
        super().__init__(MEANINGS[result])
        self.result = result
        self.offset = offset


def op_of(command: Command) -> Op:
    """Return the first byte of a command."""
    return _OPS[type(command)]


def encode_command(command: Command, tag: int) -> bytes:
    """Return a command as it is written; its answer will carry the same `tag`."""
    head = bytes((op_of(command), tag))
    match command:
        case Configure(form, latency_ms):
            return head + bytes((encode_format(form), latency_ms))
        case SetWeight(mass_g, side):
            return head + _WEIGHT.pack(*encode_weight(mass_g, side))
        case Identify(duration_s):
            return head + bytes((duration_s,))
    return head


def decode_command(data: bytes) -> Command:
    """Return what is written to a device; `data` has an op and a tag at least. Raises CommandError."""
    try:
        op = Op(data[0])
    except ValueError:
        raise CommandError(Result.UNKNOWN_COMMAND) from None
    body = data[2:]
    if len(body) != _SIZES[op]:
        raise CommandError(Result.WRONG_LENGTH)
    match op:
        case Op.CONFIGURE:
            return Configure(_offered(decode_format, body[0], 2), body[1])
        case Op.SET_WEIGHT:
            mass_g, side = _WEIGHT.unpack(body)
            return SetWeight(_offered(decode_mass, mass_g, 2) if mass_g else None, _offered(decode_side, side, 4))
        case Op.IDENTIFY:
            return Identify(body[0])
    return Start() if op is Op.START else Stop()


def _offered(decode: Callable[[int], T], value: int, offset: int) -> T:
    """Return what a value of a command stands for, or refuse it by the place where it stands."""
    try:
        return decode(value)
    except DecodeError:
        raise CommandError(Result.NOT_OFFERED, offset) from None


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """What follows Start: the format, how many samples a full packet has, and the period as the device knows it."""

    form: Format
    samples_per_packet: int
    period_ns: int


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer. `op` and `result` may be ones of a later version. `offset`: which byte of the command is at fault."""

    op: int
    tag: int
    result: int
    offset: int | None = None
    started: Started | None = None


def encode_response(response: Response) -> bytes:
    """Return the value that answers a command."""
    head = bytes((response.op | _ANSWER, response.tag, response.result))
    if response.offset is not None:
        return head + bytes((response.offset,))
    if (started := response.started) is not None:
        return head + _STARTED.pack(encode_format(started.form), started.samples_per_packet, started.period_ns)
    return head


def decode_response(data: bytes) -> Response:
    """Return what the device answers. A later minor version may append bytes."""
    if len(data) < 3:  # noqa: PLR2004  (op, tag, result)
        raise DecodeError(f"an answer has at least 3 bytes, this one {len(data)}")
    if not data[0] & _ANSWER:
        raise DecodeError(f"an answer begins with a byte from 0x80 on, this one with 0x{data[0]:02x}")
    op, tag, result, body = data[0] & _OP, data[1], data[2], data[3:]
    if result == Result.NOT_OFFERED and body:
        return Response(op=op, tag=tag, result=result, offset=body[0])
    if op == Op.START and result == Result.SUCCESS:
        if len(body) < _STARTED.size:
            raise DecodeError(f"the answer to Start has {len(data)} bytes; at least {_STARTED.size + 3} are needed")
        form, samples, period_ns = _STARTED.unpack_from(body)
        started = Started(form=decode_format(form), samples_per_packet=samples, period_ns=checked_period(period_ns))
        return Response(op=op, tag=tag, result=result, started=started)
    return Response(op=op, tag=tag, result=result)
