"""What a bundle must not tell, gathered from the configuration and everything that it refers to."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.doctor.patient import user
from ankled.daemon.errors import AnkledError
from ankled.daemon.live.changes import NAME
from ankled.daemon.mqtt.broker_url import BrokerAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.doctor.patient import Patient

HIDDEN: Final = "***"
_SECRET_FILES: Final = ("password_file", "key_password_file", "key_file", "cert_file")
_ENVIRONMENT: Final = ("ANKLED_MQTT_USERNAME", "ANKLED_MQTT_PASSWORD", "ANKLED_MQTT_KEY_PASSWORD")
_MOST_BYTES: Final = 64 * 1024
_OPEN: Final = {"localhost", "127.0.0.1", "::1", "", "embedded"}
_NOBODY: Final = {"root", "ankled", "nobody"}
"""Names of users that tell nothing: the program's own among them, which stands everywhere."""


class Private(msgspec.Struct, frozen=True, kw_only=True):
    """Words to replace, each with its stand-in, and addresses of Bluetooth devices in the order of their stand-ins."""

    words: dict[str, str]
    addresses: tuple[str, ...]


def private(patient: Patient, *, keep_hosts: bool) -> Private:
    """Return what is to be replaced."""
    data = [layer.data for layer in patient.layers()]
    changed = _changed(patient)
    words: dict[str, str] = dict.fromkeys(set(_secrets(patient, data)) - _NOBODY, HIDDEN)
    for index, name in enumerate(_each(_named("athlete", data, changed)), 1):
        words.setdefault(name, f"athlete-{index}")
    for index, name in enumerate(_each(_named("name", data, changed) + _named("label", data, changed)), 1):
        words.setdefault(name, f"label-{index}")
    if not keep_hosts:
        for index, name in enumerate(_each(_hosts(patient, data)), 1):
            words.setdefault(name, f"host-{index}")
    if (machine := socket.gethostname()) not in _OPEN:
        words.setdefault(machine, "this-machine")
    if user() not in _NOBODY:
        words.setdefault(user(), "this-user")
    addresses = _each(_named("address", data, changed) + _named("addresses", data, changed) + _adapters(data))
    return Private(words={word: to for word, to in words.items() if word}, addresses=tuple(addresses))


def _each(found: list[str]) -> list[str]:
    return list(dict.fromkeys(one for one in found if one))


def _changed(patient: Patient) -> object:
    """Return what requests have changed, as far as it can be read."""
    path = Path(patient.config.state.folder) / NAME
    try:
        return msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}


def _named(key: str, *trees: object) -> list[str]:
    """Return every text that stands at, or below, a key, wherever that is."""
    return [text for tree in trees for text in _at(key, tree)]


def _at(key: str, tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        for name, below in tree.items():
            yield from _texts(below) if name == key else _at(key, below)
    elif isinstance(tree, list):
        for below in tree:
            yield from _at(key, below)


def _texts(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for below in tree.values():
            yield from _texts(below)
    elif isinstance(tree, list):
        for below in tree:
            yield from _texts(below)


def _adapters(data: object) -> list[str]:
    return [text for text in _named("adapters", data) if ":" in text]


def _urls(patient: Patient, data: object) -> list[str]:
    given = [] if patient.broker is None else [patient.broker]
    return [*given, *_named("broker", data), *_named("fallbacks", data)]


def _secrets(patient: Patient, data: object) -> Iterator[str]:
    """Yield user names, passwords, keys, and what stands in front of the host, or behind the path, of a URL."""
    yield from _named("username", data)
    yield from _named("password", data)
    for name in _ENVIRONMENT:
        yield os.environ.get(name, "")
    if folder := os.environ.get("CREDENTIALS_DIRECTORY"):
        for path in Path(folder).glob("mqtt-*"):
            yield from _lines(path)
    for name in _SECRET_FILES:
        for each in _named(name, data):
            yield from _lines(Path(each))
    for text in _urls(patient, data):
        place = text.partition("://")[2]
        user_part = place.rpartition("@")[0]
        yield from (user_part, *user_part.split(":", 1))
        yield place.partition("?")[2]
        try:
            address = BrokerAddress.parse(text)
        except AnkledError:
            continue
        yield from (address.username or "", address.password or "", address.query)


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file with a secret: of a key, all but the words at its beginning and end."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode(errors="replace")
    except OSError:
        return
    yield from (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("-----"))


def _hosts(patient: Patient, data: object) -> list[str]:
    found = _named("server_name", data)
    for text in _urls(patient, data):
        place = text.partition("://")[2].rpartition("@")[2].partition("/")[0].partition("?")[0]
        host = place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]
        found.append(host)
    return [host for host in found if host.lower() not in _OPEN]
