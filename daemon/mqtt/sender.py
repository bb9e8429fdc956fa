"""Sending the backlog over one connection after the other: in order, a few at a time, at a bounded rate."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ankled.daemon.bridge.gauges import Ways
from ankled.daemon.live.pulse import Pulse
from ankled.daemon.mqtt.message import Message, of_parcel

if TYPE_CHECKING:
    from ankled.daemon.mqtt.backlog import Backlog
    from ankled.daemon.mqtt.connection import Connection
    from ankled.daemon.mqtt.pace import Pace
    from ankled.daemon.mqtt.states import States

_IN_FLIGHT: Final = 8
"""Unacknowledged messages under way at once: two to three times the rate of one at a time. Above 10, aiomqtt warns."""


class Sender:
    """Counts what is sent, acknowledged and refused, and remembers the last result of every retained topic."""

    def __init__(self, backlog: Backlog, states: States, pace: Pace) -> None:
        self._backlog = backlog
        self._states = states
        self._pace = pace
        self.retained: dict[str, Message] = {}
        self.ways = Ways()
        self.pulse = Pulse()
        self.sent = self.acknowledged = self.refused = 0

    async def send(self, connection: Connection, group: asyncio.TaskGroup) -> None:
        """Send the backlog anew, until cancelled. Tasks start in the order they are made: so do sends."""
        slots = asyncio.Semaphore(_IN_FLIGHT)
        done: set[int] = set()
        self._backlog.rewind()
        number = self._backlog.first
        while True:
            self.pulse.rest()  # there may be no result for days
            message = of_parcel(await self._backlog.get(number))
            self.pulse.beat()
            await self._pace.turn()
            await slots.acquire()
            group.create_task(self._deliver(connection, number, message, slots, done), name="mqtt-deliver")
            number += 1

    async def _deliver(
        self, connection: Connection, number: int, message: Message, slots: asyncio.Semaphore, done: set[int]
    ) -> None:
        self.sent += 1
        self.ways.sent(message.payload)
        message = self._states.admitted(message)
        if message.retain:
            # what it replaces must not be told after it
            self.retained.pop(message.topic, None)
            self._states.outdated(message.topic)
        taken = await connection.publish(message)
        self.refused += not taken
        slots.release()
        self.acknowledged += 1
        if message.retain and taken:
            self.retained[message.topic] = message
        self.ways.acknowledged(message.payload)
        done.add(number)
        # only what nothing earlier is waiting for may go
        while (first := self._backlog.first) in done:
            done.remove(first)
            self._backlog.acknowledge(first)
