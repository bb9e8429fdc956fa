"""Which loops of a daemon are watched, and what its sentence is made of.

What is absent (a sensor, an adapter, bluetoothd, a broker) stops none: a loop that waits for it turns, or rests.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from ankled.daemon.life.heartbeats import Heartbeat
from ankled.daemon.life.sentence import Standing

if TYPE_CHECKING:
    import asyncio
    from contextlib import AbstractAsyncContextManager

    from ankled.daemon.life.life import Life
    from ankled.daemon.live.launch import Live
    from ankled.daemon.live.outlet import BrokerOutlet
    from ankled.daemon.live.recorder import Recorder

DISPATCHER_S: Final = 15.0
"""It turns every second at least, whoever is there."""
BRIDGE_S: Final = 30.0
LINKS_S: Final = 120.0
"""A turn may take connecting, a request and closing, each with a deadline: less than a minute in all."""
PUBLISHER_S: Final = 30.0
_TURNS_OF_PUBLISHER: Final = 6
"""Connecting, subscribing, two announcements, a farewell and disconnecting, each with the broker's time-out."""
DISK_S: Final = 120.0
"""A worn memory card may take tens of seconds for a write; whoever ends the process then makes it no faster."""


class Parts(NamedTuple):
    """A daemon. `timeout_s` is what its broker may take for an answer."""

    live: Live
    outlet: BrokerOutlet
    recorder: Recorder
    timeout_s: float


def lived(life: Life, parts: Parts, stop: asyncio.Event) -> AbstractAsyncContextManager[None]:
    """Return what tells of the life of a daemon while it runs."""
    begun = (parts.live.service.pulse.begun, parts.live.bridge.pulse.begun)
    return life.lived(heartbeats(parts), lambda: standing(parts), begun, stop)


def heartbeats(parts: Parts) -> tuple[Heartbeat, ...]:
    """Return the loops of a daemon."""
    live, outlet, recorder = parts.live, parts.outlet, parts.recorder

    def capture_s() -> float:
        if (writer := recorder.writer) is None:
            return 0.0
        return time.monotonic() - writer.health().heartbeat_s if writer.alive else math.inf

    publisher_s = PUBLISHER_S + _TURNS_OF_PUBLISHER * parts.timeout_s
    return (
        Heartbeat("dispatcher", live.service.pulse.age_s, DISPATCHER_S),
        Heartbeat("links", lambda: live.supervisor.heartbeat_s, LINKS_S),
        Heartbeat("reports", live.service.reporting.pulse.age_s, DISK_S),
        Heartbeat("bridge", live.bridge.pulse.age_s, BRIDGE_S),
        Heartbeat("publisher", lambda: outlet.publisher.heartbeat_s, publisher_s),
        Heartbeat("outbox", lambda: outlet.outbox.age_s, DISK_S),
        Heartbeat("capture writer", capture_s, DISK_S),
    )


def standing(parts: Parts) -> Standing:
    """Return how a daemon stands now."""
    publisher, writer = parts.outlet.publisher, parts.recorder.writer
    return Standing(
        links=parts.live.supervisor.status(),
        broker=publisher.brokers.current.url,
        connected=publisher.statistics.connected,
        waiting=len(parts.outlet.outbox),
        fault=None if writer is None else writer.health().fault,
    )
