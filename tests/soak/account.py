"""The account of a soak: every result that was computed, asked for by its number."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import aiomqtt  # noqa: TID251 - a client that is not ours, beside the daemon under test
import msgspec

from tests.daemon.brokers import HOST, payload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_ANSWER = "ankled/gym/bridge/response/history"


class Account(NamedTuple):
    """Results by source: computed as health says, kept as the history says, and what the outbox let go."""

    computed: dict[str, int]
    kept: dict[str, int]
    missing: dict[str, list[int]]
    pending: int
    dropped: int
    lost: int
    acknowledged: int

    @classmethod
    async def of(cls, port: int, health: Callable[[float], Awaitable[dict[str, Any]]], within_s: float) -> Account:
        """Wait until no more results come and none waits, then ask for all of them."""
        last: dict[str, int] | None = None
        async with asyncio.timeout(within_s):
            while True:
                told = await health(60.0)
                if told["last_seq"] == last and not told["outbox"]["pending"]:
                    break
                last = told["last_seq"]
        seqs = {}
        async with aiomqtt.Client(HOST, port, timeout=20.0) as client:
            await client.subscribe(_ANSWER, qos=1)
            for source in told["last_seq"]:
                seqs[source] = await _seqs(client, source)
        return cls(
            computed=told["last_seq"],
            kept={source: len(found) for source, found in seqs.items()},
            missing={
                source: gone
                for source, most in told["last_seq"].items()
                if (gone := sorted(set(range(1, most + 1)) - seqs[source]))
            },
            pending=told["outbox"]["pending"],
            dropped=told["outbox"]["dropped"],
            lost=told["outbox"]["lost"],
            acknowledged=told["broker"]["acknowledged"],
        )

    @property
    def complete(self) -> bool:
        """Whether every result that was computed has been acknowledged and is kept under its number."""
        enough = self.acknowledged >= sum(self.computed.values()) > 0
        return enough and not (self.missing or self.pending or self.dropped or self.lost)

    def told(self) -> str:
        """Return it as a line."""
        return (
            f"results: {sum(self.computed.values())} computed, {sum(self.kept.values())} kept, "
            f"{self.acknowledged} acknowledged (repeats after a loss of the broker included), {self.pending} waiting, "
            f"{self.dropped} dropped, {self.lost} lost; missing numbers: {self.missing or 'none'}"
        )


async def _seqs(client: aiomqtt.Client, source: str) -> set[int]:
    """Return the numbers of the results of a source that the daemon still has."""
    found: set[int] = set()
    while True:
        after = max(found, default=0)
        asked = {"transaction": f"{source} {after}", "source": source, "after_seq": after, "limit": 500}
        await client.publish("ankled/gym/bridge/request/history", msgspec.json.encode(asked), qos=1)
        async with asyncio.timeout(30.0):
            async for message in client.messages:
                answer = msgspec.json.decode(payload(message))
                if answer["transaction"] == asked["transaction"]:
                    break
        assert answer["status"] == "ok", answer
        found |= {past["record"]["seq"] for past in answer["data"]["results"]}
        if not answer["data"]["more"]:
            return found
