"""The demonstration from the first connection to the last: radio, broker, daemon, subscriber, and their ends."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ankled.daemon.demo.training import NODE, About, Training
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

_PATIENCE_S: Final = 3.0
"""How long a broker may take for a connection, for the last acknowledgements, and for the last messages."""
_FRAME_S: Final = 0.1
_CONNECT_S: Final = 15.0
"""How long both sensors may take until they stream."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. Without `capture`, nothing is recorded."""

    session: str
    address: BrokerAddress
    capture: Path | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended: `duration_s` is session time; `published` counts the records, `received` those that came back."""

    address: BrokerAddress
    duration_s: float
    published: int
    received: int
    interrupted: bool


class Screen(Protocol):
    """Who shows what is going on."""

    def begin(self, address: BrokerAddress) -> None:
        """Everything is connected; samples come from now on."""

    def draw(self, time_s: float) -> None:
        """Show what there is at session time `time_s`; called about ten times a second."""

    def end(self) -> None:
        """No more is to come."""


async def run(plan: Plan, training: Training, tally: Tally, screen: Screen) -> Outcome:
    """Run the whole demonstration. Raises AnkledError when the broker or the disk fails."""
    stop = asyncio.Event()
    config = training.config()
    topics = Topics(node=NODE)
    try:
        with launch.stoppable(stop) as interrupted:
            async with (
                training.world as world,
                broker_at(plan.address) as address,
                connected(address, timeout_s=_PATIENCE_S) as subscriber,
                launch.publishing(address, topics, _options(plan, training)) as outlet,
                launch.recording(plan.capture, config) as capture,
            ):
                from ankled.simulators.radio.backend import backends  # noqa: PLC0415  (as in training.py)

                await subscriber.subscribe(f"{topics.root}/#")
                scanner, client = backends(await world.central())
                backend = {"soft": Backend(adapter="soft", scanner=scanner, client=client)}
                live = launch.Live(config, backend, outlet, LoopClock(), plan.session)
                clock = _Clock()
                screen.begin(address)
                try:
                    async with asyncio.TaskGroup() as group:
                        helpers = [
                            group.create_task(_listen(subscriber, tally), name="demo-subscriber"),
                            group.create_task(_draw(screen, clock), name="demo-screen"),
                            group.create_task(_end(training, stop), name="demo-end"),
                        ]
                        await live.run(stop, capture, "end of the demo")
                        duration_s = clock.seconds()
                        await outlet.flushed(_PATIENCE_S)
                        await tally.until(outlet.taken, _PATIENCE_S)
                        for helper in helpers:
                            helper.cancel()
                    screen.draw(duration_s)
                finally:
                    screen.end()
            return Outcome(
                address=address,
                duration_s=duration_s,
                published=outlet.taken,
                received=tally.count,
                interrupted=interrupted.is_set(),
            )
    except BaseExceptionGroup as failures:
        raise launch.first(failures) from None


class _Clock:
    """Time since the session began."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._loop.time()

    def seconds(self) -> float:
        """Return it."""
        return self._loop.time() - self._begun_s


async def _end(training: Training, stop: asyncio.Event) -> None:
    """Stop when the scenario is over."""
    async with asyncio.timeout(_CONNECT_S):
        begins_s = await training.world.begun()
    await asyncio.sleep(begins_s + training.duration_s - training.world.now_s)
    stop.set()


async def _listen(subscriber: Connection, tally: Tally) -> None:
    """Pass on what the broker delivers."""
    async for message in subscriber.received():
        tally.take(message)


async def _draw(screen: Screen, clock: _Clock) -> None:
    """Keep the screen current."""
    while True:
        screen.draw(clock.seconds())
        await asyncio.sleep(_FRAME_S)


def _options(plan: Plan, training: Training) -> Options:
    """Return how to publish: as the daemon does, but giving up where it would wait."""
    about = About(version=version("ankled"), session=plan.session, description=training.description)
    return Options(
        client_id=f"ankled-{plan.session}",
        timeout_s=_PATIENCE_S,
        info=msgspec.json.encode(about),
        require=True,
        patience_s=0.0,  # the subscriber does not outlive the connection either
    )
