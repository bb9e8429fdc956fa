"""Brokers for the tests of the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ankled.daemon.cli import main
from ankled.daemon.cli.warm import compile_all
from ankled.daemon.logs import unconfigure
from ankled.daemon.mqtt.embedded import embedded
from ankled.daemon.records import Set
from tests.daemon.brokers import Gate, Mosquitto, find
from tests.daemon.commands import Shell
from tests.daemon.records import make

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from ankled.daemon.mqtt.broker_url import BrokerAddress


@pytest.fixture(scope="session")
def mosquitto_program() -> str:
    """Return where mosquitto is, or skip."""
    program = find("mosquitto")
    if program is None:
        pytest.skip("mosquitto is not installed")
    return program


@pytest.fixture
def mosquitto(mosquitto_program: str, tmp_path: Path) -> Iterator[Mosquitto]:
    """Run a mosquitto without persistence on a free port of the loopback address."""
    broker = Mosquitto(mosquitto_program, tmp_path)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture(params=["mosquitto", "embedded"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BrokerAddress]:
    """Run mosquitto, then the embedded broker: what holds for one must hold for the other."""
    if request.param == "embedded":
        async with embedded(0) as address:
            yield address
        return
    server = Mosquitto(request.getfixturevalue("mosquitto_program"), tmp_path)
    server.start()
    yield server.address
    server.kill()


@pytest.fixture
async def gate(broker: BrokerAddress) -> AsyncIterator[Gate]:
    """Return an open gate in front of the broker."""
    relay = Gate(broker)
    await relay.open()
    yield relay
    await relay.shut()


@pytest.fixture
def last_set() -> Set:
    """Return a record that the broker keeps when live."""
    return make(Set, device="left", athlete="kim", node="gym", id="s/left/set/1")


@pytest.fixture(scope="session")
def compiled() -> None:
    """Have the kernels in the cache: a process that a test starts need not compile, nor say that it does."""
    compile_all()


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return what runs `ankled` commands in this process."""
    return Shell(capsys)


@pytest.fixture(scope="session")
def walk_csv(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a simulated walk of twelve seconds at 50 Hz: the left leg's file and the right leg's."""
    folder = tmp_path_factory.mktemp("walk")
    files = (folder / "left_foot.csv", folder / "right_foot.csv")
    words = ["simulate", "--scenario", "walk", "--duration-s", "12", "--rate-hz", "50"]
    assert main([*words, "--csv", *map(str, files), "--truth", str(folder / "truth.json")]) == 0
    unconfigure()
    return files


@pytest.fixture(scope="session")
def walk_mcap(walk_csv: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a capture of both legs, in several chunks."""
    path = tmp_path_factory.mktemp("capture") / "walk.mcap"
    assert main(["capture", "import", *map(str, walk_csv), "--out", str(path)]) == 0
    unconfigure()
    return path
