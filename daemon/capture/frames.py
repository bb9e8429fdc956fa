"""MCAP at the level of frames: what can be read of a file in any state, and where what cannot.

The readers of the mcap library want a whole file, take a cut chunk for a whole one, and build five objects for every
message; this walk keeps the library's record classes and its decompression, and does the rest itself. A frame is one
byte of opcode, eight bytes of length, and that many bytes.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, cast

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Header, Metadata, Schema
from mcap.stream_reader import get_chunk_data_stream
from mcap.writer import MCAP0_MAGIC

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

MAGIC: Final = MCAP0_MAGIC

_FRAME: Final = struct.Struct("<BQ")
_MESSAGE: Final = struct.Struct("<BQHIQQ")
_NAME_AT: Final = _FRAME.size + 8 + 8 + 8 + 4 + 4
_MAX_NAME: Final = 16
_CHUNK_BYTE: Final = bytes((Opcode.CHUNK,))
_MAX_OPCODE: Final = max(Opcode)
_MAX_CHUNK: Final = 1 << 30
_WINDOW: Final = 1 << 20
_READ: Final = frozenset({Opcode.HEADER, Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE, Opcode.CHUNK, Opcode.METADATA})


class Message(NamedTuple):
    """One message as it stands in the file."""

    channel: int
    sequence: int
    log_time: int
    publish_time: int
    data: bytes


class Damage(NamedTuple):
    """Bytes from `start` up to `end` that say nothing any more, and why."""

    start: int
    end: int
    reason: str


class End(NamedTuple):
    """The end of the walk: `finished` when the file ends as a whole MCAP does; `good` is where the good part ends."""

    finished: bool
    good: int


Piece: TypeAlias = Header | Schema | Channel | Metadata | Message | Damage | End


def walk(stream: BinaryIO, size: int) -> Iterator[tuple[int, Piece]]:
    """Yield every piece with the offset of its frame; the last one is an `End`. The magic is known to be there."""
    position = proven = len(MAGIC)
    summary = False
    while position + _FRAME.size <= size:
        stream.seek(position)
        opcode, length = _FRAME.unpack(stream.read(_FRAME.size))
        following = position + _FRAME.size + length
        whole = 0 < opcode <= _MAX_OPCODE and following <= size
        if not whole or (opcode == Opcode.CHUNK and not _is_chunk(stream, position, size)):
            # Whatever led here since the last frame that proved itself may have had a wrong length.
            after = find_chunk(stream, proven, size)
            if after is None:
                break
            start = position if position < after else proven
            yield start, Damage(start, after, "its frame is damaged")
            position = proven = after
            continue
        if opcode == Opcode.FOOTER:
            stream.seek(following)
            yield position, End(stream.read() == MAGIC, following)
            return
        summary |= opcode == Opcode.DATA_END
        # The summary repeats schemas and channels for readers that seek.
        if opcode in _READ and not summary:
            stream.seek(position + _FRAME.size)
            yield from _unpack(opcode, stream.read(length), position, following)
        position = following
        if opcode == Opcode.CHUNK:
            proven = following
    yield position, End(finished=False, good=position)


def find_chunk(stream: BinaryIO, start: int, size: int) -> int | None:
    """Return the offset of the next whole chunk at or after `start`: its own lengths agree with each other."""
    while start < size:
        stream.seek(start)
        window = stream.read(_WINDOW)
        # Every byte that could be the opcode is tried: a chunk has two lengths that differ by a known amount.
        found = window.find(_CHUNK_BYTE)
        while found != -1:
            if _is_chunk(stream, start + found, size):
                return start + found
            found = window.find(_CHUNK_BYTE, found + 1)
        start += len(window)
    return None


def _is_chunk(stream: BinaryIO, position: int, size: int) -> bool:
    stream.seek(position)
    head = stream.read(_NAME_AT + _MAX_NAME + 8)
    if len(head) < _NAME_AT + 8:
        return False
    opcode, length = _FRAME.unpack_from(head)
    data_at = _NAME_AT + int.from_bytes(head[_NAME_AT - 4 : _NAME_AT], "little")
    if opcode != Opcode.CHUNK or data_at > _NAME_AT + _MAX_NAME or position + _FRAME.size + length > size:
        return False
    data_length = int.from_bytes(head[data_at : data_at + 8], "little")
    return length == data_at + 8 - _FRAME.size + data_length and data_length > 0


def _unpack(opcode: int, payload: bytes, position: int, following: int) -> Iterator[tuple[int, Piece]]:
    try:
        if opcode == Opcode.CHUNK:
            pieces = list(_chunk(payload))
        elif opcode == Opcode.MESSAGE:
            frame = _FRAME.pack(opcode, len(payload)) + payload
            pieces = [_message(frame, 0, len(frame))]
        else:
            pieces = [_record(opcode, payload)]
    except Exception as error:  # noqa: BLE001  (each decompressor raises classes of its own, of no common base)
        reason = " ".join(str(error).split()) or type(error).__name__
        yield position, Damage(position, following, reason)
        return
    for piece in pieces:
        yield position, piece


def _record(opcode: int, payload: bytes) -> Piece:
    stream = ReadDataStream(BytesIO(payload))
    # The library's read functions carry no return type.
    match opcode:
        case Opcode.HEADER:
            return cast("Header", Header.read(stream))
        case Opcode.SCHEMA:
            return cast("Schema", Schema.read(stream))
        case Opcode.CHANNEL:
            return cast("Channel", Channel.read(stream))
        case _:
            return cast("Metadata", Metadata.read(stream))


def _message(data: bytes, start: int, end: int) -> Message:
    _, _, channel, sequence, log_time, publish_time = _MESSAGE.unpack_from(data, start)
    return Message(channel, sequence, log_time, publish_time, data[start + _MESSAGE.size : end])


def _chunk(payload: bytes) -> Iterator[Piece]:
    chunk = Chunk.read(ReadDataStream(BytesIO(payload)))
    if chunk.uncompressed_size > _MAX_CHUNK:
        raise ValueError(f"a chunk of {chunk.uncompressed_size} bytes is not believable")
    content, size = get_chunk_data_stream(chunk, validate_crc=True)
    data = content.read(size)
    position = 0
    while position < size:
        opcode, length = _FRAME.unpack_from(data, position)
        start, position = position, position + _FRAME.size + length
        if opcode == Opcode.MESSAGE:
            yield _message(data, start, position)
        elif opcode in _READ:
            yield _record(opcode, data[start + _FRAME.size : position])
    if position != size:
        raise ValueError("its records do not fill it")
