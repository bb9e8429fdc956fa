"""The frames of Movesense's GATT SensorData Protocol (GSP): commands, answers and data, encoded and decoded.

Sources, with how sure they are: (A) Movesense document GD-77 "GATT SensorData Protocol specification" and the device
library's API files; (B) the protocol notes and captures of a Flash sensor by `movesense-commander`; (C) the vendor's
sample firmware `gatt_sensordata_app` as public projects carry it.

A command is `[code u8][ref u8, not 0][payload]`, written with response (A). A notification begins with its type and the
ref of the command that it belongs to (A):

    1   answer      [1][ref][status u16][data] (A); to HELLO [1][ref][version u8][texts, each ended by NUL] (B)
    2   data        [2][ref][payload]
    3   more data   [3][ref][rest of the payload] (A)
    4   third part  [4][ref][rest of the payload] (C)

All numbers are little-endian.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

from ankled.drivers.errors import DecodeError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVICE: Final = "34802252-7185-4d5d-b431-630e7050e8f0"  # A
COMMAND: Final = "34800001-7185-4d5d-b431-630e7050e8f0"  # A
DATA: Final = "34800002-7185-4d5d-b431-630e7050e8f0"  # A

RESPONSE, FIRST, SECOND, THIRD = 1, 2, 3, 4
"""Types of notifications."""

PART_BYTES: Final = 150
"""The most of a payload that goes into one notification (B, C): what is longer comes in parts."""

MOST_BYTES: Final = 3 * PART_BYTES
"""The most of a payload that the three types of data notifications carry."""

HEADER_BYTES: Final = 2
_ANSWER_BYTES = 4
_PRINTABLE = 0x20


class Code(enum.IntEnum):
    """What a command asks for: 0 to 3 are of level A, the rest of level B."""

    HELLO = 0
    SUBSCRIBE = 1
    UNSUBSCRIBE = 2
    FETCH_LOG = 3
    GET = 4
    CLEAR_LOGBOOK = 5
    PUT_DATALOGGER_CONFIG = 6
    PUT_SYSTEMMODE = 7
    PUT_UTCTIME = 8
    PUT_DATALOGGER_STATE = 9


WITH_PATH: Final = frozenset({Code.SUBSCRIBE, Code.GET})
"""Commands whose payload is the path of a resource, ended by NUL."""

RESTART: Final = 5
"""The system mode in which the application begins anew (B)."""

OK, ACCEPTED, CONTINUE = 200, 202, 100
BAD_REQUEST, UNAUTHORISED, FORBIDDEN, NOT_FOUND, CONFLICT = 400, 401, 403, 404, 409
TOO_MANY, NOT_IMPLEMENTED, UNAVAILABLE, NO_SLOT = 429, 501, 503, 507
WORDS: Final = {
    CONTINUE: "continue",
    OK: "ok",
    ACCEPTED: "accepted",
    BAD_REQUEST: "bad request",
    UNAUTHORISED: "not allowed",
    FORBIDDEN: "forbidden",
    NOT_FOUND: "not found",
    CONFLICT: "conflict",
    TOO_MANY: "too many requests",
    NOT_IMPLEMENTED: "not implemented",
    UNAVAILABLE: "unavailable",
    NO_SLOT: "no free subscription",
}
"""Statuses are those of HTTP (B)."""
_STATUSES = range(100, 600)
_NO_SLOT_SWAPPED = int.from_bytes(NO_SLOT.to_bytes(2, "big"), "little")


class Command(NamedTuple):
    """What a central writes."""

    code: Code
    ref: int
    payload: bytes

    @property
    def path(self) -> str | None:
        """The resource of a SUBSCRIBE or a GET. Raises DecodeError."""
        if self.code not in WITH_PATH:
            return None
        return _text(self.payload.partition(b"\0")[0], "the path of a command")


class Response(NamedTuple):
    """The answer to a command."""

    ref: int
    status: int
    data: bytes

    @property
    def words(self) -> str:
        """What the status says."""
        return words(self.status)


class Hello(NamedTuple):
    """The answer to HELLO; `version` is None for the sample firmware, which sends the text "Hello" alone (C)."""

    ref: int
    version: int | None
    texts: tuple[str, ...]


def words(status: int) -> str:
    """Return a status as a text with its number."""
    return f"{WORDS.get(status, 'refused' if status >= BAD_REQUEST else 'status')} ({status})"


def encode_command(code: Code, ref: int, payload: bytes | str = b"") -> bytes:
    """Return the bytes of a command; a text is the path of a resource."""
    if isinstance(payload, str):
        payload = payload.encode("ascii") + b"\0"
    return bytes((code, ref)) + payload


def decode_command(data: bytes) -> Command:
    """Return what a central wrote. Raises DecodeError."""
    if len(data) < HEADER_BYTES:
        raise DecodeError(f"a command has at least {HEADER_BYTES} bytes, this one {len(data)}")
    if data[0] > max(Code):
        raise DecodeError(f"command {data[0]} is unknown; allowed are 0 to {max(Code)}")
    return Command(Code(data[0]), data[1], bytes(data[HEADER_BYTES:]))


def encode_response(ref: int, status: int, data: bytes = b"", *, swapped: bool = False) -> bytes:
    """Return an answer; `swapped` as the sample firmware sends its 507 (C)."""
    return bytes((RESPONSE, ref)) + status.to_bytes(2, "big" if swapped else "little") + data


def encode_hello(ref: int, version: int | None, texts: Iterable[str]) -> bytes:
    """Return the answer to HELLO."""
    if version is None:
        return bytes((RESPONSE, ref)) + "".join(texts).encode("ascii")
    return bytes((RESPONSE, ref, version)) + b"".join(text.encode("ascii") + b"\0" for text in texts)


def encode_data(ref: int, payload: bytes) -> list[bytes]:
    """Return a payload as the notifications it takes. Raises DecodeError for one that three parts do not hold."""
    if len(payload) > MOST_BYTES:
        raise DecodeError(f"a payload has {len(payload)} bytes; three parts hold {MOST_BYTES}")
    parts = [payload[at : at + PART_BYTES] for at in range(0, len(payload), PART_BYTES)] or [b""]
    return [bytes((kind, ref)) + part for kind, part in enumerate(parts, FIRST)]


def decode_answer(data: bytes) -> Response | Hello:
    """Return an answer, which only its content tells from that to HELLO. Raises DecodeError.

    A status is 100 to 599. The version of a HELLO with the first letter behind it, or the first two letters of the
    sample firmware's "Hello", are never such a number. That firmware sends its 507 with the bytes swapped, `01 FB`
    (B, C), and nothing else means that: a version 1 would have a letter behind it.
    """
    ref = data[1]
    status = int.from_bytes(data[HEADER_BYTES:_ANSWER_BYTES], "little") if len(data) >= _ANSWER_BYTES else 0
    if status == _NO_SLOT_SWAPPED:
        status = NO_SLOT
    if status in _STATUSES:
        return Response(ref, status, bytes(data[_ANSWER_BYTES:]))
    body = bytes(data[HEADER_BYTES:])
    if not body or not body[0]:
        raise DecodeError(f"the answer {shown(data)} has neither a status (100 to 599) nor the version of a HELLO")
    if body[0] >= _PRINTABLE:
        return Hello(ref, None, (_text(body, "the answer to HELLO"),))
    texts = body[1:].removesuffix(b"\0").split(b"\0") if len(body) > 1 else []
    return Hello(ref, body[0], tuple(_text(text, "the answer to HELLO") for text in texts))


def _text(data: bytes, what: str) -> str:
    text = data.decode("ascii", "replace")
    if not text.isprintable() or not text.isascii():
        raise DecodeError(f"{what} holds {shown(data)}; printable ASCII is allowed")
    return text
