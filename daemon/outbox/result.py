"""What the outbox holds, how much of it, and what it tells of itself."""

from __future__ import annotations

import msgspec


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept: bytes in all, seconds a pending row may wait, seconds an acknowledged one stays.

    While less than `min_free_bytes` of the disk is free, those that were acknowledged stay for a minute only.
    `rate_per_s` is what the publisher sends at most: it bounds how many are sent again.
    """

    size_bytes: int = 256 * 1024 * 1024
    pending_s: float = 30 * 86400.0
    kept_s: float = 86400.0
    min_free_bytes: int = 0
    rate_per_s: float | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One result as it is published. `source` is the device or athlete whose `seq` it counts."""

    id: str
    source: str
    seq: int
    athlete: str | None
    topic: str
    payload: bytes
    retain: bool
    number: int = 0

    @property
    def qos(self) -> int:
        """The quality of service: a result is acknowledged."""
        return 1


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all results there ever were: offered = acknowledged + pending + dropped + lost + forgotten.

    `dropped` were let go of by the bounds before they were acknowledged, `lost` because the disk failed for longer than
    the memory had room, `forgotten` on request. `kept` of those acknowledged can still be asked for.
    """

    offered: int
    acknowledged: int
    pending: int
    dropped: int
    lost: int
    forgotten: int
    kept: int
    size_bytes: int


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What a new run must know of those before it, so that no `seq` and no id is given twice.

    `last_seqs` by device or athlete, `latest_session` the latest moment that a session was named by, `run` counts the
    times that the file was opened.
    """

    last_seqs: dict[str, int] = {}
    latest_session: str = ""
    run: int = 1
