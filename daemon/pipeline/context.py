"""What the records of a session share: who made it, how its times become UTC, and how its records are numbered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

_NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Context(msgspec.Struct, kw_only=True):
    """Node and session, the host time that session time counts from, and the last known wall clock.

    `anchor_host_ns` and `anchor_utc_ns` belong together; None while no clock anchor was heard.
    """

    node: str
    session: str
    origin_ns: int
    anchor_host_ns: int | None = None
    anchor_utc_ns: int | None = None

    def seconds(self, host_ns: int) -> float:
        """Return host time as session time."""
        return (host_ns - self.origin_ns) / _NS

    def utc(self, time_s: float) -> str | None:
        """Return session time `time_s` as RFC 3339 with microseconds.

        None without a clock anchor, and for an anchor that leads to a date no calendar has.
        """
        if self.anchor_host_ns is None or self.anchor_utc_ns is None:
            return None
        utc_ns = self.anchor_utc_ns - self.anchor_host_ns + self.origin_ns + round(time_s * _NS)
        try:
            moment = _EPOCH + timedelta(microseconds=utc_ns // 1000)
        except OverflowError:
            return None
        return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


class Numbers(msgspec.Struct, kw_only=True):
    """How many records a device or an athlete has had: `seq` over all sessions, `of` each kind in this session.

    They outlive a change of settings, so that no id is given twice.
    """

    seq: int = 0
    of: dict[str, int] = msgspec.field(default_factory=dict)

    def next_seq(self) -> int:
        """Return the sequence number of the next record."""
        self.seq += 1
        return self.seq

    def next(self, kind: str) -> int:
        """Return the number of the next record of this kind."""
        number = self.of[kind] = self.of.get(kind, 0) + 1
        return number
