"""`ankled demo` from sensor to subscriber: what is published, recorded, replayed and said at the end is one thing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon import logs
from ankled.daemon.cli.main import main
from ankled.daemon.demo import pace, session
from ankled.daemon.demo.tally import Tally
from ankled.daemon.demo.training import Training
from ankled.daemon.errors import AnkledError, BrokerError
from ankled.daemon.mqtt.embedded import embedded
from ankled.daemon.records import Rep
from ankled.simulators.radio.faults import Fault, Faults
from tests.daemon.brokers import Mosquitto, Subscriber, eventually, payload, retained

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from pathlib import Path
    from typing import Any

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.records import Record

STATE = "ankled/demo/bridge/state"
OFFLINE = b'{"state":"offline"}'
RESULTS = ("rep", "set", "pair", "session", "event", "alert")
SPEED = 20.0


@pytest.fixture(autouse=True)
def _own_logs(compiled: None) -> Iterator[None]:
    """Take back the log handler of the command line, whose stream ends with the test."""
    yield
    logs.unconfigure()


class Silent:
    """A screen that shows nothing, and notes what it was told."""

    def __init__(self, at_begin: Callable[[], None] = lambda: None) -> None:
        self.calls: list[str] = []
        self.times: list[float | None] = []
        self._at_begin = at_begin

    def begin(self, address: BrokerAddress) -> None:
        """Note it."""
        self.calls.append(f"begin {address.url}")
        self._at_begin()

    def draw(self, time_s: float | None) -> None:
        """Note the time."""
        self.times.append(time_s)

    def end(self) -> None:
        """Note it."""
        self.calls.append("end")


@dataclass
class Shown:
    """A demonstration that was run, and what others heard of it."""

    name: str
    capture: Path
    tally: Tally
    screen: Silent = field(default_factory=Silent)
    outcome: session.Outcome | None = None
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)

    @property
    def results(self) -> list[bytes]:
        """The results that a subscriber heard, in order."""
        return [content for topic, content in self.messages if topic.rpartition("/")[2] in RESULTS]

    async def run(self, address: BrokerAddress) -> None:
        """Run it."""
        plan = session.Plan(session=self.name, address=address, capture=self.capture)
        self.outcome = await session.run(plan, Training(seed=3), self.tally, self.screen)

    async def run_and_listen(self, address: BrokerAddress) -> None:
        """Run it with a second subscriber, and then ask what the broker keeps."""
        async with Subscriber.on(address, "ankled/demo/#") as subscriber:
            await self.run(address)
            await eventually(lambda: payload(subscriber.messages[-1]) == OFFLINE)
        self.messages = [(str(one.topic), payload(one)) for one in subscriber.messages]
        self.kept = await retained(address, "ankled/demo/#")


def paced(work: Coroutine[Any, Any, None]) -> None:
    """Run something in a hurry."""
    with asyncio.Runner(loop_factory=pace.factory(SPEED)) as runner:
        runner.run(work)


def interrupt() -> None:
    """Do as Ctrl-C does."""
    os.kill(os.getpid(), signal.SIGINT)


def on_first_rep(action: Callable[[], None]) -> Callable[[Record], None]:
    """Return a listener that acts once, when the first repetition has been heard."""
    left = [action]

    def heard(record: Record) -> None:
        if isinstance(record, Rep) and left:
            left.pop()()

    return heard


@contextlib.asynccontextmanager
async def broker_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[BrokerAddress]:
    """Run a broker of this kind in the present loop."""
    if kind == "embedded":
        async with embedded(0) as address:
            yield address
        return
    server = Mosquitto(request.getfixturevalue("mosquitto_program"), folder)
    server.start()
    try:
        yield server.address
    finally:
        server.kill()


@pytest.fixture(scope="module", params=["mosquitto", "embedded"])
def two(
    compiled: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Shown, Shown]:
    """Return two demonstrations, one after the other at the same broker: a whole one, and one that was interrupted."""
    folder = tmp_path_factory.mktemp("demo")
    whole = Shown("whole", folder / "whole.mcap", Tally("whole"))
    broken = Shown("broken", folder / "broken.mcap", Tally("broken", on_first_rep(interrupt)))

    async def both() -> None:
        async with broker_of(request.param, request, folder) as address:
            await whole.run_and_listen(address)
            await broken.run_and_listen(address)

    paced(both())
    return whole, broken


def replayed(capture: Path, capsys: pytest.CaptureFixture[str]) -> list[bytes]:
    """Return what `ankled replay --json` prints."""
    capsys.readouterr()
    assert main(["replay", str(capture), "--json"]) == 0
    return capsys.readouterr().out.encode().splitlines()


def test_what_is_published_is_what_the_capture_replays(
    two: tuple[Shown, Shown], capsys: pytest.CaptureFixture[str]
) -> None:
    """Live and replayed, every rep, set, pair and session is the same byte for byte, and every message comes back."""
    shown, _ = two
    live = shown.results
    assert replayed(shown.capture, capsys) == live
    assert [msgspec.json.decode(line)["schema"] for line in live].count("ankled.set/1") == 4
    assert shown.outcome is not None
    assert shown.outcome.published == shown.outcome.received == shown.tally.count == len(live)
    assert not shown.outcome.interrupted
    assert main(["capture", "verify", str(shown.capture)]) == 0


def test_the_wearer_of_the_scenario_is_recognised(two: tuple[Shown, Shown]) -> None:
    """Twelve strides and six leg raises a leg are found, the mount unknown; the weaker right leg shows, and fatigue."""
    tally = two[0].tally
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


def test_two_makes_of_sensors_are_connected_to(two: tuple[Shown, Shown]) -> None:
    """Each leg has a device of another make, at a rate of its own, as the daemon tells on the topics of the sensors."""
    sensors = two[0].tally.sensors
    assert {side: (one.name or "").split()[0].split("-")[0] for side, one in sensors.items()} == {
        "left": "Movesense",
        "right": "OpenAnkle",
    }
    assert [sensors[side].rate_hz for side in ("left", "right")] == [104.0, 100.0]


def test_the_screen_follows_the_scenario(two: tuple[Shown, Shown]) -> None:
    """It begins with no time, while the sensors are connected, and ends with the whole of the scenario."""
    shown = two[0]
    times = shown.screen.times
    assert [call.partition(" ")[0] for call in shown.screen.calls] == ["begin", "end"]
    assert times[0] is None
    counted = [time_s for time_s in times if time_s is not None]
    assert counted == sorted(counted)
    assert counted[-1] == Training(seed=3).duration_s
    assert shown.outcome is not None
    assert shown.outcome.duration_s == counted[-1]


def test_it_says_who_it_is_and_that_it_is_gone(two: tuple[Shown, Shown]) -> None:
    """The broker keeps: offline, itself and the sensors, that it was a simulation, and the last sets and session."""
    kept = two[0].kept
    assert kept[STATE] == OFFLINE
    assert [kept[f"ankled/demo/{side}-ankle/availability"] for side in ("left", "right")] == [OFFLINE] * 2
    assert msgspec.json.decode(kept["ankled/demo/bridge/info"])["simulated"] is True
    assert "ankled/demo/athlete/wearer/session" in kept
    assert "ankled/demo/left-ankle/set" in kept


def test_what_an_earlier_demo_left_is_not_shown(two: tuple[Shown, Shown]) -> None:
    """Retained sets of another session do not count as results of this one."""
    earlier, later = two
    heard = [content for topic, content in later.messages if topic.endswith("/set")]
    assert any(msgspec.json.decode(content)["session"] == earlier.name for content in heard)
    assert {one.session for one in later.tally.sets} == {later.name}
    assert later.outcome is not None
    assert later.outcome.received == later.outcome.published


def test_an_interruption_closes_the_session(two: tuple[Shown, Shown], capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C closes the open sets, finishes the capture and says offline; what was published still replays."""
    _, shown = two
    assert shown.outcome is not None
    assert shown.outcome.interrupted
    assert 0.0 < shown.outcome.duration_s < 20.0
    assert {one.closed_by for one in shown.tally.sets} == {"stop"}
    assert shown.tally.session is not None
    own = [line for line in shown.results if msgspec.json.decode(line)["session"] == shown.name]
    assert replayed(shown.capture, capsys) == own
    assert shown.kept[STATE] == OFFLINE
    assert main(["capture", "verify", str(shown.capture)]) == 0


def test_an_interruption_while_connecting(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Ctrl-C before the first sample ends in order too: no repetition, no set, a capture that is whole."""
    shown = Shown("early", tmp_path / "a.mcap", Tally("early"), Silent(interrupt))
    paced(shown.run(mosquitto.address))
    assert shown.outcome is not None
    assert shown.outcome.interrupted
    assert shown.outcome.duration_s == 0.0
    assert shown.screen.calls[-1] == "end"
    assert not shown.tally.sets
    assert main(["capture", "verify", str(shown.capture)]) == 0


def test_a_sensor_that_cannot_be_connected_is_one_sentence(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """It names the sensor; the demonstration ends instead of waiting for ever, and the capture is whole."""
    training = Training(seed=3)
    away = Fault(at_s=0.0, kind="out_of_range", device="right-ankle", duration_s=100.0)
    screen = Silent(lambda: Faults(training.world).apply(away))
    plan = session.Plan(session="x", address=mosquitto.address, capture=tmp_path / "a.mcap")

    async def run() -> None:
        with pytest.raises(AnkledError, match=r"^not all simulated sensors stream after 15 s: .*right-ankle waiting"):
            await session.run(plan, training, Tally("x"), screen)

    paced(run())
    assert screen.calls[-1] == "end"
    assert main(["capture", "verify", str(plan.capture)]) == 0


def test_a_broker_that_dies_is_one_sentence(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The demo ends with the loss of its broker, and the capture is whole nevertheless."""
    shown = Shown("dying", tmp_path / "a.mcap", Tally("dying", on_first_rep(mosquitto.kill)))

    async def run() -> None:
        with pytest.raises(BrokerError, match="the broker at mqtt://"):
            await shown.run(mosquitto.address)

    paced(run())
    assert shown.screen.calls[-1] == "end"
    assert main(["capture", "verify", str(shown.capture)]) == 0
