"""`ankled demo` from sensor to subscriber: what is published, recorded, replayed and said at the end is one thing."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon import logs
from ankled.daemon.cli.main import main
from ankled.daemon.demo import session
from ankled.daemon.demo.stream import MAX
from ankled.daemon.demo.tally import Tally
from ankled.daemon.demo.training import Training
from ankled.daemon.errors import BrokerError
from ankled.daemon.records import Rep
from tests.daemon.brokers import Mosquitto, Subscriber, eventually, payload, retained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.records import Record

NAME = "demo-test"
STATE = "ankled/demo/bridge/state"
RESULTS = ("rep", "set", "pair", "session", "event")


@pytest.fixture(scope="module")
def training() -> Training:
    """Return the simulated training of a wearer."""
    return Training(seed=3, session=NAME)


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """Take back the log handler of the command line, whose stream ends with the test."""
    yield
    logs.unconfigure()


class Silent:
    """A screen that shows nothing, and counts."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def begin(self, address: BrokerAddress) -> None:
        """Note it."""
        self.calls.append(f"begin {address.url}")

    def draw(self, time_s: float) -> None:
        """Note the time."""
        self.calls.append(f"draw {time_s:.0f}")

    def end(self) -> None:
        """Note it."""
        self.calls.append("end")


def plan(address: BrokerAddress, capture: Path | None, speed: float = MAX) -> session.Plan:
    """Return a plan for the tests' session."""
    return session.Plan(session=NAME, address=address, capture=capture, speed=speed)


def replayed(capture: Path, capsys: pytest.CaptureFixture[str]) -> list[bytes]:
    """Return what `ankled replay --json` prints."""
    capsys.readouterr()
    assert main(["replay", str(capture), "--json"]) == 0
    return capsys.readouterr().out.encode().splitlines()


def published(subscriber: Subscriber) -> list[bytes]:
    """Return the results among what a subscriber received, in order."""
    return [payload(m) for m in subscriber.messages if str(m.topic).rpartition("/")[2] in RESULTS]


def on_first_rep(action: Callable[[], None]) -> Callable[[Record], None]:
    """Return a listener that acts once, when the first repetition has been heard."""
    left = [action]

    def heard(record: Record) -> None:
        if isinstance(record, Rep) and left:
            left.pop()()

    return heard


async def test_what_is_published_is_what_the_capture_replays(
    broker: BrokerAddress, training: Training, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Live and replayed, every rep, set, pair and session is the same byte for byte, and every message comes back."""
    capture, tally, screen = tmp_path / "a.mcap", Tally(NAME), Silent()
    async with Subscriber.on(broker, "ankled/demo/#") as subscriber:
        outcome = await session.run(plan(broker, capture), training, tally, screen)
        await eventually(lambda: payload(subscriber.messages[-1]) == b'{"state":"offline"}')
    live = published(subscriber)
    assert replayed(capture, capsys) == live
    assert [msgspec.json.decode(line)["schema"] for line in live].count("ankled.set/1") == 4
    assert outcome.published == outcome.received == tally.count == len(live)
    assert not outcome.interrupted
    assert screen.calls[0] == f"begin {broker.url}"
    assert screen.calls[-2:] == ["draw 52", "end"]


async def test_the_wearer_of_the_scenario_is_recognised(broker: BrokerAddress, training: Training) -> None:
    """Twelve strides and six leg raises a leg are found, the mount unknown; the weaker right leg shows, and fatigue."""
    tally = Tally(NAME)
    await session.run(plan(broker, None), training, tally, Silent())
    assert {side: [rep.kind for rep in reps] for side, reps in tally.reps.items()} == {
        side: ["stride"] * 12 + ["rep"] * 6 for side in ("left", "right")
    }
    assert tally.axes == {"left-ankle", "right-ankle"}
    assert {(one.side, one.movement, one.count) for one in tally.sets} == {
        (side, *what) for side in ("left", "right") for what in (("walk", 12), ("leg_raise", 6))
    }
    assert tally.session is not None
    assert tally.session.rom is not None
    assert tally.session.rom.high_percent is not None
    assert tally.session.rom.high_percent < -5.0
    assert {one.fatigue for one in tally.sets if one.of == "rep"} <= {"likely", "possible"}
    assert {one.fatigue for one in tally.sets if one.of == "stride"} == {"none"}
    assert all(rep.start_utc is not None and rep.mass_kg == 1.814 for rep in tally.reps["left"])


async def test_it_says_who_it_is_and_that_it_is_gone(broker: BrokerAddress, training: Training) -> None:
    """The broker keeps: offline, that it was a simulation, and the last sets and session."""
    await session.run(plan(broker, None), training, Tally(NAME), Silent())
    kept = await retained(broker, "ankled/demo/#")
    assert kept[STATE] == b'{"state":"offline"}'
    assert msgspec.json.decode(kept["ankled/demo/bridge/info"])["simulated"] is True
    assert "ankled/demo/athlete/wearer/session" in kept


async def test_what_an_earlier_demo_left_is_not_shown(broker: BrokerAddress, training: Training) -> None:
    """Retained sets of another session do not count as results of this one."""
    await session.run(plan(broker, None), Training(seed=3, session="earlier"), Tally("earlier"), Silent())
    tally = Tally(NAME)
    outcome = await session.run(plan(broker, None), training, tally, Silent())
    assert outcome.received == outcome.published
    assert {one.session for one in tally.sets} == {NAME}
    assert len(tally.sets) == 4


async def test_an_interruption_closes_the_session(
    broker: BrokerAddress, training: Training, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C closes the open sets, finishes the capture and says offline; what was published still replays."""
    capture = tmp_path / "a.mcap"
    tally = Tally(NAME, on_first_rep(lambda: os.kill(os.getpid(), signal.SIGINT)))
    async with Subscriber.on(broker, "ankled/demo/#") as subscriber:
        outcome = await session.run(plan(broker, capture, speed=50.0), training, tally, Silent())
        await eventually(lambda: payload(subscriber.messages[-1]) == b'{"state":"offline"}')
    assert outcome.interrupted
    assert outcome.duration_s < training.duration_s
    assert {one.closed_by for one in tally.sets} == {"stop"}
    assert tally.session is not None
    assert replayed(capture, capsys) == published(subscriber)
    assert main(["capture", "verify", str(capture)]) == 0


async def test_a_broker_that_dies_is_one_sentence(mosquitto: Mosquitto, training: Training, tmp_path: Path) -> None:
    """The demo ends with the loss of its broker, and the capture is whole nevertheless."""
    capture, screen = tmp_path / "a.mcap", Silent()
    tally = Tally(NAME, on_first_rep(mosquitto.kill))
    with pytest.raises(BrokerError, match="the broker at mqtt://"):
        await session.run(plan(mosquitto.address, capture, speed=50.0), training, tally, screen)
    assert screen.calls[-1] == "end"
    assert main(["capture", "verify", str(capture)]) == 0
