"""One MCAP file of inputs, written in their order: the only place that knows how the mcap library is driven."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec
from mcap.writer import CompressionType, Writer

from ankled.daemon.capture import form
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs_codec import SCHEMA_NAME, encode, json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ankled.daemon.inputs import Input

_CHUNK_BYTES: Final = 256 * 1024
"""A chunk is closed at this size even between two syncs: what is damaged is lost by the chunk."""


class CaptureFile:
    """Writes an MCAP to a stream; `sync` puts all of it on the disk, `finish` makes the file whole."""

    def __init__(self, stream: BinaryIO, origin: form.Origin, *, first_number: int, utc_offset_ns: int | None) -> None:
        self._stream = stream
        self._writer = Writer(stream, chunk_size=_CHUNK_BYTES, compression=CompressionType.ZSTD)
        self._writer.start(profile=form.PROFILE, library=f"ankled {origin.version}")
        facts = {**msgspec.to_builtins(origin), "first_number": str(first_number)}
        if utc_offset_ns is not None:
            facts["utc_offset_ns"] = str(utc_offset_ns)
        self._writer.add_metadata(form.METADATA, facts)
        self._schema = self._writer.register_schema(SCHEMA_NAME, "jsonschema", json_schema())
        self._channels: dict[str, int] = {}

    def add(self, topic: str, number: int, data: bytes, *, host_ns: int, utc_offset_ns: int | None) -> None:
        """Append one encoded input."""
        channel = self._channels.get(topic)
        if channel is None:
            channel = self._writer.register_channel(topic, form.ENCODING, self._schema)
            self._channels[topic] = channel
        self._writer.add_message(
            channel_id=channel,
            sequence=number & form.SEQUENCE_MASK,
            log_time=form.clip_time(host_ns + (utc_offset_ns or 0)),
            publish_time=form.clip_time(host_ns),
            data=data,
        )

    def add_input(self, number: int, item: Input, *, utc_offset_ns: int | None = None) -> None:
        """Append one input."""
        data = encode(item)
        self.add(form.topic(item), number, data, host_ns=item.host_ns, utc_offset_ns=utc_offset_ns)

    def register_schema(self, name: str, schema: bytes) -> int:
        """Add a JSON Schema for messages beside the inputs; return its id."""
        number: int = self._writer.register_schema(name, "jsonschema", schema)
        return number

    def register_json(self, topic: str, schema: int) -> int:
        """Add a channel of JSON messages beside the inputs; return its id."""
        return self._writer.register_channel(topic, "json", schema)

    def add_json(self, channel: int, data: bytes, *, log_time: int, sequence: int) -> None:
        """Append one JSON message."""
        self._writer.add_message(channel, log_time, data, log_time, sequence & form.SEQUENCE_MASK)

    def sync(self) -> None:
        """Close the chunk and put it on the disk: what was added survives a kill and a power cut."""
        self._writer.flush()  # type: ignore[no-untyped-call]  # the library leaves it without types
        self._fsync()

    def finish(self) -> None:
        """Write the index that makes the file whole, and put it on the disk. The stream stays open."""
        self._writer.finish()  # type: ignore[no-untyped-call]  # as above
        self._stream.flush()
        self._fsync()

    def size(self) -> int:
        """Return how many bytes stand in the file."""
        return self._stream.tell()

    def _fsync(self) -> None:
        os.fsync(self._stream.fileno())


def sync_folder(folder: Path) -> None:
    """Put a folder's list of names on the disk: else a power cut may forget a whole new file."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(target: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a stream whose content becomes `target` when the block ends well, at once and never half."""
    if target.exists() and not overwrite:
        raise RecordingError(f"{target} exists already: choose another name, or ask for it to be replaced.")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            with part.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(target)
            sync_folder(target.parent)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise RecordingError(f"{target} cannot be written: {reason(error)}.") from error


def reason(error: OSError) -> str:
    """Return why the system refused, without its number and its quoted path."""
    return error.strerror or type(error).__name__
