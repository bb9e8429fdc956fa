"""Simulated Polar sensors to talk to, some with faults, and what tests ask of a conversation with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.polar import Polar, wire
from ankled.simulators.peripherals.polar import SimulatedPolar
from tests.drivers.conversation import Conversation

if TYPE_CHECKING:
    from ankled.simulators.peripherals.board import Board
    from ankled.simulators.peripherals.model import Outgoing


class Recorded(Polar):
    """A driver that keeps what it is fed."""

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.fed: list[m.DriverInput] = []

    def feed(self, item: m.DriverInput) -> list[m.DriverOutput]:
        """Keep the input and take it."""
        self.fed.append(item)
        return super().feed(item)


class Lossy(SimulatedPolar):
    """A sensor whose radio loses the frames of these numbers."""

    lose: tuple[int, ...] = ()
    sent = 0

    def advance(self, now_s: float) -> list[Outgoing]:
        """Leave out what is lost."""
        kept = []
        for out in super().advance(now_s):
            self.sent += out.characteristic == wire.DATA
            if out.characteristic != wire.DATA or self.sent not in self.lose:
                kept.append(out)
        return kept


class Mute(SimulatedPolar):
    """A sensor that does not send the values of one characteristic."""

    silent = wire.DATA

    def advance(self, now_s: float) -> list[Outgoing]:
        """Leave out what is not sent."""
        return [out for out in super().advance(now_s) if out.characteristic != self.silent]


def talk(
    peripheral: SimulatedPolar,
    duration_s: float = 8.0,
    *,
    mtu: int = 247,
    options: Options | None = None,
    **asked: float,
) -> Conversation:
    """Let a new driver and a sensor talk for a while."""
    conversation = Conversation(Recorded(options or Options(**asked)), peripheral, mtu=mtu)
    conversation.begin()
    conversation.run(duration_s)
    return conversation


def blocks(conversation: Conversation, what: str) -> list[m.Block]:
    """Return the blocks of one stream."""
    return [block for block in conversation.all(m.Block) if getattr(block, what) is not None]


def largest_error(conversation: Conversation, at: Board, what: str) -> float:
    """Return how far any sample is from what the sensor felt at the time the sample states."""
    parts = blocks(conversation, what)
    time_s = np.concatenate([block.time_s for block in parts if block.time_s is not None])
    exact = at._motion.at(at.radio_s(time_s))[0 if what == "acc" else 1]
    return float(np.abs(np.concatenate([getattr(block, what) for block in parts]) - exact).max())
