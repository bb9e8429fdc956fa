"""`ankled run` and `ankled record` as a user would run them: sensors in one process, the daemon in another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from ankled.daemon.cli.live import run_to_end
from ankled.daemon.stopping import stoppable
from tests.daemon.brokers import Mosquitto, Subscriber, payload, retained
from tests.daemon.commands import started

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.daemon.commands import Shell

SOON_S = 60.0  # how long a process may take until it has done its work, on a machine with other things to do
RESULTS = ("rep", "set", "pair", "session", "event", "alert")
DISCOVERY = "homeassistant/device/+/config"
ONLINE, OFFLINE = b'{"state":"online"}', b'{"state":"offline"}'
SIDES = ("left", "right")


class Air(NamedTuple):
    """A radio that another process serves: where, and the address of each device by its label."""

    spec: str
    addresses: dict[str, str]


@contextlib.contextmanager
def serving(folder: Path, *words: str) -> Iterator[Air]:
    """Have somebody walk with two sensors, in a process of its own, which stops when it is told to."""
    spec = f"unix:{folder / 'radio'}"
    with started("simulate", "--scenario", "walk", "--radio", spec, *words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told: list[str] = []
        while not (told and told[-1].startswith("radio at ")):
            told.append(process.stdout.readline())
            assert told[-1], process.stderr.read()
        assert told[-1] == f"radio at {spec}; ankled run --radio {spec} --adopt connects\n"
        yield Air(spec, {label: address for label, address, *_ in map(str.split, told[:-1])})
        process.send_signal(signal.SIGTERM)
        assert (process.wait(SOON_S), process.stderr.read()) == (0, "")


@pytest.fixture(scope="module")
def air(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    """Have somebody walk for as long as these tests take."""
    with serving(tmp_path_factory.mktemp("air"), "--repeat") as found:
        yield found


@pytest.fixture
def config(air: Air, tmp_path: Path) -> Path:
    """Return a configuration of both sensors. How they sit is known, so that the first strides count."""
    lines = ["node = 'gym'", "[capture]", f"folder = '{tmp_path / 'captures'}'"]
    lines += ["[state]", f"folder = '{tmp_path / 'state'}'", "[athletes]", "pseudonyms = false"]
    for side in SIDES:
        lines += ["[[devices]]", f"slug = '{side}'", f"address = '{air.addresses[side]}'", f"side = '{side}'"]
        lines += ["athlete = 'kim'", "mass_kg = 1.814", "mount = { left = [0, 1, 0], up = [0, 0, 1] }"]
    path = tmp_path / "ankled.toml"
    path.write_text("\n".join(lines))
    return path


class Heard:
    """What a subscriber has heard."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber

    def of(self, topic: str) -> list[bytes]:
        """Return what came on a topic, without what the broker had kept from before."""
        return [payload(m) for m in self._subscriber.messages if not m.retain and m.topic.matches(topic)]

    @property
    def results(self) -> list[bytes]:
        """Return the results, in order; a topic that is cleared holds none."""
        messages = [m for m in self._subscriber.messages if str(m.topic).rpartition("/")[2] in RESULTS]
        return [payload(m) for m in messages if payload(m)]


async def until(condition: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Wait until something holds; the process must not end meanwhile."""
    async with asyncio.timeout(SOON_S):
        while not condition():
            assert process is None or process.poll() is None, process.communicate()
            await asyncio.sleep(0.05)


async def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a process, and return its code and what it wrote to standard error."""
    _, complaints = await asyncio.to_thread(process.communicate, timeout=SOON_S)
    return process.returncode, complaints


async def test_run_publishes_and_ends_in_order(
    air: Air, config: Path, mosquitto: Mosquitto, tmp_path: Path, shell: Shell
) -> None:
    """Sensors, their state, their strides. At SIGTERM sets close, all is offline, the capture gives what was heard."""
    url = f"mqtt://127.0.0.1:{mosquitto.address.port}"
    async with Subscriber.on(mosquitto.address, "ankled/gym/#") as subscriber:
        heard = Heard(subscriber)
        with started("run", "--config", config, "--radio", air.spec, "--broker", url) as process:
            await until(lambda: all(len(heard.of(f"ankled/gym/{side}/rep")) > 1 for side in SIDES), process)
            process.send_signal(signal.SIGTERM)
            code, log = await ended(process)
        await until(lambda: heard.of("ankled/gym/bridge/state")[-1:] == [OFFLINE])
        results = heard.results
    assert code == 0
    told = [json.loads(line) for line in log.splitlines()]
    assert "error" not in [line["level"] for line in told]
    assert {line["device"]: line["driver"] for line in told if line["event"] == "sensor online"} == {
        "left": "movesense",
        "right": "openankle",
    }
    for side, rate_hz in (("left", 104.0), ("right", 100.0)):
        assert heard.of(f"ankled/gym/{side}/availability")[-2:] == [ONLINE, OFFLINE]
        assert rate_hz in [json.loads(state)["rate_hz"] for state in heard.of(f"ankled/gym/{side}/state")]
        assert [json.loads(closed)["closed_by"] for closed in heard.of(f"ankled/gym/{side}/set")] == ["stop"]
    kept = await retained(mosquitto.address, "ankled/gym/#")
    assert [kept[f"ankled/gym/{side}/availability"] for side in SIDES] == [OFFLINE, OFFLINE]
    assert "ankled/gym/athlete/kim/session" in kept
    told = [json.loads(words)["device"]["name"] for words in (await retained(mosquitto.address, DISCOVERY)).values()]
    assert sorted(told) == ["ankled gym", "gym athlete kim", "gym left", "gym right"]
    (capture,) = (tmp_path / "captures").iterdir()
    assert shell("replay", capture, "--json").out.encode().splitlines() == results
    assert shell("capture", "verify", capture).code == 0


async def test_run_that_was_killed_finds_its_sensors_again(
    air: Air, config: Path, mosquitto: Mosquitto, tmp_path: Path, shell: Shell
) -> None:
    """SIGKILL says nothing to anybody: the broker tells of it, the next start connects and repairs the capture."""
    url = f"mqtt://127.0.0.1:{mosquitto.address.port}"
    words = ("run", "--config", config, "--radio", air.spec, "--broker", url)
    async with Subscriber.on(mosquitto.address, "ankled/gym/#") as subscriber:
        heard = Heard(subscriber)

        def online(times: int) -> bool:
            return all(heard.of(f"ankled/gym/{side}/availability").count(ONLINE) == times for side in SIDES)

        with started(*words) as process:
            await until(lambda: online(1), process)
            (capture,) = (tmp_path / "captures").iterdir()
            await until(lambda: capture.stat().st_size > 10_000, process)
            process.kill()
        await until(lambda: heard.of("ankled/gym/bridge/state")[-1:] == [OFFLINE])
        assert shell("capture", "verify", capture).code != 0
        with started(*words) as process:
            await until(lambda: online(2), process)
            process.send_signal(signal.SIGTERM)
            code, log = await ended(process)
    assert code == 0
    assert "capture repaired" in [json.loads(line)["event"] for line in log.splitlines()]
    assert [shell("capture", "verify", path).code for path in (tmp_path / "captures").glob("*.mcap")] == [0, 0]


def test_a_recording_of_some_seconds_replays(config: Path, tmp_path: Path, shell: Shell) -> None:
    """`record` needs no broker, stops by itself, and says how to go on; the strides of both legs are in it."""
    path = tmp_path / "set.mcap"
    with (
        serving(tmp_path) as own,  # here the walk begins when both sensors are connected
        started("record", path, "--config", config, "--radio", own.spec, "--duration-s", "7") as process,
    ):
        out, told = process.communicate(timeout=SOON_S)
    assert (process.returncode, out) == (0, "")
    assert told == f"ankled: recorded to {path}; ankled replay {path} computes the results\n"
    kinds = [(record["schema"], record.get("device")) for record in shell("replay", path, "--json").records]
    assert {("ankled.rep/1", side) for side in SIDES} <= set(kinds)
    assert shell("capture", "verify", path).code == 0


def test_a_recording_ends_at_ctrl_c(air: Air, tmp_path: Path, shell: Shell) -> None:
    """Without a duration that is the way to end it, no failure; `--adopt` takes all that drivers know.

    Meanwhile the radio has no room for another, who is told so, and disturbs nobody.
    """
    path = tmp_path / "set.mcap"
    with started("record", path, "--adopt", "--radio", air.spec) as process:
        deadline_s = time.monotonic() + SOON_S
        while not (path.exists() and path.stat().st_size > 10_000):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        sentence = shell.refused("record", tmp_path / "b.mcap", "--adopt", "--radio", air.spec, code=6)
        assert "somebody else may be using it" in sentence
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=SOON_S)
    assert (process.returncode, told.count("\n")) == (0, 1)
    report = json.loads(shell("capture", "verify", path, "--json").out)
    assert report["whole"]
    assert set(report["devices"]) == {address.replace(":", "").lower() for address in air.addresses.values()}


def test_a_second_signal_cuts_the_end_short() -> None:
    """The first asks for an end in order, whatever that takes; who asks twice is in haste, and gets the code of it."""
    asked = []

    async def slow() -> int:
        stop = asyncio.Event()
        with stoppable(stop):
            os.kill(os.getpid(), signal.SIGTERM)
            await stop.wait()
            asked.append("stop")
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(SOON_S)
        return 0

    assert run_to_end(slow()) == 130
    assert asked == ["stop"]


def test_a_recording_without_a_sensor_says_so(air: Air, tmp_path: Path, shell: Shell) -> None:
    """Whoever waits for a sensor that does not come is told at the end, by sentence and code."""
    path = tmp_path / "ankled.toml"
    path.write_text("[[devices]]\nslug = 'left'\nname = 'Somebody else'\n")
    done = shell("record", tmp_path / "a.mcap", "--config", path, "--radio", air.spec, "--duration-s", "0.3")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"ankled: no sensor was connected, {tmp_path / 'a.mcap'} holds nothing to replay\n"


async def test_a_simulator_that_is_restarted_is_found_again(
    compiled: None, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """The radio of another process is an adapter like any: killed it is down, and the next one brings all back."""
    url = f"mqtt://127.0.0.1:{mosquitto.address.port}"
    start = ("simulate", "--scenario", "walk", "--repeat", "--radio", spec := f"unix:{tmp_path / 'radio'}")
    lines = ["node = 'gym'", "[capture]", "enabled = false", "[state]", f"folder = '{tmp_path / 'state'}'"]
    (path := tmp_path / "ankled.toml").write_text("\n".join(lines))
    async with Subscriber.on(mosquitto.address, "ankled/gym/#") as subscriber:
        heard = Heard(subscriber)

        def told(word: bytes) -> list[int]:
            topics = {str(m.topic) for m in subscriber.messages if str(m.topic).endswith("/availability")}
            return [heard.of(topic).count(word) for topic in topics]

        with started(*start) as first:
            await until((tmp_path / "radio").exists, first)
            with started("run", "--config", path, "--adopt", "--radio", spec, "--broker", url) as process:
                await until(lambda: told(ONLINE) == [1, 1], process)
                first.kill()
                await until(lambda: told(OFFLINE) == [1, 1], process)
                await until(lambda: b"is down" in heard.of("ankled/gym/bridge/health")[-1], process)
                with started(*start) as second:
                    await until(lambda: told(ONLINE) == [2, 2], process)
                    process.send_signal(signal.SIGTERM)
                    code, _ = await ended(process)
                    second.kill()
    assert code == 0
