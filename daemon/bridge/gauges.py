"""Figures measured on the way: a histogram of latencies that never grows, and how late the event loop is."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.bridge.health import Latencies, Latency

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.daemon.records import Record

_PER_DECADE: Final = 20
_EDGES_MS: Final[tuple[float, ...]] = tuple(
    10.0 ** (step / _PER_DECADE) for step in range(-_PER_DECADE, 7 * _PER_DECADE + 1)
)
"""From 0.1 ms to nearly three hours, 12 % apart: a quantile is right to as much."""
_AGE_NS: Final = 300_000_000_000
_MOST: Final = 4096
"""Results whose acknowledgement is awaited at most; of more the oldest are not measured."""
_MS: Final = 1e-6
_BEAT_S: Final = 0.25


class Histogram:
    """Counts by size, of the last five to ten minutes of host time."""

    def __init__(self) -> None:
        self._old = [0] * (len(_EDGES_MS) + 1)
        self._new = [0] * (len(_EDGES_MS) + 1)
        self._turn_ns = 0

    def add(self, value_ms: float, now_ns: int) -> None:
        """Count one value."""
        self._age(now_ns)
        self._new[bisect_left(_EDGES_MS, value_ms)] += 1

    def told(self, now_ns: int) -> Latency:
        """Return how many there are, and two quantiles: each the upper edge of where it lies."""
        self._age(now_ns)
        counts = [old + new for old, new in zip(self._old, self._new, strict=True)]
        total = sum(counts)
        return Latency(results=total, p50_ms=_quantile(counts, total, 0.5), p99_ms=_quantile(counts, total, 0.99))

    def _age(self, now_ns: int) -> None:
        if now_ns >= self._turn_ns + _AGE_NS:
            fresh = now_ns < self._turn_ns + 2 * _AGE_NS
            self._old, self._new = self._new if fresh else [0] * len(self._new), [0] * len(self._new)
            self._turn_ns = now_ns


def _boottime_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class _Id(msgspec.Struct):
    """The part of a result that is looked at."""

    id: str


class Ways:
    """How long results take from the packet that completed them. Whoever is told of a message must be told of all."""

    def __init__(self) -> None:
        self.now_ns: Callable[[], int] = _boottime_ns
        """The clock that packets are stamped by."""
        self._begun_ns: dict[str, int] = {}
        self._unsent: dict[str, None] = {}
        self._published = Histogram()
        self._acknowledged = Histogram()
        self._decoder = msgspec.json.Decoder(_Id)

    def begin(self, record: Record, host_ns: int) -> None:
        """Note when the packet arrived that completed a result."""
        if (name := getattr(record, "id", None)) is None:
            return
        self._begun_ns[name] = host_ns
        self._unsent[name] = None
        if len(self._begun_ns) > _MOST:
            self._unsent.pop(oldest := next(iter(self._begun_ns)), None)
            del self._begun_ns[oldest]

    def sent(self, payload: bytes) -> None:
        """Note that a result goes to the broker; of one that is sent again the first time counts."""
        name, now_ns = self._name(payload), self.now_ns()
        if name in self._unsent:
            del self._unsent[name]
            self._published.add((now_ns - self._begun_ns[name]) * _MS, now_ns)

    def acknowledged(self, payload: bytes) -> None:
        """Note that the broker has acknowledged a result."""
        name, now_ns = self._name(payload), self.now_ns()
        if (begun_ns := self._begun_ns.pop(name, None)) is not None:
            self._unsent.pop(name, None)
            self._acknowledged.add((now_ns - begun_ns) * _MS, now_ns)

    def told(self) -> Latencies:
        """Return both latencies."""
        now_ns = self.now_ns()
        return Latencies(published=self._published.told(now_ns), acknowledged=self._acknowledged.told(now_ns))

    def _name(self, payload: bytes) -> str:
        try:
            return self._decoder.decode(payload).id
        except msgspec.DecodeError:
            return ""


class LoopLag:
    """How late the event loop wakes who sleeps: what holds up packets too."""

    def __init__(self) -> None:
        self._most_s = 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        now_s = asyncio.get_running_loop().time
        while True:
            due_s = now_s() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            self._most_s = max(self._most_s, now_s() - due_s)

    def take_ms(self) -> float:
        """Return the longest delay since the last call."""
        most_s, self._most_s = self._most_s, 0.0
        return round(most_s * 1e3, 1)

    @property
    def most_s(self) -> float:
        """The longest delay since the last `take_ms`."""
        return self._most_s


def _quantile(counts: list[int], total: int, share: float) -> float | None:
    wanted, seen = share * total, 0
    for place, count in enumerate(counts):
        seen += count
        if count and seen >= wanted:
            return round(_EDGES_MS[min(place, len(_EDGES_MS) - 1)], 3)
    return None
