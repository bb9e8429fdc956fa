"""What can be asked of the outbox's file, by whoever neither writes results nor sends them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ankled.daemon.errors import DiskFaultError
from ankled.daemon.outbox.salvage import last_known

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ankled.daemon.outbox.result import Past, Result
    from ankled.daemon.outbox.worker import Worker


class Archive:
    """Answers for the past. Every question raises OutboxError when the disk fails."""

    def __init__(self, path: Path | None, worker: Worker) -> None:
        self._path = path
        self._worker = worker

    async def past(self) -> Past:
        """Return what a new run must know of those before it, as far as a disk that fails tells."""
        try:
            return await self._worker.submit(lambda store: store.past())
        except DiskFaultError:
            return await asyncio.to_thread(last_known, self._path)

    async def last_seqs(self) -> dict[str, int]:
        """Return the highest `seq` that each device and athlete was ever given."""
        return await self._worker.submit(lambda store: store.last_seqs())

    async def seq_range(self, source: str) -> tuple[int | None, int | None]:
        """Return the lowest `seq` of a source that is kept, and the highest ever given."""
        return await self._worker.submit(lambda store: store.seq_range(source))

    async def history(self, source: str, after_seq: int, limit: int) -> list[Result]:
        """Return results of a device or athlete above a `seq`, in order."""
        return await self._worker.submit(lambda store: store.history(source, after_seq, limit))

    async def clear(self, topics: Iterable[str]) -> None:
        """Tell a broker no more of what was retained under these topics: a device is gone."""
        gone = list(topics)
        await self._worker.submit(lambda store: store.clear(gone))
