"""What a publisher is told, and what it tells of itself."""

from __future__ import annotations

import msgspec

from ankled.daemon.mqtt.broker_url import BrokerAddress


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to publish.

    `announce`: say online and offline, leave a last will, and let the broker retain what should be; a replay does none
    of that. `info`: the content of `bridge/info`. `require`: the first connection must succeed. `patience_s`: give up
    when the broker stays away for so long; None means never. `queue`: how much a backlog in memory holds. `rate_per_s`:
    how many results go out in a second, after a `burst`; None means as many as the broker takes.
    `fallbacks`: brokers to try when the first one fails. `packet_bytes`: the largest message that is taken from them.
    """

    client_id: str | None = None
    keepalive_s: int = 30
    timeout_s: float = 3.0
    announce: bool = True
    info: bytes = b"{}"
    require: bool = False
    patience_s: float | None = None
    queue: int = 1000
    rate_per_s: float | None = None
    burst: int = 500
    fallbacks: tuple[BrokerAddress, ...] = ()
    packet_bytes: int = 4 * 64 * 1024  # a request may have a quarter of it; who asks too much still gets an answer

    @classmethod
    def for_replay(cls, *, timeout_s: float = 3.0, patience_s: float = 30.0) -> Options:
        """Return options that announce and retain nothing, and give up on a broker that is not there."""
        return cls(timeout_s=timeout_s, announce=False, require=True, patience_s=patience_s)

    def identifier(self, node: str) -> str | None:
        """Return the client id; who announces nothing takes any that the broker gives."""
        return self.client_id or (f"ankled-{node}" if self.announce else None)


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the start, repeats included in `sent`; `queued` is what waits for its acknowledgement now.

    `moments_dropped`: messages of the moment that a slow broker did not take before others took their place.
    `refused` are results that the broker does not take, by its access list for example: let go of, or nothing behind
    them would ever be sent. They are counted in `acknowledged` too.
    """

    connected: bool
    queued: int
    sent: int
    acknowledged: int
    refused: int = 0
    reconnects: int
    moments_dropped: int = 0
