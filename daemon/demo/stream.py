"""The live way of the demonstration: inputs at their time through dispatcher and capture, records to the publisher."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.inputs import Stop
from ankled.daemon.pipeline import Core

if TYPE_CHECKING:
    from ankled.daemon.capture.writer import CaptureWriter
    from ankled.daemon.demo.training import Training
    from ankled.daemon.inputs import Input
    from ankled.daemon.mqtt.publisher import Publisher

MAX: Final = float("inf")
"""The speed that waits for nothing."""
_NS: Final = 1_000_000_000


class Stream:
    """One run of a training. `time_s` is how far it has come, `published` how many records that gave."""

    def __init__(self, training: Training, publisher: Publisher, capture: CaptureWriter | None, speed: float) -> None:
        """Prepare; nothing moves before `run`."""
        self._training = training
        self._publisher = publisher
        self._dispatcher = Dispatcher(Core(), capture)
        self._speed = speed
        self.time_s = 0.0
        self.published = 0

    async def run(self, interrupted: asyncio.Event) -> None:
        """Stream the whole training, or up to an interruption, and close the session."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        origin_ns = host_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        for given in self._training.inputs(origin_ns, time.time_ns()):
            due_s = begun_s + (given.host_ns - origin_ns) / _NS / self._speed
            await _wait(interrupted, due_s - loop.time())
            if interrupted.is_set():
                break
            host_ns = given.host_ns
            self.time_s = (host_ns - origin_ns) / _NS
            await self._feed(given)
        await self._feed(Stop(host_ns=host_ns, reason="interrupted" if interrupted.is_set() else "end of the demo"))

    async def _feed(self, given: Input) -> None:
        """Let one input through, and hand over what it completed."""
        for record in self._dispatcher.feed(given):
            await self._publisher.publish(record)
            self.published += 1


async def _wait(interrupted: asyncio.Event, duration_s: float) -> None:
    """Wait for so long, or for the interruption; let others run in any case."""
    if duration_s <= 0.0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(duration_s):
            await interrupted.wait()
    except TimeoutError:
        pass
