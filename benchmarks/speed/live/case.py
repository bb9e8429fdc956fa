"""One case: so many sensors at one rate, from the first connection to the counts of everybody."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from benchmarks.speed.live.cast import Heard, Ran, Sent, Told
from benchmarks.speed.live.processes import Child

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.datasets.common import FloatArray

_MS = 1e6
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What was measured. Latencies are of the repetitions completed in the steady state; shares are of one core."""

    total_ms: FloatArray
    """From the notification to the subscriber."""
    handed_ms: FloatArray
    """From the notification to the publisher, in the daemon."""
    busy_share: float
    waited_share: float
    radio_share: float
    sent: int
    lost: int
    packets: int
    most_waiting: int
    moments_per_s: float
    """Messages of the moment, over the whole life of the daemon's sensors."""


async def run_case(  # noqa: PLR0913, PLR0917  (what makes the case)
    folder: Path, broker: str, sensors: int, rate_hz: float, duration_s: float, told: Told = "live"
) -> Case:
    """Run radio, daemon and subscriber; look at the daemon for `duration_s` once every sensor has had repetitions.

    `told` is what the daemon tells beside results.
    """
    spec = f"unix:{folder / 'radio'}"
    capture = folder / f"{sensors}-{rate_hz:g}-{told}.mcap"
    log = folder / "errors"
    async with Child("air", log, spec, sensors) as air, Child("subscriber", log, broker, sensors) as subscriber:
        await air.ready()
        await subscriber.ready()
        async with Child("daemon", log, spec, broker, sensors, rate_hz, capture, told) as daemon:
            await subscriber.ready(air, daemon)
            before, radio_before, begun_ns = daemon.spent(), air.spent(), _now_ns()
            await asyncio.sleep(duration_s)
            after, radio_after, ended_ns = daemon.spent(), air.spent(), _now_ns()
            await asyncio.sleep(_SETTLE_S)
            ran = msgspec.json.decode(await daemon.end(), type=Ran)
        heard = msgspec.json.decode(await subscriber.end(), type=Heard)
        sent = msgspec.json.decode(await air.end(), type=Sent)
    passed_s = (ended_ns - begun_ns) * 1e-9
    within = [one for one in ran.completed if begun_ns <= one.host_ns < ended_ns]
    arrived = [(one, heard.arrived_ns[one.id]) for one in within if one.id in heard.arrived_ns]
    return Case(
        total_ms=np.array([(arrived_ns - one.host_ns) / _MS for one, arrived_ns in arrived]),
        handed_ms=np.array([(one.handed_ns - one.host_ns) / _MS for one, _ in arrived]),
        busy_share=(after.busy_s - before.busy_s) / passed_s,
        waited_share=(after.waited_s - before.waited_s) / passed_s,
        radio_share=(radio_after.busy_s - radio_before.busy_s) / passed_s,
        sent=sum(sent.sent.values()),
        lost=lost(sent, ran, heard),
        packets=ran.packets,
        most_waiting=ran.most_waiting,
        moments_per_s=ran.moments / ran.streamed_s if ran.streamed_s > 0.0 else 0.0,
    )


def lost(sent: Sent, ran: Ran, heard: Heard) -> int:
    """Return how many samples or records were lost anywhere, by the counts of both ends and the daemon's own."""
    between = sum(abs(count - ran.decoded.get(label, 0)) for label, count in sent.sent.items())
    unheard = sum(one.id not in heard.arrived_ns for one in ran.completed)
    return sum(sent.overrun.values()) + between + ran.missing + ran.dropped + unheard


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
