"""The bundle: nothing private is in any of its bytes, and what is in it is told."""

from __future__ import annotations

import io
import json
import re
import socket
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import aiomqtt  # noqa: TID251 - a daemon's words, kept by the broker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.doctor import bundle
from ankled.daemon.doctor.finding import note
from ankled.daemon.doctor.scrub import Scrubber
from ankled.daemon.doctor.secrets import Private
from ankled.daemon.errors import AnkledError
from tests.daemon.brokers import HOST, Mosquitto
from tests.daemon.certificates import Authority
from tests.doctor.examined import configured, examined

if TYPE_CHECKING:
    from tests.daemon.commands import Shell

MAC = "C0:1F:22:3A:44:5B"
OTHER = "d4:2e:6f:70:81:9c"  # of nobody that the configuration names
SECRETS = ("Pa55-w\u00f6rd", "urluser", "urlpass", "queryt0ken", "mq-login", "key-pa55")
NAMES = ("zoe-miller", "Zo\u00eb's left weight", "Grandma Ilse", "ilse")
HOSTS = ("gym-broker.example.org", "fallback.example.net", "certified.example.com", "10.20.30.40", "2001:db8::77")
CONFIGURATION = """# Zo\u00eb's left weight, 555-0199, zoe-miller
node = "gym"
[radio]
adapters = ["{other}"]
[mqtt]
broker = "mqtts://urluser:urlpass@gym-broker.example.org:8884"
fallbacks = ["wss://fallback.example.net/mqtt?queryt0ken", "mqtt://10.20.30.40", "mqtt://[2001:db8::77]"]
username = "mq-login"
password_file = "{folder}/password"
key_file = "{folder}/client.key"
cert_file = "{folder}/client.pem"
key_password_file = "{folder}/key-password"
server_name = "certified.example.com"
[[devices]]
slug = "left"
address = "{mac}"
athlete = "zoe-miller"
name = "Zo\u00eb's left weight"
[[devices]]
slug = "right"
address = "{mac2}"
athlete = "ilse"
"""


class Planted(NamedTuple):
    """Where everything private was put."""

    config: Path
    text: str
    key: list[str]


def forms(address: str) -> list[str]:
    """Return the ways in which an address may be written."""
    octets = re.findall("..", re.sub("[:-]", "", address))
    found = []
    for order in (octets, octets[::-1]):
        numbers = [int(one, 16) for one in order]
        parted = [mark.join(order) for mark in (":", "-", "", "_", " ", ", ")]
        hexed = [mark.join(f"0x{one}" for one in order) for mark in (", ", " ", ",")]
        found += [*parted, *hexed, ", ".join(map(str, numbers)), str(numbers), str(bytes(numbers))]
        found += ["".join(f"\\x{one}" for one in order), f"10ff{''.join(order)}00"]
    return [each for one in found for each in (one.lower(), one.upper().replace("\\X", "\\x").replace("0X", "0x"))]


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planted:
    """Put secrets, names and addresses into the configuration, the files it names, the journal and the state."""
    (tmp_path / "password").write_text("Pa55-w\u00f6rd\n", encoding="utf-8")
    (tmp_path / "key-password").write_text("key-pa55\n")
    signed = Authority(tmp_path).sign("client", password="key-pa55")  # noqa: S106 - planted
    key = [line for line in Path(signed.key_file).read_text().splitlines() if not line.startswith("-----")]
    text = CONFIGURATION.format(folder=tmp_path, mac=MAC, mac2=MAC[:-2] + "5C", other=OTHER)
    patient = configured(tmp_path, text)
    (tmp_path / "state").mkdir()
    label = {"devices": {"left": {"label": {"now": "Grandma Ilse", "was": None}}}}
    (tmp_path / "state" / "changes.json").write_text(json.dumps(label))
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / "gym-zoe-miller.mcap").write_bytes(b"what was heard")
    said = [*SECRETS, *key, *NAMES, *HOSTS, *forms(MAC), *forms(OTHER), socket.gethostname(), "/" + "home/zoe/ankled"]
    said += [json.dumps(one) for one in (*SECRETS, *NAMES)]
    said += ["mqtt://nobody:hidden@elsewhere", "password=hidden", '{"token": "hidden"}', "fe80::c01f:22ff:fe3a:445b"]
    said += [one.upper() for one in (*NAMES, *HOSTS)]
    (tmp_path / "journal").write_text(
        "".join(f"2026-11-22T21:00:00 ankled[7]: {one}\n" for one in said), encoding="utf-8"
    )
    program = tmp_path / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec cat {tmp_path / 'journal'}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("ANKLED_MQTT_KEY_PASSWORD", "key-pa55")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")
    assert patient.path is not None
    assert not patient.problems
    return Planted(patient.path, text, key)


def unpacked(path: Path) -> dict[str, bytes]:
    """Return the files of a bundle."""
    with tarfile.open(path) as archive:
        return {one.name.partition("/")[2]: (archive.extractfile(one) or io.BytesIO()).read() for one in archive}


def private_in(data: bytes, key: list[str], *, hosts: bool = True) -> list[str]:
    """Return what stands in bytes that must not be there: whatever the case, in all ways of writing."""
    text = data.decode().lower()
    words = [*SECRETS, *key, *NAMES, "hidden", "555-0199", "/" + "home/zoe", "fe80::c0"]
    words += [json.dumps(one)[1:-1] for one in words]
    if hosts:
        words += [*HOSTS, socket.gethostname()]
    found = [one for one in words if re.search(rf"(?<![a-z0-9]){re.escape(one.lower())}", text)]
    return found + [one for one in (*forms(MAC), *forms(OTHER)) if one.lower() in text]


def test_nothing_private_is_in_it(planted: Planted, shell: Shell, tmp_path: Path) -> None:
    """Search the raw bytes of every file; what explains the trouble is there all the same."""
    path = tmp_path / "report.tar.gz"
    done = shell("doctor", "--config", planted.config, "--bundle", path)
    assert done.code == 1, done.err
    files = unpacked(path)
    assert {name: found for name, data in files.items() if (found := private_in(data, planted.key))} == {}
    assert set(files) == {
        "README.txt", "doctor.jsonl", "versions.json", "configuration.json", "captures.json", "journal.log",
    }  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o600
    assert "report.tar.gz holds:" in done.err
    assert "Look through it before you pass it on" in done.err
    assert all(name in done.err for name in files)
    (source,) = json.loads(files["configuration.json"])
    config = source["data"]
    assert [one["address"] for one in config["devices"]] == ["device-1", "device-2"]
    assert [one["athlete"] for one in config["devices"]] == ["athlete-1", "athlete-2"]
    assert config["node"] == "gym"
    assert re.fullmatch(r"host-\d", config["mqtt"]["server_name"])
    assert config["mqtt"]["username"] == "***"
    assert json.loads(files["captures.json"])[0]["bytes"] == 14
    assert files["journal.log"].count(b"2026-11-22T21:00:00 ankled[7]: ") == (tmp_path / "journal").read_text().count(
        "\n"
    )
    assert all(json.loads(line)["verdict"] for line in files["doctor.jsonl"].splitlines())


def test_hosts_may_stay(planted: Planted, shell: Shell, tmp_path: Path) -> None:
    """With --keep-hosts those of brokers are there, and nothing else."""
    shell("doctor", "--config", planted.config, "--bundle", tmp_path / "report.tar.gz", "--keep-hosts")
    files = unpacked(tmp_path / "report.tar.gz")
    assert b"gym-broker.example.org" in files["configuration.json"]
    assert {name: found for name, data in files.items() if (found := private_in(data, planted.key, hosts=False))} == {}


def test_without_a_configuration_nothing_unknown_goes_out(planted: Planted, shell: Shell, tmp_path: Path) -> None:
    """What cannot be searched for stays out: a file that is no TOML says nothing of what is private."""
    planted.config.write_text(f"node = \n{planted.text}", encoding="utf-8")
    shell("doctor", "--config", planted.config, "--bundle", tmp_path / "report.tar.gz")
    files = unpacked(tmp_path / "report.tar.gz")
    assert files["journal.log"].startswith(b"left out")
    assert {name: found for name, data in files.items() if (found := private_in(data, planted.key))} == {}


def test_drop_ins_and_variables_count(
    planted: Planted, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in another file of the configuration, or in the environment, is known to be private too."""
    folder = tmp_path / "ankled.toml.d"
    folder.mkdir()
    (folder / "10.toml").write_text('[mqtt]\nbroker = "mqtt://dropped:in@dropped.example.org"\n')
    monkeypatch.setenv("ANKLED_MQTT__SERVER_NAME", "varied.example.org")
    with (tmp_path / "journal").open("a") as journal:
        journal.write("dropped said to dropped.example.org and varied.example.org\n")
    shell("doctor", "--config", planted.config, "--bundle", tmp_path / "report.tar.gz")
    text = b"".join(unpacked(tmp_path / "report.tar.gz").values())
    assert b"*** said to host-" in text
    assert not re.search(b"dropped|varied|example", text)


async def test_what_the_broker_keeps(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The daemon's own words are in it, less what is private in them."""
    text = f'node = "gym"\n[mqtt]\nbroker = "mqtt://{HOST}:{mosquitto.address.port}"\n'
    text += f'[[devices]]\nslug = "left"\naddress = "{MAC}"\nathlete = "kim"\n'
    patient = configured(tmp_path, text)
    async with aiomqtt.Client(HOST, mosquitto.address.port) as daemon:
        for name in ("info", "health"):
            word = json.dumps({"schema": name, "problems": [f"kim's {MAC.lower()} is silent"]})
            await daemon.publish(f"ankled/gym/bridge/{name}", word, qos=1, retain=True)
    findings = await examined(patient, "broker")
    files = bundle.contents(patient, findings, keep_hosts=False)
    for name in ("info", "health"):
        assert json.loads(files[f"bridge-{name}.json"])["problems"] == ["athlete-1's device-1 is silent"]


async def test_the_last_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should anything have been overlooked, there is no bundle, and the sentence does not tell it either."""
    patient = configured(tmp_path, f'[[devices]]\nslug = "left"\naddress = "{MAC}"\nathlete = "kim"\n')
    monkeypatch.setattr(Scrubber, "scrub", lambda _self, text: text)
    with pytest.raises(AnkledError, match="no bundle was written") as refused:
        bundle.contents(patient, [note("x", f"{MAC} of kim")], keep_hosts=False)
    assert "kim" not in str(refused.value)
    assert MAC not in str(refused.value)


@given(st.binary(min_size=6, max_size=6), st.text(max_size=20), st.data())
def test_any_address_in_any_form(octets: bytes, around: str, data: st.DataObject) -> None:
    """An address that is known is found however it is written; one stands for itself all over."""
    address = octets.hex(":")
    form = data.draw(st.sampled_from(forms(address)))
    scrubber = Scrubber(Private(words={}, addresses=(address,)))
    done = scrubber.scrub(f"{around} {form} {around}").lower()
    assert form.lower() not in done or form.lower() in around.lower()
    assert not scrubber.leaks(f" {scrubber.scrub(form)} ".encode())


@given(st.text(min_size=1, max_size=30).filter(lambda text: text.strip() == text), st.text(max_size=20))
def test_any_secret(secret: str, around: str) -> None:
    """A secret of any characters is not left, plain or as JSON writes it; the last look agrees."""
    scrubber = Scrubber(Private(words={secret: "***"}, addresses=()))
    for form in (secret, json.dumps(secret)[1:-1], json.dumps({"x": secret}, ensure_ascii=False)):
        assert not scrubber.leaks(scrubber.scrub(f"{around} {form} {around}").encode(errors="replace"))
