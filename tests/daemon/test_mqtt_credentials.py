"""Where user names and passwords come from, which of several counts, and what is said of files that are too open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ankled.daemon.config import Config
from ankled.daemon.errors import ConfigError
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.credentials import Credentials, credentials, too_open

if TYPE_CHECKING:
    from tests.daemon.commands import Shell


def line(path: Path, text: str) -> str:
    """Write a file with one line, for its owner alone, and return its path."""
    path.write_text(f"{text}\n", encoding="utf-8")
    path.chmod(0o600)
    return str(path)


def test_each_source_counts_before_the_next(tmp_path: Path) -> None:
    """Environment, then systemd, then the configuration, then the URL; each of the three on its own."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    line(folder / "mqtt-username", "of systemd")
    line(folder / "mqtt-password", "of systemd")
    line(folder / "mqtt-key-password", "of systemd")
    given = ("of file", line(tmp_path / "p", "of file"), line(tmp_path / "k", "of file"))
    names = ("USERNAME", "PASSWORD", "KEY_PASSWORD")
    environment = {f"ANKLED_MQTT_{name}": "of environment" for name in names}
    systemd = {"CREDENTIALS_DIRECTORY": str(folder)}

    def all_of(text: str) -> Credentials:
        return Credentials(username=text, password=text, key_password=text)

    assert credentials(*given, environ=environment | systemd) == all_of("of environment")
    assert credentials(*given, environ=systemd) == all_of("of systemd")
    assert credentials(*given, environ={"ANKLED_MQTT_PASSWORD": ""}) == all_of("of file")  # empty is not given
    assert credentials(environ={}) == Credentials()
    (folder / "mqtt-username").unlink()
    found = credentials(environ=systemd | {"ANKLED_MQTT_PASSWORD": "x"})
    address = BrokerAddress.parse("mqtt://kim:of-url@host").known_as(found)
    assert (address.username, address.password, found.key_password) == ("kim", "x", "of systemd")


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    """One sentence each, with the key or the credential, and nothing of what is in it."""
    (tmp_path / "mqtt-password").write_bytes(b"\xff secret")
    with pytest.raises(ConfigError, match=r"^the credential mqtt-password is not UTF-8 text$"):
        credentials(environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    with pytest.raises(ConfigError, match=r'^mqtt\.key_password_file is ".*/none", which cannot be read: No such file'):
        credentials(None, None, str(tmp_path / "none"), environ={})


@pytest.mark.parametrize(
    ("mode", "told"),
    [(0o600, None), (0o640, None), (0o644, "chmod o-rwx"), (0o606, "chmod o-rwx"), (0o660, "chmod g-w")],
)
def test_secrets_that_others_can_read(tmp_path: Path, mode: int, told: str | None) -> None:
    """A file that everybody may read is warned of; the group of a service may read, and only its owner change."""
    path = Path(line(tmp_path / "p", "secret"))
    path.chmod(mode)
    sentences = list(too_open("mqtt.password_file", str(path)))
    assert [told in sentence for sentence in sentences if told] == ([True] if told else [])
    assert bool(sentences) == (told is not None)


def test_check_config_warns(tmp_path: Path, shell: Shell) -> None:
    """A valid file with an open secret, and a password over an open network, is valid with two warnings."""
    path = Path(line(tmp_path / "p", "the secret"))
    path.chmod(0o644)
    (tmp_path / "c.toml").write_text(
        f'[mqtt]\nbroker = "mqtt://broker.example.org"\nusername = "kim"\npassword_file = "{path}"\n'
    )
    done = shell("check-config", tmp_path / "c.toml")
    assert (done.code, done.err.count("warning: ")) == (0, 2)
    assert "mqtt://broker.example.org:1883 readable for everybody in between; use mqtts:// or wss://" in done.err
    assert "the secret" not in done.err


def test_a_configuration_shows_no_password() -> None:
    """Neither as text, for rich or in its digest, of any of its URLs."""
    mqtt = replace(Config().mqtt, broker="mqtt://kim:hidden1@a", fallbacks=("wss://kim:hidden2@b/x?token=hidden3",))
    config = Config(mqtt=mqtt)
    assert "hidden" not in f"{config!r} {config} {mqtt!r} {mqtt.__rich_repr__()} {mqtt.addresses()!r}"
    other = replace(mqtt, broker="mqtt://kim:other@a", fallbacks=("wss://kim:other@b/x?token=other",))
    assert Config(mqtt=other).digest() == config.digest()


@pytest.mark.parametrize(
    "text",
    [
        'broker = "mqtt://kim:hidden@host\\u0007"',
        'broker = "mqtt:/kim:hidden@host"',
        'broker = "mqtt://kim:hidden@ho st"',
        'fallbacks = ["kim:hidden@host"]',
        'fallbacks = ["wss://h/ö?hidden"]',
        'password = "hidden"',
        'pasword_file = "hidden"',
    ],
)
def test_no_mistake_in_the_file_shows_a_password(tmp_path: Path, shell: Shell, text: str) -> None:
    """What is wrong with a URL is told without the password in it."""
    (tmp_path / "c.toml").write_text(f"[mqtt]\n{text}\n", encoding="utf-8")
    done = shell("check-config", tmp_path / "c.toml")
    assert done.code == 3
    assert "mqtt." in done.err
    assert "hidden" not in done.err


def test_an_embedded_broker_has_no_fallback(tmp_path: Path, shell: Shell) -> None:
    """It runs in this process: that it fails while the daemon does not is not foreseen."""
    (tmp_path / "c.toml").write_text('[mqtt]\nbroker = "embedded"\nfallbacks = ["mqtt://host"]\n')
    assert (
        "mqtt.fallbacks cannot go together with the embedded broker" in shell("check-config", tmp_path / "c.toml").err
    )
