"""The recorder: a thread that writes inputs to capture files and puts them on the disk every second.

The dispatcher never waits for the disk. What a full queue or a failing disk loses is counted, the reason stands in
`health`, and the recorder asks for a new file, which opens with the whole state: so every file replays identically.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ankled.daemon.capture import form
from ankled.daemon.capture.file import reason
from ankled.daemon.capture.rolls import Line, Rolls
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import ClockAnchor
from ankled.daemon.inputs_codec import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ankled.daemon.inputs import Input

_NS: Final = 1_000_000_000
_OVERHEAD: Final = 31 + 16  # bytes of a message's frame and of its line in the index
_LEAST_S: Final = 10.0  # of a file, where somebody asks for the next: both legs' sets end within moments
# The thread collects for so long: woken for every input it would take the interpreter away from the dispatcher each
# time, and many times as much of the processor.
_COLLECT_S: Final = 0.05


class CaptureLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When a new file begins, and how much may wait. Sizes are before compression, ages in host time of the inputs."""

    rotate_bytes: int = 256 * 1024 * 1024
    rotate_s: float = 24 * 3600.0
    queue: int = 16_384
    sync_s: float = 1.0
    retry_s: float = 10.0


class CaptureHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the recorder does. `fault` says why nothing can be written; `heartbeat_s` is on the monotonic clock."""

    path: str
    fault: str | None
    queued: int
    capacity: int
    lost: int
    files: int
    bytes: int
    written_number: int | None
    synced_number: int | None
    heartbeat_s: float


class _Begin(NamedTuple):
    number: int
    opening: tuple[Line, ...]
    utc_offset_ns: int | None


class CaptureWriter:
    """Records inputs to `path` and, as it grows or ages, to files beside it; `close` makes the last one whole.

    Raises RecordingError when the first file cannot be made: exists already, no folder, no permission, no space.
    """

    def __init__(self, path: Path, origin: form.Origin, limits: CaptureLimits | None = None) -> None:
        self._limits = limits or CaptureLimits()
        self._rolls = Rolls(path, origin)
        self._jobs: deque[_Begin | Line] = deque()  # filled at one end by one thread, emptied at the other by another
        self._wake = threading.Event()
        self._due = True
        self._hole = False
        self._utc_offset_ns: int | None = None
        self._begun_ns: int | None = None
        self._latest_ns = 0
        self._bytes = 0
        self._overflowed = 0
        self._failed = 0
        self._fault: str | None = None
        self._retry_at = 0.0
        self._heartbeat_s = time.monotonic()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="capture-writer", daemon=True)
        self._thread.start()

    @property
    def due(self) -> bool:
        """Whether the next input should be preceded by `begin`: a new file opens there."""
        wanted = self._due or (self._fault is not None and time.monotonic() >= self._retry_at)
        return wanted and not self._closed and len(self._jobs) < self._limits.queue

    @property
    def alive(self) -> bool:
        """Whether the thread runs that writes."""
        return self._thread.is_alive()

    def rotate(self) -> None:
        """Begin a new file before the next input, unless this one has hardly begun."""
        if self._begun_ns is not None and self._latest_ns - self._begun_ns >= _LEAST_S * _NS:
            self._due = True

    def anchored(self, utc_offset_ns: int) -> None:
        """Take the wall clock that holds where the recording begins, less the host's time."""
        self._utc_offset_ns = utc_offset_ns

    def begin(self, number: int, opening: Sequence[Input]) -> None:
        """Open a new file before input `number`; `opening` restates settings and state that hold there."""
        offset = self._utc_offset_ns
        lines = tuple(Line(form.topic(i, opening=True), number, encode(i), i.host_ns, offset) for i in opening)
        self._bytes = sum(len(line.data) + _OVERHEAD for line in lines)
        self._begun_ns = None
        self._retry_at = time.monotonic() + self._limits.retry_s
        self._due = not self._put(_Begin(number, lines, offset))
        self._hole = self._hole and self._due

    def write(self, number: int, item: Input) -> None:
        """Take one input for the file. Never waits; raises only for an input that has no wire form."""
        data = encode(item)
        if isinstance(item, ClockAnchor):
            self._utc_offset_ns = item.utc_ns - item.host_ns
        if self._begun_ns is None:
            self._begun_ns = item.host_ns
        self._bytes += len(data) + _OVERHEAD
        # Behind a hole nothing replays as it was: what follows waits for a new file.
        if self._hole or not self._put(Line(form.topic(item), number, data, item.host_ns, self._utc_offset_ns)):
            self._overflowed += 1
            self._hole = self._due = True
        self._latest_ns = item.host_ns
        aged = item.host_ns - self._begun_ns >= self._limits.rotate_s * _NS
        self._due = self._due or aged or self._bytes >= self._limits.rotate_bytes

    def health(self) -> CaptureHealth:
        """Return how the recorder does, for any thread."""
        return CaptureHealth(
            path=str(self._rolls.path),
            fault=self._fault,
            queued=len(self._jobs),
            capacity=self._limits.queue,
            lost=self._overflowed + self._failed,
            files=self._rolls.count,
            bytes=self._rolls.written_bytes,
            written_number=self._rolls.last,
            synced_number=self._rolls.synced,
            heartbeat_s=self._heartbeat_s,
        )

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits and make the file whole; raises RecordingError when that did not come about in time."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise RecordingError(f"{self._rolls.path} was not finished within {timeout_s:g} s: the disk is too slow.")
        if self._fault is not None:
            raise RecordingError(self._fault)

    def _put(self, job: _Begin | Line) -> bool:
        if self._closed or len(self._jobs) >= self._limits.queue:
            return False
        self._jobs.append(job)
        if len(self._jobs) * 2 >= self._limits.queue:
            self._wake.set()
        return True

    def _run(self) -> None:
        sync_at = time.monotonic() + self._limits.sync_s
        closed = False
        while not closed:
            self._wake.wait(min(_COLLECT_S, max(0.0, sync_at - time.monotonic())))
            self._wake.clear()
            closed = self._closed  # read before the jobs: none comes after it is set
            for _ in range(len(self._jobs)):
                job = self._jobs.popleft()
                self._guarded(self._begin if isinstance(job, _Begin) else self._add, job)
                sync_at = self._synced(sync_at)
            sync_at = self._synced(sync_at)
        self._guarded(self._rolls.finish)
        self._rolls.abandon()

    def _synced(self, sync_at: float) -> float:
        """Put on the disk what there is, if it is time for that; return when it is next."""
        self._heartbeat_s = time.monotonic()
        if self._heartbeat_s < sync_at:
            return sync_at
        self._guarded(self._rolls.sync)
        return time.monotonic() + self._limits.sync_s

    def _begin(self, job: _Begin) -> None:
        self._rolls.begin(*job)
        self._fault = None

    def _add(self, line: Line) -> None:
        if self._rolls.writing:
            self._rolls.add(line)
        else:
            self._failed += 1

    def _guarded(self, action: Callable[..., None], *arguments: object) -> None:
        try:
            action(*arguments)
        except Exception as error:  # noqa: BLE001  (whatever it is, the thread lives on and health tells it)
            why = reason(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            self._fault = f"{self._rolls.path} cannot be written: {why}."
            self._retry_at = time.monotonic() + self._limits.retry_s
            self._failed += self._rolls.abandon()
