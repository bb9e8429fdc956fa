"""The demonstration from the first connection to the last: broker, subscriber, publisher, capture, and their ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ankled.daemon.capture import form
from ankled.daemon.capture.writer import CaptureWriter
from ankled.daemon.demo.stream import Stream
from ankled.daemon.demo.training import NODE, About, Training
from ankled.daemon.errors import AnkledError
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.connection import Connection, connected
from ankled.daemon.mqtt.embedded import broker_at
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ankled.daemon.demo.tally import Tally

_PATIENCE_S: Final = 3.0
"""How long a broker may take for a connection, for the last acknowledgements, and for the last messages."""
_CLOSE_S: Final = 5.0
_FRAME_S: Final = 0.1


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. Without `capture`, nothing is recorded."""

    session: str
    address: BrokerAddress
    capture: Path | None
    speed: float


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
    interrupted = asyncio.Event()
    topics = Topics(node=NODE)
    try:
        with _stoppable(interrupted):
            async with (
                broker_at(plan.address) as address,
                connected(address, timeout_s=_PATIENCE_S) as subscriber,
                Publisher(address, topics, _options(plan, training)) as publisher,
                _recording(plan) as capture,
            ):
                await subscriber.subscribe(f"{topics.root}/#")
                stream = Stream(training, publisher, capture, plan.speed)
                screen.begin(address)
                try:
                    await _together(stream, publisher, subscriber, tally, screen, interrupted)
                finally:
                    screen.end()
            return Outcome(
                address=address,
                duration_s=stream.time_s,
                published=stream.published,
                received=tally.count,
                interrupted=interrupted.is_set(),
            )
    except BaseExceptionGroup as failures:
        told, others = failures.split((AnkledError, BrokenPipeError))
        if others is not None or told is None:
            raise
        raise _first(told) from None  # one failure makes others; the first tells why


async def _together(  # noqa: PLR0913, PLR0917  (the parts that run together)
    stream: Stream,
    publisher: Publisher,
    subscriber: Connection,
    tally: Tally,
    screen: Screen,
    interrupted: asyncio.Event,
) -> None:
    """Stream, listen and draw until everything that was published has come back."""
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(_listen(subscriber, tally), name="demo-subscriber")
        drawing = group.create_task(_draw(screen, stream), name="demo-screen")
        await stream.run(interrupted)
        await publisher.drain(_PATIENCE_S)
        await tally.until(stream.published, _PATIENCE_S)
        listening.cancel()
        drawing.cancel()
    screen.draw(stream.time_s)


async def _listen(subscriber: Connection, tally: Tally) -> None:
    """Pass on what the broker delivers."""
    async for message in subscriber.received():
        tally.take(message)


async def _draw(screen: Screen, stream: Stream) -> None:
    """Keep the screen current."""
    while True:
        screen.draw(stream.time_s)
        await asyncio.sleep(_FRAME_S)


@contextlib.asynccontextmanager
async def _recording(plan: Plan) -> AsyncIterator[CaptureWriter | None]:
    """Open the capture, and make it whole whatever happens."""
    if plan.capture is None:
        yield None
        return
    writer = CaptureWriter(plan.capture, form.origin(NODE, plan.session))
    try:
        yield writer
    finally:
        # In a thread: the disk may be slow, and the broker's connections want to be kept alive meanwhile.
        await asyncio.to_thread(writer.close, _CLOSE_S)


@contextlib.contextmanager
def _stoppable(interrupted: asyncio.Event) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the session in order, and the next one cut it short."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        if interrupted.is_set() and task is not None:
            task.cancel()
        interrupted.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


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


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first failure of a group, however deep."""
    found = failures.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
