"""Room for recordings: old ones go, and where that is not enough the recording stops until there is room again.

Results go on meanwhile: they need no recording.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from ankled.daemon.capture.retention import Keep, free_bytes, sweep
from ankled.daemon.errors import RecordingError
from ankled.daemon.live.clock import HostClock
from ankled.daemon.live.steady import Steady
from ankled.daemon.records import Set

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ankled.daemon.config.schema import CaptureConfig
    from ankled.daemon.live.clock import Clock
    from ankled.daemon.live.recorder import Recorder
    from ankled.daemon.live.service import Service
    from ankled.daemon.records import Record

_LOOK_S: Final = 5.0
_ROOM_BYTES: Final = 4 * 1024 * 1024
"""So much more must be free before a recording begins again, some minutes of it; with less, a fault is a full disk."""
_ROOM_SHARE: Final = 0.1
_GB: Final = 1e9
_DAY_S: Final = 86_400.0

log = structlog.stdlib.get_logger(__name__)


class Housekeeping:
    """Looks after the folder of a recorder. `troubles` has one sentence while nothing is recorded for want of room."""

    def __init__(
        self,
        recorder: Recorder,
        node: str,
        config: CaptureConfig,
        *,
        look_s: float = _LOOK_S,
        clock: Clock | None = None,
    ) -> None:
        """Prepare; nothing is removed before `begin` or `keeping`, and for its age not before the date is believed."""
        self._recorder = recorder
        self._node = node
        self._folder = Path(config.folder)
        self._keep = Keep(
            size_bytes=round(config.keep_gb * _GB),
            age_s=config.keep_days * _DAY_S,
            min_free_bytes=round(config.min_free_gb * _GB),
        )
        self._clock = clock or HostClock()
        self._steady = Steady(self._clock)
        self._by_set = config.rotate == "set"
        self._look_s = look_s
        self._failed: tuple[str, ...] = ()

    def prepare(self) -> None:
        """Make the folder, if there is room. Raises RecordingError for one that cannot be used."""
        try:
            self._recorder.prepare()
        except RecordingError:
            if not self._full():
                raise

    def begin(self) -> None:
        """Begin the recording, or let it wait for room. Raises RecordingError for a folder that cannot be used."""
        self._recorder.wanted = True
        try:
            free = free_bytes(self._folder)
            if free < self._keep.min_free_bytes:
                free = self._sweep()
            if free >= self._keep.min_free_bytes:
                self._recorder.start()
                return
        except RecordingError:
            if not self._full():
                raise
        except OSError as error:
            message = f"capture.folder is {self._folder}, which cannot be used: {error.strerror}"
            raise RecordingError(message) from error
        self._stopped(free)

    def watch(self, service: Service) -> None:
        """Begin a new file wherever a set ends, if that is wanted."""
        before = service.made

        def made(record: Record, host_ns: int) -> None:
            if before is not None:
                before(record, host_ns)
            if isinstance(record, Set) and self._recorder.writer is not None:
                self._recorder.writer.rotate()

        if self._by_set:
            service.made = made

    def troubles(self) -> list[str]:
        """Return what is not well, for health: in words that name no file of this machine."""
        told = []
        if self._recorder.short is not None and self._recorder.wanted:
            told.append("nothing is recorded: the disk is full; the recording begins again by itself")
        if self._failed:
            told.append("recordings that are beyond the bounds cannot be removed: the log says why")
        return told

    @contextlib.asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Look after it in the background."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._run(), name="captures")
            try:
                yield
            finally:
                task.cancel()

    async def look(self) -> None:
        """Remove what is beyond the bounds, and stop or begin the recording as there is room."""
        try:
            # in a thread: the disk may be slow
            free = await asyncio.to_thread(self._sweep)
        except OSError as error:
            log.warning("recordings not looked after", reason=f"{self._folder}: {error.strerror}")
            return
        recorder, least = self._recorder, self._keep.min_free_bytes
        writer = recorder.writer
        if writer is not None:
            full = writer.health().fault is not None and free < max(least, _ROOM_BYTES)
            if full or free < least:
                self._stopped(free)
                await recorder.pause()
        elif recorder.short is not None and free >= least + max(_ROOM_BYTES, _ROOM_SHARE * least):
            recorder.short = None
            if not recorder.wanted:
                return
            try:
                path = recorder.start()
            except RecordingError as error:
                recorder.short = recorder.without_folder(error)
                log.warning("recording does not go on", reason=str(error))
            else:
                log.warning("recording goes on", file=str(path), free_mb=round(free / 1e6, 1))

    async def _run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._look_s)

    def _full(self) -> bool:
        """Tell whether what fails may well fail for want of room."""
        try:
            return free_bytes(self._folder) < _ROOM_BYTES
        except OSError:
            return False

    def _sweep(self) -> int:
        """Remove what is beyond the bounds, tell of it, and return how much is free now. Raises OSError."""
        keep = self._keep if self._steady.believed() else msgspec.structs.replace(self._keep, age_s=0.0)
        swept = sweep(self._folder, self._node, keep, self._clock.utc_ns() * 1e-9)
        for one, why in swept.removed:
            log.warning("recording removed", file=str(one.path), reason=why, size_mb=round(one.size / 1e6, 1))
        if swept.failed != self._failed:
            for told in swept.failed:
                log.error("recording not removed", reason=told)
        self._failed = swept.failed
        return swept.free_bytes

    def _stopped(self, free: int) -> None:
        self._recorder.short = (
            f"the disk is full: {free / 1e6:.1f} MB are free, and capture.min_free_gb is "
            f"{self._keep.min_free_bytes / _GB:g}"
        )
        log.error("recording stopped", reason=self._recorder.short, folder=str(self._folder))
