"""The files of one recording, one after the other: names, locks, and what happens when the disk refuses."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from ankled.daemon.capture.file import CaptureFile, reason, sync_folder
from ankled.daemon.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ankled.daemon.capture.form import Origin


class Line(NamedTuple):
    """One encoded input on its way to a file."""

    topic: str
    number: int
    data: bytes
    host_ns: int
    utc_offset_ns: int | None


class Rolls:
    """Writes lines to the newest file. `path` is the first; later ones are `stem.001.mcap`, `stem.002.mcap`, ...

    No file is ever overwritten, and each is locked while it is written, so that nobody repairs it meanwhile. What the
    system refuses comes out as OSError; `abandon` then lets go of the file.
    """

    def __init__(self, path: Path, origin: Origin) -> None:
        """Make the first file at once, so that a wrong path is told before anything is recorded."""
        self._first = path
        self._origin = origin
        self._file: CaptureFile | None = None
        self._clean = True
        self.path = path
        self.count = 0
        self.written_bytes = 0
        self.unsynced = 0
        self.synced: int | None = None
        self.last: int | None = None
        try:
            self._stream: BinaryIO | None = _create(path)
        except OSError as error:
            raise RecordingError(f"{path} cannot be written: {reason(error)}.") from error

    @property
    def writing(self) -> bool:
        """Whether there is a file that takes lines."""
        return self._file is not None

    def begin(self, number: int, opening: Sequence[Line], utc_offset_ns: int | None) -> None:
        """Make the file so far whole and open the next one; its opening is on the disk when this returns."""
        self.finish()
        stream = self._stream or self._create_next()
        self._stream = stream
        self._clean = True
        self._file = CaptureFile(stream, self._origin, first_number=number, utc_offset_ns=utc_offset_ns)
        self.count += 1
        for line in opening:
            self._append(self._file, line)
        self._sync(self._file)
        sync_folder(self.path.parent)
        self._clean = False

    def add(self, line: Line) -> None:
        """Append a line to the newest file."""
        if self._file is None:
            raise OSError(f"{self.path} is not open")
        self.unsynced += 1
        self._append(self._file, line)
        self.last = line.number

    def sync(self) -> None:
        """Put every line on the disk."""
        if self._file is not None and self.unsynced:
            self._sync(self._file)
            self.synced = self.last

    def finish(self) -> None:
        """Make the newest file whole and let go of it."""
        if self._file is None or self._stream is None:
            return
        self._file.finish()
        self._stream.close()
        self._file = self._stream = None
        self.unsynced = 0
        self.synced = self.last

    def abandon(self) -> int:
        """Let go of a file that cannot be written any more; return how many lines it may have lost."""
        lost, self.unsynced = self.unsynced, 0
        if self._stream is not None:
            with suppress(OSError):  # closing writes what is buffered, which fails again
                self._stream.close()
            if self._clean:
                self.path.unlink(missing_ok=True)
        self._file = self._stream = None
        return lost

    def _append(self, file: CaptureFile, line: Line) -> None:
        topic, number, data, host_ns, utc_offset_ns = line
        file.add(topic, number, data, host_ns=host_ns, utc_offset_ns=utc_offset_ns)

    def _sync(self, file: CaptureFile) -> None:
        file.sync()
        self.written_bytes = file.size()
        self.unsynced = 0

    def _create_next(self) -> BinaryIO:
        index = 1
        while True:
            self.path = self._first.with_name(f"{self._first.stem}.{index:03d}{self._first.suffix}")
            with suppress(FileExistsError):
                return _create(self.path)
            index += 1


def _create(path: Path) -> BinaryIO:
    stream = path.open("xb")
    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return stream


def in_use(stream: BinaryIO) -> bool:
    """Whether somebody is recording to the file that this stream reads."""
    try:
        fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(stream, fcntl.LOCK_UN)
    return False
