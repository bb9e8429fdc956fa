"""What every record of a session shares: who made it, and how its times become UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

_NS = 1_000_000_000


class Context(msgspec.Struct, kw_only=True):
    """Node and session, the host time that session time counts from, and the last known wall clock.

    `anchor_host_ns` and `anchor_utc_ns` belong together; None while no clock anchor was heard.
    """

    node: str
    session: str
    origin_ns: int
    anchor_host_ns: int | None = None
    anchor_utc_ns: int | None = None

    def utc(self, time_s: float) -> str | None:
        """Return session time `time_s` as RFC 3339 with microseconds, or None without a clock anchor."""
        if self.anchor_host_ns is None or self.anchor_utc_ns is None:
            return None
        since_anchor_ns = self.origin_ns + round(time_s * _NS) - self.anchor_host_ns
        moment = datetime.fromtimestamp(0, UTC).timestamp()
        seconds, ns = divmod(self.anchor_utc_ns + since_anchor_ns, _NS)
        whole = datetime.fromtimestamp(moment + seconds, UTC)
        return f"{whole:%Y-%m-%dT%H:%M:%S}.{ns // 1000:06d}Z"
