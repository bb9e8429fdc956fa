"""What requests have changed, kept in a small file, so that it holds after a restart too.

A change holds until the configuration file says something else about that very key than it did when the change was
made: then the file, which is the later word, wins and the change is dropped. So beside each new value stands the one of
the file that it replaced. Athletes stand here by their pseudonyms.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

import msgspec
import structlog

from ankled.daemon.capture.file import sync_folder
from ankled.daemon.loglines.parts import Level, Part
from ankled.daemon.records import Side
from ankled.daemon.settings import Slug

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "changes.json"

T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)


class Change(msgspec.Struct, Generic[T], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new value, and what the configuration said when it was given."""

    now: T
    was: T


class PartChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same of the log level of one part, of which the configuration may say nothing."""

    now: Level
    was: Level | None


class DeviceChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was changed of one device. `address` is set for one that is not in the configuration: it was adopted."""

    address: str | None = None
    driver: str | None = None
    paused: bool = False
    label: Change[str | None] | None = None
    mass_kg: Change[float | None] | None = None
    side: Change[Side] | None = None
    athlete: Change[str | None] | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The whole file. `removed` are devices that were let go for good, by their slugs: their addresses."""

    version: Literal[1] = 1
    devices: dict[Slug, DeviceChanges] = {}
    removed: dict[Slug, str] = {}
    log_level: Change[Level] | None = None
    log_levels: dict[Part, PartChange] = {}
    recording: Change[bool] | None = None

    def device(self, slug: str) -> DeviceChanges:
        """Return what was changed of a device."""
        return self.devices.get(slug, DeviceChanges())

    def with_device(self, slug: str, changed: DeviceChanges | None) -> Changes:
        """Return the changes with others of one device, or none."""
        devices = {**self.devices}
        devices.pop(slug, None)
        if changed is not None and changed != DeviceChanges():
            devices[slug] = changed
        return msgspec.structs.replace(self, devices=devices)


class ChangesFile:
    """Reads the file once, and writes it anew with every change, whole or not at all."""

    def __init__(self, path: Path | None) -> None:
        """Prepare; without a `path` nothing is kept."""
        self._path = path

    def read(self) -> Changes:
        """Return what was stored. A file that cannot be used is put aside, which a warning says: nothing is changed."""
        if self._path is None:
            return Changes()
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Changes)
        except FileNotFoundError:
            return Changes()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            aside = _aside(self._path)
            log.warning("stored changes are not used", file=str(self._path), reason=str(error), aside=str(aside))
            return Changes()

    async def keep(self, changes: Changes) -> None:
        """Put the changes on the disk, in a thread: samples do not wait for it. Raises OSError."""
        if self._path is not None:
            await asyncio.to_thread(self.write, changes)

    def write(self, changes: Changes) -> None:
        """Put the changes on the disk. Raises OSError."""
        if self._path is None:
            return
        data = msgspec.json.format(msgspec.json.encode(changes, order="sorted"))
        part = self._path.with_suffix(".tmp")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        sync_folder(self._path.parent)


def _aside(path: Path) -> Path | None:
    """Rename a file to a name that is free; None where that cannot be done."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        path.rename(aside)
    except OSError:
        return None
    return aside
