"""The demonstration from the first connection to the last: radio, broker, daemon, subscriber, and their ends."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ankled.daemon.demo.pace import patience
from ankled.daemon.demo.training import NODE, About, Training
from ankled.daemon.errors import AnkledError
from ankled.daemon.live import launch
from ankled.daemon.live.clock import LoopClock
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.connection import Connection, connected
from ankled.daemon.mqtt.embedded import broker_at
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.topics import Topics
from ankled.drivers.link import Backend

if TYPE_CHECKING:
    from ankled.daemon.demo.tally import Tally
    from ankled.simulators.radio.world import World

_PATIENCE_S: Final = 3.0
"""How long a broker may take for a connection, for the last acknowledgements, and for the last messages; real time."""
_FRAME_S: Final = 0.1
_CONNECT_S: Final = 15.0
"""How long both sensors may take until they stream."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. Without `capture`, nothing is recorded."""

    session: str
    address: BrokerAddress
    capture: Path | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended: `duration_s` is how far the scenario came, 0 if it did not begin.

    `published` counts the results, `received` those that came back.
    """

    address: BrokerAddress
    duration_s: float
    published: int
    received: int
    interrupted: bool


class Screen(Protocol):
    """Who shows what is going on."""

    def begin(self, address: BrokerAddress) -> None:
        """Everything is open; now the sensors are connected."""

    def draw(self, time_s: float | None) -> None:
        """Show what there is at this time of the scenario, None before it begins; called about ten times a second."""

    def end(self) -> None:
        """No more is to come."""


async def run(plan: Plan, training: Training, tally: Tally, screen: Screen) -> Outcome:
    """Run the whole demonstration. Raises AnkledError when the broker, the disk or the radio fails."""
    stop = asyncio.Event()
    try:
        with launch.stoppable(stop) as interrupted:
            async with (
                training.world,
                broker_at(plan.address) as address,
                connected(address, timeout_s=patience(_PATIENCE_S), handshake_s=_PATIENCE_S) as subscriber,
            ):
                await subscriber.subscribe(f"{Topics(node=NODE).root}/#")
                async with asyncio.TaskGroup() as group:
                    listening = group.create_task(_listen(subscriber, tally), name="demo-subscriber")
                    outlet = await _perform(plan, training, address, (tally, screen), stop)
                    # The last message of all: without it a broker might still be about to deliver others.
                    await tally.farewell(patience(_PATIENCE_S))
                    listening.cancel()
            return Outcome(
                address=address,
                duration_s=training.time_s or 0.0,
                published=outlet.taken,
                received=tally.count,
                interrupted=interrupted.is_set(),
            )
    except BaseExceptionGroup as failures:
        raise launch.first(failures) from None
