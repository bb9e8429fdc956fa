"""`ankled forget` after a real run at a real broker: pseudonyms outside, and nothing left of who is forgotten."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path  # noqa: TC003 - a named tuple reads its annotations
from typing import TYPE_CHECKING, NamedTuple

import aiomqtt  # noqa: TID251 - plays an earlier run, beside the command under test
import pytest

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.inputs_codec import encode
from ankled.daemon.live.athletes import Athletes, known_as
from ankled.daemon.mqtt.connection import Message, connected
from ankled.daemon.outbox.store import Store
from tests.daemon.brokers import Mosquitto, Subscriber, payload, retained
from tests.daemon.commands import started
from tests.daemon.test_cli_radio import Air, ended, serving, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.daemon.commands import Shell

SIDES = ("left", "right")


@pytest.fixture(scope="module")
def air(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    """Have somebody walk for as long as these tests take."""
    with serving(tmp_path_factory.mktemp("air"), "--repeat") as found:
        yield found


class Place(NamedTuple):
    """Where a daemon of these tests keeps its things."""

    config: Path
    captures: Path
    state: Path

    @property
    def bytes(self) -> bytes:
        """Everything that is stored, the configuration apart; recordings as they are before compression."""
        inputs = [encode(one.item) for path in self.captures.glob("*.mcap") for one in CaptureReader(path)]
        return b"".join([*inputs, *(path.read_bytes() for path in self.state.iterdir())])


@pytest.fixture
def place(air: Air, tmp_path: Path) -> Place:
    """Return a place for a daemon whose configuration names one athlete for both sensors."""
    made = Place(tmp_path / "ankled.toml", tmp_path / "captures", tmp_path / "state")
    lines = ["node = 'gym'", "requests = 'all'", "[capture]", f"folder = '{made.captures}'"]
    lines += ["[state]", f"folder = '{made.state}'"]
    for side in SIDES:
        lines += ["[[devices]]", f"slug = '{side}'", f"address = '{air.addresses[side]}'", f"side = '{side}'"]
        lines += ["athlete = 'kimberly'", "mount = { left = [0, 1, 0], up = [0, 0, 1] }"]
    made.config.write_text("\n".join(lines))
    return made


async def test_an_athlete_is_a_pseudonym_outside_and_then_nothing(
    air: Air, place: Place, mosquitto: Mosquitto, shell: Shell
) -> None:
    """No name leaves the machine; while the daemon runs nothing is removed; afterwards everything is, and no more."""
    url = f"mqtt://127.0.0.1:{mosquitto.address.port}"
    words = ("forget", "kimberly", "--config", place.config, "--broker", url)
    async with Subscriber.on(mosquitto.address, "#") as subscriber:

        def heard(topic: str) -> list[bytes]:
            return [payload(one) for one in subscriber.messages if one.topic.matches(topic)]

        with started("run", "--config", place.config, "--radio", air.spec, "--broker", url) as process:
            await until(lambda: all(len(heard(f"ankled/gym/{side}/rep")) > 2 for side in SIDES), process)
            told = await asyncio.to_thread(shell.refused, *words, "--yes", code=1)
            assert "nothing is removed while a daemon runs" in told
            assert str(process.pid) in told
            process.send_signal(signal.SIGTERM)
            code, log = await ended(process)
        await until(lambda: bool(heard("ankled/gym/athlete/+/session")))
        published = [(str(one.topic), payload(one)) for one in subscriber.messages]
    assert code == 0, log
    (name,) = {json.loads(one)["athlete"] for one in heard("ankled/gym/+/rep")}
    assert shell("athletes", "--config", place.config).out == f"{name}  kimberly\n"
    assert known_as("kimberly", place.state / "athletes.key") == ("kimberly", name)
    assert not [topic for topic, content in published if "kimberly" in topic or b"kimberly" in content]
    assert "kimberly" not in log
    assert b"kimberly" not in place.bytes
    assert name.encode() in place.bytes

    before = await retained(mosquitto.address)
    shown = await asyncio.to_thread(shell, *words, "--dry-run")
    assert shown.code == 0
    assert f"would remove: retained at {url}: ankled/gym/athlete/{name}/session\n" in shown.out
    assert "the configuration still names this athlete, at devices[0].athlete, devices[1].athlete" in shown.err
    assert await retained(mosquitto.address) == before
    assert name.encode() in place.bytes
    assert "--yes does it" in await asyncio.to_thread(shell.refused, *words, code=2)

    done = await asyncio.to_thread(shell, *words, "--yes")
    assert done.code == 0, done
    assert done.out == shown.out.replace("would remove", "removed")
    assert not list(place.captures.glob("*.mcap"))
    assert name.encode() not in place.bytes
    with Store(place.state / "outbox.db") as store:
        assert store.count(name) == 0
    after = await retained(mosquitto.address)
    assert not [topic for topic, content in after.items() if name in topic or name.encode() in content]
    assert {topic: content for topic, content in before.items() if topic in after} == after
    assert "ankled/gym/left/availability" in after
    again = await asyncio.to_thread(shell, *words, "--yes")
    assert (again.code, again.out) == (0, "found: nothing\n")


def test_a_broker_that_is_away_is_told_and_all_else_is_done(place: Place, shell: Shell, walk_mcap: Path) -> None:
    """Local things do not wait for the broker; the exit code says that it must be done once more."""
    place.captures.mkdir()
    place.state.mkdir()
    (place.state / "changes.json").write_text(
        '{"version":1,"devices":{"left":{"athlete":{"now":"athlete-00000001","was":null},"paused":true}}}'
    )
    (place.state / "outbox.db.damaged-1").write_bytes(b"whatever")
    (place.captures / "other.mcap").write_bytes(walk_mcap.read_bytes())
    (place.captures / "torn.mcap").write_bytes(b"no recording")
    done = shell("forget", "athlete-00000001", "--config", place.config, "--broker", "mqtt://127.0.0.1:1", "--yes")
    assert done.code == 5
    assert done.out.splitlines() == [
        "removed: the athlete that a request gave left",
        f"removed: {place.state / 'outbox.db.damaged-1'}, damaged and put aside, which may hold more",
    ]
    assert "nobody listens at 127.0.0.1:1" in done.err
    assert f"{place.captures / 'torn.mcap'} is not an MCAP file" in done.err
    assert json.loads((place.state / "changes.json").read_text())["devices"] == {"left": {"paused": True}}
    assert (place.captures / "other.mcap").read_bytes() == walk_mcap.read_bytes()
    assert not (place.state / "athletes.key").exists()


def test_a_broker_that_shows_nothing_is_not_taken_for_one_that_has_nothing(
    place: Place, mosquitto: Mosquitto, shell: Shell
) -> None:
    """Who may not read is not told so by a broker: without the node's own state it cannot be known that all is gone."""
    place.state.mkdir()
    url = f"mqtt://127.0.0.1:{mosquitto.address.port}"
    told = shell("forget", "athlete-00000001", "--config", place.config, "--broker", url, "--yes")
    assert told.code == 5
    assert "shows nothing retained below ankled/gym/" in told.err
    assert "let it read ankled/gym/#" in told.err


async def test_the_count_of_results_names_an_athlete_too(place: Place, mosquitto: Mosquitto, shell: Shell) -> None:
    """The health that the broker retains says whose results there are: it goes with them, that of others stays."""
    place.state.mkdir()
    address = mosquitto.address
    async with aiomqtt.Client(address.host, address.port) as client:
        for node in ("gym", "pool"):
            health = json.dumps({"last_seq": {"left": 5, "athlete-00000001": 3}})
            await client.publish(f"ankled/{node}/bridge/health", health, qos=1, retain=True)
            await client.publish(f"ankled/{node}/bridge/state", b'{"state":"offline"}', qos=1, retain=True)
    url = f"mqtt://127.0.0.1:{address.port}"
    words = ("forget", "athlete-00000001", "--config", place.config, "--broker", url, "--yes")
    done = await asyncio.to_thread(shell, *words)
    assert (done.code, done.out) == (0, f"removed: retained at {url}: ankled/gym/bridge/health\n")
    kept = await retained(address)
    assert {"ankled/gym/bridge/state", "ankled/pool/bridge/health"} <= set(kept)
    assert "ankled/gym/bridge/health" not in kept


def test_every_broker_is_cleared_and_one_that_is_away_is_told(place: Place, shell: Shell, mosquitto: Mosquitto) -> None:
    """A daemon may have told any of its brokers: what one cannot be asked for must be done once more."""
    topic = "ankled/gym/athlete/athlete-00000001/session"

    async def told() -> None:
        async with connected(mosquitto.address, timeout_s=20.0) as connection:
            await connection.publish(Message(topic, b"{}", 1, retain=True))

    asyncio.run(told())
    brokers = f"[mqtt]\nbroker = 'mqtt://127.0.0.1:1'\nfallbacks = ['{mosquitto.address.url}']\n"
    place.config.write_text(place.config.read_text().replace("[capture]", f"{brokers}[capture]"))
    done = shell("forget", "athlete-00000001", "--config", place.config, "--yes")
    assert done.code == 5, done
    assert done.out == f"removed: retained at {mosquitto.address.url}: {topic}\n"
    assert "nobody listens at 127.0.0.1:1" in done.err
    assert asyncio.run(retained(mosquitto.address, topic)) == {}


@pytest.mark.parametrize("name", ["Kim", "a/b", "+", "x" * 65, ""])
def test_what_no_athlete_can_be_called_is_a_sentence(name: str, shell: Shell) -> None:
    """As in the configuration: a slug."""
    assert "allowed are 1 to 64 characters of a-z, 0-9, _ and -" in shell.refused("forget", name, code=2)


def test_a_pseudonym_lasts_as_long_as_its_key(tmp_path: Path) -> None:
    """The same for one name and key, another for every other; one of its own stays; without the wish names stay too."""
    path = tmp_path / "state" / "athletes.key"
    first = Athletes(path)
    assert first.public("kim") == Athletes(path).public("kim") != first.public("alex")
    assert first.public(first.public("kim")) == first.public("kim")
    assert path.stat().st_mode & 0o777 == 0o600
    assert Athletes(tmp_path / "other.key").public("kim") != first.public("kim")
    assert Athletes(tmp_path / "none.key", pseudonyms=False).public("kim") == "kim"
    assert not (tmp_path / "none.key").exists()
    assert Athletes(None).public("kim") != Athletes(None).public("kim")


@pytest.mark.parametrize("content", ["", "beef", "z" * 64])
def test_a_key_that_is_none_stops_the_daemon_before_a_name_gets_out(content: str, place: Place, shell: Shell) -> None:
    """One sentence, and what to do; nobody is renamed without being asked."""
    place.state.mkdir()
    (place.state / "athletes.key").write_text(content)
    told = shell.refused("run", "--config", place.config, "--radio", "tcp:127.0.0.1:1", code=3)
    assert "is no key of athletes' pseudonyms" in told
