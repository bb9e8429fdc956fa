"""Reading a capture: its inputs by number, from a file that is whole, unfinished, cut or damaged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, Final

from mcap.records import Channel, Header, Metadata, Schema

from ankled.daemon.capture import form
from ankled.daemon.capture.frames import MAGIC, Damage, End, Message, walk
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs_codec import SCHEMA_NAME, SCHEMA_PREFIX, VERSION, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from ankled.daemon.inputs import Input

    Progress: TypeAlias = Callable[[int, int], None]
    """Told the bytes done and the bytes of all."""

_LONGEST_NUMBER: Final = 20
_FOREIGN: Final = "is an MCAP file, but not a recording of ankled"


class CaptureReader:
    """The inputs of one capture file, in their order.

    `strict` raises at damage that later inputs follow, since results after a hole are not the ones published live;
    otherwise it is a note. A file that just ends too early is always readable to its end. `notes` and `damage` are
    whole once the iteration has ended.
    """

    def __init__(self, path: Path, *, strict: bool = True, progress: Progress | None = None) -> None:
        self.path: Final = path
        self.facts: dict[str, str] = {}
        self.notes: list[str] = []
        self.damage: list[Damage] = []
        self.finished = False
        self.first: int | None = None
        self.last: int | None = None
        self.missing = 0
        self.size = 0
        self.good = 0
        self._strict = strict
        self._progress = progress
        self._begins = 0
        self._headed = False
        self._ours = False
        self._channels: dict[int, Channel] = {}
        self._schemas: dict[int, Schema] = {}

    def __iter__(self) -> Iterator[form.Entry]:
        """Yield every input with its number; a file's opening comes first, under the number that follows it."""
        for entry, _ in self.with_messages():
            yield entry

    def with_messages(self) -> Iterator[tuple[form.Entry, Message]]:
        """Yield every input beside the message it was stored in."""
        with open_capture(self.path) as stream:
            self.size = os.fstat(stream.fileno()).st_size
            shown = 0
            for position, piece in walk(stream, self.size):
                if isinstance(piece, Message):
                    if (entry := self._entry(piece, position)) is not None:
                        yield entry, piece
                elif isinstance(piece, Damage):
                    self._damaged(piece)
                elif isinstance(piece, End):
                    self._end(piece)
                else:
                    self._describe(piece)
                if self._progress and position != shown:
                    shown = position
                    self._progress(position, self.size)

    @property
    def origin(self) -> form.Origin:
        """Who recorded, as far as the file still says it; known once the first entry was read."""
        return form.Origin(**{key: self.facts.get(key, "unknown") for key in form.Origin.__struct_fields__})

    def fact(self, name: str) -> int | None:
        """Return a number from the file's own description, or None where it has none that makes sense."""
        said = self.facts.get(name, "")
        digits = said.removeprefix("-")
        return int(said) if digits.isdecimal() and len(digits) <= _LONGEST_NUMBER else None

    def _describe(self, piece: Header | Schema | Channel | Metadata) -> None:
        if isinstance(piece, Header):
            self._headed, self._ours = True, piece.profile == form.PROFILE
        elif isinstance(piece, Metadata):
            if piece.name == form.METADATA:
                self.facts = piece.metadata
                self._begins = self.fact("first_number") or 0
        elif isinstance(piece, Channel):
            self._channels[piece.id] = piece
        else:
            self._schemas[piece.id] = piece
            if piece.name.startswith(SCHEMA_PREFIX):
                self._ours = True
                if piece.name != SCHEMA_NAME:
                    form_ = piece.name.removeprefix(SCHEMA_PREFIX)
                    raise RecordingError(f"{self.path} is of form {form_}: this ankled reads form {VERSION}.")

    def _entry(self, message: Message, position: int) -> form.Entry | None:
        if not self._ours:
            raise RecordingError(f"{self.path} {_FOREIGN}: it holds no schema {SCHEMA_NAME}.")
        channel = self._channels.get(message.channel)
        schema = self._schemas.get(channel.schema_id) if channel else None
        if schema is not None and schema.name != SCHEMA_NAME:
            return None  # decoded samples that an export put beside the inputs
        try:
            item = decode(message.data)
        except RecordingError as error:
            if schema is None:
                return None  # its description was lost: it need not be an input at all
            what = f"{self.path}: the message at byte {position} is {error}."
            if self._strict:
                raise RecordingError(what) from None
            self.notes.append(what)
            return None
        opening = channel is not None and channel.topic.startswith(form.OPENING_PREFIX)
        return form.Entry(self._number(message.sequence, opening=opening), item, opening)

    def _number(self, sequence: int, *, opening: bool) -> int:
        number = form.full_number(sequence, self._begins if self.last is None else self.last)
        if opening:
            return number
        if self.last is not None and number <= self.last:
            raise RecordingError(f"{self.path} is out of order: input {number} comes after input {self.last}.")
        expected = self._begins if self.last is None else self.last + 1
        if number != expected:
            self._missing(expected, number - 1)
        self.first = number if self.first is None else self.first
        self.last = number
        return number

    def _missing(self, first: int, last: int) -> None:
        if last < first:
            return  # the number the file says it begins with is itself damaged
        what = f"input {first} is" if first == last else f"inputs {first} to {last} are"
        if self.damage and self._strict:
            where = self.damage[-1]
            raise RecordingError(
                f"{self.path} is damaged at byte {where.start} ({where.reason}) and {what} lost: "
                f"`ankled capture repair` keeps what can still be read."
            )
        self.missing += last - first + 1
        self.notes.append(f"{self.path}: {what} missing.")

    def _damaged(self, damage: Damage) -> None:
        self.damage.append(damage)
        if not self._strict:
            self.notes.append(f"{self.path} is damaged at byte {damage.start} ({damage.reason}).")

    def _end(self, end: End) -> None:
        self.finished, self.good = end.finished, end.good
        if not self._headed:
            raise RecordingError(f"{self.path} has no header that can be read: it holds no input.")
        if self.last is None and not self.facts and not self._ours:
            raise RecordingError(f"{self.path} {_FOREIGN}: it holds no schema {SCHEMA_NAME}.")
        if self.finished and not self.damage:
            return
        upto = "holds no input" if self.last is None else f"is readable up to input {self.last}"
        if not self.finished:
            torn = self.size - self.good
            cut = f", its last {torn} bytes cannot be read" if torn else ""
            self.notes.append(f"{self.path} was not finished: it {upto}{cut}.")
        elif self._strict:
            self.notes.append(f"{self.path} is damaged at byte {self.damage[-1].start}: it {upto}.")


def open_capture(path: Path) -> BinaryIO:
    """Open a file that begins as an MCAP does, or say in one sentence what it is not."""
    try:
        stream = path.open("rb")
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.") from error
    begin = stream.read(len(MAGIC))
    if begin == MAGIC:
        return stream
    stream.close()
    if not begin:
        raise RecordingError(f"{path} is empty.")
    if MAGIC.startswith(begin):
        raise RecordingError(f"{path} ends after {len(begin)} bytes: it holds no input.")
    raise RecordingError(f"{path} is not an MCAP file: it does not begin with the bytes that mark one.")


def read_inputs(path: Path, *, progress: Progress | None = None) -> Iterator[tuple[int, Input]]:
    """Yield number and input of one capture file; its opening comes first, under the number that follows it."""
    return ((entry.number, entry.item) for entry in CaptureReader(path, progress=progress))


def read_chain(readers: Sequence[CaptureReader]) -> Iterator[form.Entry]:
    """Yield the entries of files that continue each other; what a later one restates at its opening is left out."""
    last: int | None = None
    before: CaptureReader | None = None
    for reader in readers:
        first = True
        for entry in reader:
            continues = last is not None and entry.number == last + 1
            if last is not None and first and not continues:
                where = before.path if before else reader.path
                raise RecordingError(
                    f"{reader.path} begins with input {entry.number}, but {where} ends with input {last}."
                )
            first = False
            if last is None or not entry.opening:
                yield entry
        if reader.last is not None:
            last, before = reader.last, reader
