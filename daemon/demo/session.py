"""The demonstration from the first connection to the last: radio, broker, daemon, subscriber, and their ends."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ankled.daemon import stopping
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
from ankled.daemon.outbox.outbox import Outbox
from ankled.drivers.link import Backend

if TYPE_CHECKING:
    from ankled.daemon.demo.tally import Tally
    from ankled.daemon.live.outlet import BrokerOutlet
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
    try:
        return await _Run(plan, training, tally, screen).whole()
    except BaseExceptionGroup as failures:
        raise stopping.first(failures) from None


class _Run:
    """One run: what was opened last is closed first."""

    def __init__(self, plan: Plan, training: Training, tally: Tally, screen: Screen) -> None:
        self._plan = plan
        self._training = training
        self._tally = tally
        self._screen = screen
        self._config = training.config()
        self._topics = Topics(node=NODE)
        self._stop = asyncio.Event()

    async def whole(self) -> Outcome:
        """Open radio and broker, listen at the broker, perform."""
        with stopping.stoppable(self._stop) as interrupted:
            async with (
                self._training.world as world,
                broker_at(self._plan.address) as address,
                connected(address, timeout_s=patience(_PATIENCE_S), handshake_s=_PATIENCE_S) as subscriber,
            ):
                await subscriber.subscribe(f"{self._topics.root}/#")
                async with asyncio.TaskGroup() as group:
                    listening = group.create_task(self._listen(subscriber), name="demo-subscriber")
                    outlet, duration_s = await self._perform(world, address)
                    # The last message of all. Who leaves earlier has the embedded broker wait for acknowledgements.
                    await self._tally.farewell(patience(_PATIENCE_S))
                    listening.cancel()
            return Outcome(
                address=address,
                duration_s=duration_s,
                published=outlet.taken,
                received=self._tally.count,
                interrupted=interrupted.is_set(),
            )

    async def _perform(self, world: World, address: BrokerAddress) -> tuple[BrokerOutlet, float]:
        """Run a daemon from its first connection to its farewell; return its outlet and how far the scenario came."""
        # Imported here: the radio of software is an extra.
        from ankled.simulators.radio.backend import backends  # noqa: PLC0415  (see above)

        async with (
            launch.publishing(address, self._topics, self._options(), Outbox(None)) as outlet,
            launch.recording(self._plan.capture, self._config) as capture,
        ):
            scanner, client = backends(await world.central())
            backend = {"soft": Backend(adapter="soft", scanner=scanner, client=client)}
            live = launch.Live(
                self._config,
                backend,
                outlet,
                LoopClock(),
                self._plan.session,
                board=outlet.publisher,
                outbox=outlet.outbox,
            )
            self._screen.begin(address)
            try:
                async with asyncio.TaskGroup() as group:
                    ending = group.create_task(self._end(live), name="demo-end")
                    drawing = group.create_task(self._draw(), name="demo-screen")
                    await live.run(self._stop, capture, "end of the demo")
                    duration_s = self._training.time_s or 0.0
                    ending.cancel()
                    await outlet.flushed(patience(_PATIENCE_S))
                    await self._tally.until(outlet.taken, patience(_PATIENCE_S))
                    drawing.cancel()
                self._screen.draw(self._training.time_s)
            finally:
                self._screen.end()
        return outlet, duration_s

    async def _end(self, live: launch.Live) -> None:
        """Stop when the scenario is over. Raises AnkledError when it does not begin."""
        try:
            await self._training.over(_CONNECT_S)
        except TimeoutError:
            states = (f"{one.slug} {one.last_error or one.state}" for one in live.supervisor.status().devices)
            message = f"not all simulated sensors stream after {_CONNECT_S:g} s: {'; '.join(states)}"
            raise AnkledError(message) from None
        self._stop.set()

    async def _listen(self, subscriber: Connection) -> None:
        """Pass on what the broker delivers."""
        async for message in subscriber.received():
            self._tally.take(message)

    async def _draw(self) -> None:
        """Keep the screen current."""
        while True:
            self._screen.draw(self._training.time_s)
            await asyncio.sleep(_FRAME_S)

    def _options(self) -> Options:
        """Return how to publish: as the daemon does, but giving up where it would wait."""
        about = About(version=version("ankled"), session=self._plan.session, description=self._training.description)
        return Options(
            client_id=f"ankled-{self._plan.session}",
            timeout_s=patience(_PATIENCE_S),
            info=msgspec.json.encode(about),
            require=True,
            patience_s=0.0,  # the subscriber does not outlive the connection either
        )
