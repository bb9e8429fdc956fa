"""Secrets go to the broker and nowhere else: a daemon is given one by every door, and all it leaves is searched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest
from msgspec.structs import replace

from tests.daemon.brokers import HOST, Mosquitto, find, free_port, retained
from tests.daemon.certificates import Authority
from tests.daemon.commands import started
from tests.daemon.test_cli_radio import ended, serving, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.test_cli_radio import Air

SECRET = "xyzzy-4711-plugh"  # noqa: S105 - what is searched for
SEARCHER = "no secret"
DOORS = ("url", "file", "environment", "systemd", "wss", "wrong")


class Guarded(NamedTuple):
    """A broker that knows kim, at a port and for websockets over TLS, where it asks for a certificate too."""

    server: Mosquitto
    web_port: int
    authority: Authority


@pytest.fixture(scope="module")
def air(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    """Have somebody walk for as long as these tests take."""
    with serving(tmp_path_factory.mktemp("air"), "--repeat") as found:
        yield found


@pytest.fixture
def guarded(mosquitto_program: str, tmp_path: Path) -> Iterator[Guarded]:
    """Run it, with a second user for who searches."""
    program = find("mosquitto_passwd")
    if program is None:
        pytest.skip("mosquitto_passwd is not installed")
    folder = tmp_path / "broker"
    folder.mkdir()
    users = folder / "users"
    subprocess.run([program, "-b", "-c", str(users), "kim", SECRET], check=True)
    subprocess.run([program, "-b", str(users), "searcher", SEARCHER], check=True)
    authority, port = Authority(folder), free_port()
    signed = authority.sign("broker")
    web = [f"listener {port} {HOST}", "protocol websockets", f"cafile {authority.ca_file}", "require_certificate true"]
    web += [f"certfile {signed.cert_file}", f"keyfile {signed.key_file}"]
    server = Mosquitto(mosquitto_program, folder, "allow_anonymous false", f"password_file {users}", *web)
    server.start()
    server.until_listening(port)
    yield Guarded(server, port, authority)
    server.kill()


def keys(door: str, guarded: Guarded, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return the lines of [mqtt] and the variables that bring the secret in by a door."""
    port = guarded.server.address.port
    (folder / "mqtt-password").write_text(SECRET)
    plain = [f"broker = 'mqtt://{HOST}:{port}'"]
    match door:
        case "url":
            return [
                f"broker = 'mqtt://kim:{SECRET}@{HOST}:{port}'",
                f"fallbacks = ['mqtt://kim:{SECRET}@{HOST}:1']",
            ], {}
        case "file":
            return [*plain, "username = 'kim'", f"password_file = '{folder / 'mqtt-password'}'"], {}
        case "environment":
            return plain, {"ANKLED_MQTT_USERNAME": "kim", "ANKLED_MQTT_PASSWORD": SECRET}
        case "systemd":
            return [*plain, "username = 'kim'"], {"CREDENTIALS_DIRECTORY": str(folder)}
        case "wrong":
            return [f"broker = 'mqtt://kim:not-{SECRET}@{HOST}:{port}'"], {}
    signed = guarded.authority.sign("client", password=SECRET)
    return [
        f"broker = 'wss://kim:{SECRET}@{HOST}:{guarded.web_port}/mqtt?token={SECRET}'",
        f"ca_file = '{guarded.authority.ca_file}'",
        f"cert_file = '{signed.cert_file}'",
        f"key_file = '{signed.key_file}'",
    ], {"ANKLED_MQTT_KEY_PASSWORD": SECRET}


@pytest.mark.parametrize("door", DOORS)
async def test_a_secret_stays_one(door: str, air: Air, guarded: Guarded, tmp_path: Path) -> None:
    """In no line of a log at its most talkative, no retained topic, not in the capture and not in the state folder."""
    secrets, mqtt, work = tmp_path / "secrets", tmp_path / "c.toml", tmp_path / "work"
    secrets.mkdir()
    lines, variables = keys(door, guarded, secrets)
    folders = [f"[{name}]\nfolder = '{work / name}'" for name in ("capture", "state")]
    devices = [f"[[devices]]\nslug = '{label}'\naddress = '{address}'" for label, address in air.addresses.items()]
    mqtt.write_text("\n".join(["[log]\nlevel = 'debug'\n[mqtt]", *lines, *folders, *devices]))
    searcher = replace(guarded.server.address, username="searcher", password=SEARCHER)
    log = tmp_path / "log"
    with (
        log.open("w") as out,
        started(
            "run", "--config", mqtt, "--radio", air.spec, stderr=out, stdout=out, env=os.environ | variables
        ) as process,
    ):
        sign = "refused the user name" if door == "wrong" else "broker connected"
        await until(lambda: sign in log.read_text() and log.read_text().count("sensor online") == 2, process)
        kept = await retained(searcher)
        process.send_signal(signal.SIGTERM)
        code, _ = await ended(process)
    kept |= {f"later {topic}": words for topic, words in (await retained(searcher)).items()}
    told = log.read_text()
    assert code == 0, told
    assert bool(kept) == (door != "wrong")
    files = [path for path in work.rglob("*") if path.is_file()]
    assert any(path.suffix == ".mcap" for path in files)
    assert SECRET not in told
    assert "Traceback" not in told
    assert all(json.loads(line)["event"] for line in told.splitlines())
    for where, what in [*kept.items(), *((str(path), path.read_bytes()) for path in files)]:
        assert SECRET.encode() not in what, where
