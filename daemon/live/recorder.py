"""The recording of a running daemon: begun and ended while it goes on, in files whose names the daemon chooses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import structlog

from ankled.daemon.capture import form
from ankled.daemon.capture.writer import CaptureWriter
from ankled.daemon.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ankled.daemon.capture.writer import CaptureLimits

_CLOSE_S: Final = 5.0

log = structlog.stdlib.get_logger(__name__)


class Recorder:
    """Owns the capture that is being written. An asynchronous context manager: what is open at the end is made whole.

    `record_to` hands a capture to whoever numbers the inputs; it takes effect with the next one, so that a recording
    holds every input from its beginning to its end.
    """

    def __init__(self, folder: Path, node: str, limits: CaptureLimits | None = None) -> None:
        """Prepare; no file is made before `start`."""
        self._folder = folder
        self._node = node
        self._limits = limits
        self._closing: set[asyncio.Task[None]] = set()
        self.writer: CaptureWriter | None = None
        """What is written to now; None while nothing is recorded."""
        self.path: Path | None = None
        self.wanted = False
        """Whether there should be a recording: while there is no room for one, it waits."""
        self.short: str | None = None
        """Why there is no room for a recording, in one sentence; None while there is."""
        self.record_to: Callable[[CaptureWriter | None], None] = lambda _writer: None
        self.closing_s: Callable[[], float] = lambda: _CLOSE_S
        """How long a file may take to be made whole."""

    async def __aenter__(self) -> Self:
        """Return the recorder itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make the file whole. Raises RecordingError where that fails, unless something else is on its way."""
        try:
            await self.stop()
        except RecordingError as failure:
            if error is None:
                raise
            log.warning("recording not finished", reason=str(failure))
        finally:
            if self._closing:  # whoever asked for the end did not wait for it
                await asyncio.wait(self._closing, timeout=self.closing_s())

    @property
    def name(self) -> str | None:
        """The name of the file that is written to now, as it may be told to anybody."""
        return None if self.writer is None else Path(self.writer.health().path).name

    def without_folder(self, error: RecordingError) -> str:
        """Return what an error says, without telling where the recordings lie."""
        return str(error).replace(f"{self._folder}/", "").replace(str(self._folder), "the folder")

    def prepare(self) -> None:
        """Make the folder. Raises RecordingError."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"capture.folder is {self._folder}, which cannot be used: {error.strerror}"
            raise RecordingError(message) from error

    def start(self) -> Path:
        """Begin a new file and return its path. Raises RecordingError."""
        if self.short is not None:
            self.wanted = True
            raise RecordingError(f"{self.short}; the recording begins by itself when there is room.")
        self.prepare()
        path = self._free()
        writer = CaptureWriter(path, form.origin(self._node, "live"), self._limits)
        self.record_to(writer)
        self.writer, self.path, self.wanted = writer, path, True
        return path

    async def pause(self) -> None:
        """Record no more until there is room, though it is wanted."""
        try:
            await self._end()
        except RecordingError as error:  # which a full disk lets one expect
            log.warning("recording not finished", reason=str(error))

    async def stop(self) -> Path | None:
        """Record no more, make the file whole, return its path; None where nothing was recorded. Raises RecordingError.

        It is taken to its end whoever waits: a file half closed would be of no use.
        """
        self.wanted = False
        return await self._end()

    async def _end(self) -> Path | None:
        writer, path = self.writer, self.path
        self.record_to(None)
        self.writer = self.path = None
        if writer is not None:
            # In a thread: the disk may be slow, and the broker's connections want to be kept alive meanwhile.
            closing = asyncio.create_task(asyncio.to_thread(writer.close, self.closing_s()), name="recording-end")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            await asyncio.shield(closing)
        return path

    def _free(self) -> Path:
        """Return a path that does not exist yet, named by the moment."""
        name = f"{self._node}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        names = (self._folder / f"{name}{'' if number == 1 else f'-{number}'}.mcap" for number in count(1))
        return next(path for path in names if not path.exists())
