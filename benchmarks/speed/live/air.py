"""`python -m benchmarks.speed.live.air SPEC COUNT`: so many walking OpenAnkle sensors on a radio, until SIGTERM.

Prints a line when the radio is there, and at its end how many samples each sensor has sent.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.stopping import stoppable
from ankled.simulators.peripherals.board import Board, Taken
from ankled.simulators.peripherals.catalogue import make
from ankled.simulators.peripherals.motion import stage
from ankled.simulators.radio.wire import serve
from ankled.simulators.radio.world import World
from ankled.simulators.scenarios import find
from benchmarks.speed.live.cast import READY, Sent, labels, side_of
from benchmarks.speed.signals import SCENARIO

if TYPE_CHECKING:
    from ankled.simulators.peripherals.motion import Motion

SKEW_PPM = 20.0


class Counted(Board):
    """A board that counts what leaves its FIFO, and what found no room there."""

    def __init__(self, motion: Motion, *, skew_ppm: float, seed: int) -> None:
        super().__init__(motion, skew_ppm=skew_ppm, seed=seed)
        self.sent = self.overrun = 0

    def take(self, count: int) -> Taken:
        """Take samples, and count them."""
        taken = super().take(count)
        self.sent += len(taken.time_s)
        self.overrun += taken.lost
        return taken


async def run(spec: str, count: int) -> None:
    """Serve until a signal, then tell."""
    shared, motions = stage(find(SCENARIO), repeat=True)
    world = World(stage=shared)
    boards: dict[str, Counted] = {}
    for number, label in enumerate(labels(count)):
        skew_ppm = SKEW_PPM if number % 2 else -SKEW_PPM
        boards[label] = Counted(motions[side_of(label)], skew_ppm=skew_ppm, seed=number)
        world.add(label, make("openankle", boards[label]))
    stop = asyncio.Event()
    with stoppable(stop):
        async with world, serve(world, spec, slots=count):
            print(READY, flush=True)
            await stop.wait()
    told = Sent(
        sent={label: board.sent for label, board in boards.items()},
        overrun={label: board.overrun for label, board in boards.items()},
    )
    print(msgspec.json.encode(told).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2])))
