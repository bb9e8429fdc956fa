"""Health and devices on a virtual clock: told when something goes wrong, and when it is well again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.bridge.gauges import Ways
from ankled.daemon.bridge.health import BridgeHealth
from ankled.daemon.mqtt.options import Statistics
from ankled.daemon.requests.forms import Devices
from ankled.simulators.radio.faults import Fault
from tests.live.runs import run
from tests.live.test_live_identity import dressed

if TYPE_CHECKING:
    from ankled.daemon.mqtt.connection import Message


@dataclass
class Board:
    """What a broker is told, with the time of the virtual clock."""

    kept: list[tuple[float, str, bytes]] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)
    ways: Ways = field(default_factory=Ways)

    @property
    def statistics(self) -> Statistics:
        """A broker that is there."""
        return Statistics(connected=True, queued=0, sent=0, acknowledged=0, reconnects=0)

    def keep(self, topic: str, payload: bytes) -> None:
        """Keep it."""
        self.kept.append((asyncio.get_running_loop().time(), topic, payload))

    def say(self, message: Message) -> None:
        """Keep it."""
        self.said.append(message)

    def healths(self) -> list[tuple[float, BridgeHealth]]:
        """Return what was told of health."""
        return [(at_s, msgspec.json.decode(words, type=BridgeHealth)) for at_s, topic, words in self.kept
                if topic.endswith("/bridge/health")]  # fmt: skip

    def lists(self) -> list[tuple[float, Devices]]:
        """Return the lists of devices."""
        return [(at_s, msgspec.json.decode(words, type=Devices)) for at_s, topic, words in self.kept
                if topic.endswith("/bridge/devices")]  # fmt: skip


def told(board: Board, sentence: str) -> tuple[float, float]:
    """Return when a problem was first told and when it was first told to be over."""
    begun_s = next(at_s for at_s, health in board.healths() if sentence in health.problems)
    return begun_s, next(at_s for at_s, health in board.healths() if at_s > begun_s and sentence not in health.problems)


def test_a_sensor_that_goes_silent_is_told_at_once_and_forgotten_when_it_is_back() -> None:
    """Within a second or two of the supervisor's finding, not at the next tenth second; so is its return."""
    board = Board()
    fault = Fault(at_s=10.0, kind="zombie", device="left", duration_s=8.0)
    run(dressed("left=openankle", "right=movesense"), 45.0, faults=[fault], board=board)
    begun_s, over_s = told(board, "sensor left is connected and sends nothing")
    assert 10.0 < begun_s < 15.0
    assert begun_s < over_s < 30.0
    final = board.healths()[-1][1]
    left = next(one for one in final.devices if one.device == "left")
    assert left.reconnects == 1
    assert not [one for one in final.problems if "left is" in one]
    assert final.problem_count == len(final.problems)


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault(at_s=8.0, kind="lost_packets", device="left", amount=0.3, duration_s=20.0), "loses samples"),
        (Fault(at_s=8.0, kind="low_battery", device="left", amount=7.0), "battery of sensor left is almost empty"),
    ],
    ids=["lost packets", "low battery"],
)
def test_what_a_sensor_suffers_from_is_a_problem(fault: Fault, word: str) -> None:
    """Samples lost inside of the sensor, and an empty battery, are told; the other sensor is well."""
    board = Board()
    run(dressed("left=openankle", "right=movesense"), 75.0, faults=[fault], board=board)
    sentences = {one for _, health in board.healths() for one in health.problems}
    assert [one for one in sentences if word in one]
    assert not [one for one in sentences if "right" in one]


def test_rates_are_measured_and_null_while_nothing_comes() -> None:
    """A measured rate is that of the samples which came, and unknown for a sensor from which none do."""
    board = Board()
    fault = Fault(at_s=15.0, kind="absent", device="left", duration_s=100.0)
    run(dressed("left=openankle", "right=movesense"), 45.0, faults=[fault], board=board)
    rates = {
        (round(at_s, -1), one.device): one.rate_measured_hz
        for at_s, health in board.healths()
        for one in health.devices
    }
    assert rates[20.0, "right"] == pytest.approx(104.0, rel=0.05)
    assert rates[40.0, "left"] is None
    assert rates[40.0, "right"] == pytest.approx(104.0, rel=0.02)


def test_devices_that_stream_are_told_once() -> None:
    """From `waiting` to `streaming` the list comes with each change, five seconds apart; then there is nothing new."""
    board = Board()
    run(dressed("left=openankle", "right=movesense"), 60.0, board=board)
    times = [at_s for at_s, _ in board.lists()]
    assert all(later - earlier >= 4.9 for earlier, later in pairwise(times))
    assert {one.link for one in board.lists()[1][1].devices} == {"streaming"}
    assert len(times) <= 4
