"""What stands in systemd/: the unit by systemd's own tools, the configuration by ours, the broker's by mosquitto."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Literal

import aiomqtt  # noqa: TID251 - the clients of the tests
import pytest

from ankled.daemon.config import load
from tests.daemon.brokers import HOST, PATIENCE_S, Mosquitto, find, free_port
from tests.house import tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.commands import Shell

SYSTEMD = tree.ROOT / "systemd"
MOST_EXPOSURE = 1.5


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return the unit as it is installed, for a program that every machine has."""
    path = tmp_path / "ankled.service"
    text = (SYSTEMD / "ankled.service").read_text(encoding="utf-8")
    assert text.count("@PROGRAM@ run") == 1
    path.write_text(text.replace("@PROGRAM@", "/bin/true"))
    return path


@pytest.fixture(scope="module")
def analyze() -> str:
    """Return where systemd-analyze is, or skip."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return program


def test_the_unit_is_hardened(analyze: str, unit: Path) -> None:
    """By the figure of `systemd-analyze security`: 0 is the best, 9.6 that of a unit which says nothing."""
    done = subprocess.run([analyze, "security", "--offline=yes", unit], capture_output=True, text=True, check=True)
    (exposure,) = re.findall(r"Overall exposure level for ankled\.service: ([\d.]+)", done.stdout)
    assert float(exposure) <= MOST_EXPOSURE, done.stdout


def test_the_unit_is_understood(analyze: str, unit: Path) -> None:
    """The systemd that is installed knows every key and takes every value."""
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if str(unit) in line or "ankled" in line]
    assert (done.returncode, told) == (0, [])


def test_the_unit_requires_nobody(unit: Path) -> None:
    """Adapter, bluetoothd, D-Bus and broker may come and go: a unit that requires one of them would go with it."""
    keys = {line.partition("=")[0] for line in unit.read_text().splitlines() if not line.startswith("#")}
    assert "After" in keys
    assert not keys & {"Requires", "Requisite", "BindsTo", "PartOf", "Upholds"}


def test_the_first_configuration_is_right(shell: Shell) -> None:
    """It passes `check-config`, and what it keeps lies where the unit lets the service write."""
    path = SYSTEMD / "ankled.toml"
    assert shell("check-config", path).code == 0
    config = load(path)
    for folder in (config.capture.folder, config.state.folder):
        assert folder.startswith("/var/lib/ankled/")


@pytest.fixture
def secured(mosquitto_program: str, tmp_path: Path) -> Iterator[tuple[Mosquitto, int]]:
    """Run a broker with the example's lines below those of Debian's own file, and yield its port for websockets too."""
    passwords, acl = tmp_path / "passwords", tmp_path / "acl"
    for user, options in (("node-a", ["-c", "-b"]), ("reader", ["-b"])):
        tool = find("mosquitto_passwd")
        assert tool is not None
        subprocess.run([tool, *options, passwords, user, f"of {user}"], check=True, capture_output=True)
    shutil.copy(SYSTEMD / "mosquitto-acl.example", acl)
    for path in (passwords, acl):
        path.chmod(0o600)
    folder = tmp_path / "conf.d"
    folder.mkdir()
    broker, web = Mosquitto(mosquitto_program, tmp_path), free_port()
    lines = (SYSTEMD / "mosquitto-ankled.conf").read_text(encoding="utf-8")
    for old, new in (
        ("password_file /etc/mosquitto/passwords", f"password_file {passwords}"),
        ("acl_file /etc/mosquitto/acl", f"acl_file {acl}"),
        ("\nlistener 1883\n", f"\nlistener {broker.address.port} {HOST}\n"),
        ("\nlistener 9001\n", f"\nlistener {web} {HOST}\n"),
    ):
        assert lines.count(old) == 1, old
        lines = lines.replace(old, new)
    (folder / "ankled.conf").write_text(lines)
    # what /etc/mosquitto/mosquitto.conf of Debian says, with a folder of ours; as root it would become another user
    own = ["persistence true", f"persistence_location {tmp_path}/", "log_dest stderr", f"include_dir {folder}"]
    own += ["user root"] if os.geteuid() == 0 else []
    broker._file.write_text("\n".join([*own, ""]))
    broker.start()
    broker.until_listening(web)
    yield broker, web
    broker.stop()
    assert (tmp_path / "mosquitto.db").exists()


def client(
    port: int, user: str | None, password: str | None, transport: Literal["tcp", "websockets"] = "tcp"
) -> aiomqtt.Client:
    """Return a client of the broker."""
    return aiomqtt.Client(HOST, port, username=user, password=password, transport=transport)


async def test_the_example_of_a_broker_lets_in_who_has_a_name(secured: tuple[Mosquitto, int]) -> None:
    """A node speaks for itself over MQTT, a reader hears it over websockets, and who gives no password is refused."""
    broker, web = secured
    port = broker.address.port
    async with (
        client(web, "reader", "of reader", transport="websockets") as reader,
        client(port, "node-a", "of node-a") as node,
    ):
        await reader.subscribe("ankled/#", qos=1)
        await reader.publish("ankled/node-a/left/rep", "made up", qos=0)  # not its to say: not passed on
        await node.publish("ankled/node-b/left/rep", "of another", qos=1)
        await node.publish("ankled/node-a/left/rep", "own", qos=1)
        async with asyncio.timeout(PATIENCE_S):
            heard = await anext(aiter(reader.messages))
    assert (str(heard.topic), heard.payload) == ("ankled/node-a/left/rep", b"own")
    for user, password in ((None, None), ("node-a", "guessed")):
        with pytest.raises(aiomqtt.MqttError):
            async with client(port, user, password):
                pass
