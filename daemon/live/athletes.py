"""Pseudonyms of athletes: what stands for a person in topics, results and recordings, made with a key that stays here.

The same slug gives the same pseudonym for as long as the installation keeps its key; without the key nobody can tell
whose it is, nor try out names. A pseudonym is its own pseudonym, so requests may name an athlete either way.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from ankled.daemon.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.config import Config

NAME: Final = "athletes.key"
_KEY_BYTES: Final = 32
_DIGITS: Final = 8
_PSEUDONYM: Final = re.compile(rf"athlete-[0-9a-f]{{{_DIGITS}}}")

log = structlog.stdlib.get_logger(__name__)


class Athletes:
    """Gives pseudonyms. The key is read, or made, when the first one is asked for."""

    def __init__(self, path: Path | None, *, pseudonyms: bool = True) -> None:
        """Prepare; without a `path` the key lasts as long as this object. `pseudonyms` False leaves slugs alone."""
        self._path = path
        self._pseudonyms = pseudonyms
        self._key: bytes | None = None

    def public(self, slug: str) -> str:
        """Return what stands for an athlete outside. Raises ConfigError for a key that cannot be read or kept."""
        if not self._pseudonyms or _PSEUDONYM.fullmatch(slug):
            return slug
        if self._key is None:
            self._key = secrets.token_bytes(_KEY_BYTES) if self._path is None else _kept(self._path)
        return _pseudonym(self._key, slug)

    def known(self, slug: str) -> str:
        """Return what `public` gives where there is a key; makes none: without one nobody has a pseudonym yet."""
        if self._key is None and (self._path is None or not self._path.exists()):
            return slug
        return self.public(slug)

    def hide(self, config: Config) -> Config:
        """Return the configuration with every athlete under what stands for it outside."""
        devices = tuple(
            device if device.athlete is None else msgspec.structs.replace(device, athlete=self.public(device.athlete))
            for device in config.devices
        )
        return msgspec.structs.replace(config, devices=devices)


def known_as(slug: str, path: Path) -> tuple[str, ...]:
    """Return everything that an athlete may go by in what is stored: as given, and by pseudonym where there is a key.

    Makes no key. Raises ConfigError for one that cannot be read.
    """
    if _PSEUDONYM.fullmatch(slug) or not path.exists():
        return (slug,)
    return (slug, _pseudonym(_read(path), slug))


def _pseudonym(key: bytes, slug: str) -> str:
    return f"athlete-{hmac.new(key, slug.encode(), hashlib.sha256).hexdigest()[:_DIGITS]}"


def _kept(path: Path) -> bytes:
    """Return the key of this installation, made now if there is none. Of two who make it at once both get the same."""
    if path.exists():
        return _read(path)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(f"{secrets.token_hex(_KEY_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)  # never over one that is there: it would rename everybody
        except FileExistsError:
            pass
        finally:
            part.unlink()
    except OSError as error:
        message = (
            f"{path}, the key of the athletes' pseudonyms, cannot be kept: {error.strerror}; "
            "make state.folder writable, or say athletes.pseudonyms = false"
        )
        raise ConfigError(message) from error
    log.info("key of the athletes' pseudonyms made", file=str(path))
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except OSError as error:
        message = f"{path}, the key of the athletes' pseudonyms, cannot be read: {error.strerror}"
        raise ConfigError(message) from error
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        message = (
            f"{path} is no key of athletes' pseudonyms, which is {2 * _KEY_BYTES} hexadecimal digits; "
            "restore it, or remove it and all athletes get new pseudonyms"
        )
        raise ConfigError(message)
    return key
