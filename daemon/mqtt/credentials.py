"""Who we are to a broker, and where that is read from: no secret need stand in the configuration or on a command line.

User name, password and the password of the client's key each come from the first of these that has it:

1. the environment: ANKLED_MQTT_USERNAME, ANKLED_MQTT_PASSWORD, ANKLED_MQTT_KEY_PASSWORD;
2. systemd credentials: mqtt-username, mqtt-password and mqtt-key-password in the folder $CREDENTIALS_DIRECTORY;
3. the configuration: mqtt.username, and the files mqtt.password_file and mqtt.key_password_file;
4. the URL of the broker.

Who starts the process thus has the last word over what a file says.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ankled.daemon.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PREFIX = "ANKLED_MQTT_"
_FOLDER = "CREDENTIALS_DIRECTORY"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What was found outside of the URL."""

    username: str | None = None
    password: str | None = None
    key_password: str | None = None

    def __repr__(self) -> str:
        """Return what is no secret."""
        return f"Credentials(username={self.username!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return what is no secret."""
        return [("username", self.username)]


def credentials(
    username: str | None = None,
    password_file: str | None = None,
    key_password_file: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Credentials:
    """Return what environment, systemd and configuration give. Raises ConfigError for a file's fault."""
    return Credentials(
        username=_given("username", environ) or username,
        password=_given("password", environ) or _of_file("mqtt.password_file", password_file),
        key_password=_given("key-password", environ) or _of_file("mqtt.key_password_file", key_password_file),
    )


def too_open(key: str, path: str | None) -> Iterator[str]:
    """Yield a sentence where a file with a secret can be read by everybody, or changed by others than its owner."""
    try:
        mode = 0 if path is None else Path(path).stat().st_mode
    except OSError:
        return  # that it cannot be read is told by who reads it
    if mode & stat.S_IRWXO:
        yield f'{key} is "{path}", which every user of this machine may use; take that away with chmod o-rwx'
    elif mode & stat.S_IWGRP:
        yield f'{key} is "{path}", which its group may change; take that away with chmod g-w'


def _given(name: str, environ: Mapping[str, str]) -> str | None:
    """Return what the environment or systemd gives; what is empty is not given."""
    if found := environ.get(_PREFIX + name.upper().replace("-", "_")):
        return found
    if folder := environ.get(_FOLDER):
        path = Path(folder) / f"mqtt-{name}"
        if path.exists():
            return _line(f"the credential mqtt-{name}", path)
    return None


def _of_file(key: str, path: str | None) -> str | None:
    return None if path is None else _line(f'{key} is "{path}", which', Path(path))


def _line(what: str, path: Path) -> str:
    """Return the one line of a file; `what` begins the sentence if there is none."""
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        msg = f"{what} cannot be read: {error.strerror or error}"
        raise ConfigError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{what} is not UTF-8 text"
        raise ConfigError(msg) from error
    if not text:
        msg = f"{what} is empty; allowed is one line with the password"
        raise ConfigError(msg)
    return text
