"""Axes of legs that earlier sessions have found, kept in a small file, so that a session need not begin without.

What is kept enters a session as part of its settings, and so is captured with it: a replay needs no file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import structlog

from ankled.daemon.config.rules import mount_rules
from ankled.daemon.settings import DeviceSettings, Mount, Slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ankled.daemon.records import Event

NAME: Final = "axes.json"
_LEFT: Final = ("left_x", "left_y", "left_z")
_UP: Final = ("up_x", "up_y", "up_z")

log = structlog.stdlib.get_logger(__name__)


class Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The axes of one device. `sensor` is the address or name it was configured by, `session` found the axes."""

    sensor: str
    session: str
    mount: Mount


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file, by slug."""

    version: Literal[1] = 1
    devices: dict[Slug, Kept] = {}


class StoredAxes:
    """Takes the axes that sessions find, gives them to later ones, and writes the file when told to."""

    def __init__(self, path: Path, sensors: Mapping[str, str]) -> None:
        """Read the file, if there is one; what cannot be used is told by a warning and left out.

        `sensors` are the addresses or names of the devices, by slug; one that is adopted is known by its slug.
        """
        self._path = path
        self._sensors = dict(sensors)
        self._kept: dict[str, Kept] = {}
        self._changed = False
        try:
            read = msgspec.json.decode(path.read_bytes(), type=_File).devices
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("stored axes cannot be used", file=str(path), reason=str(error))
            return
        for slug, kept in read.items():
            for wrong in mount_rules(slug, kept.mount):
                log.warning("stored axes cannot be used", file=str(path), reason=f"{wrong.key} {wrong.message}")
                break
            else:
                self._kept[slug] = kept

    def applied(self, devices: Iterable[DeviceSettings]) -> tuple[DeviceSettings, ...]:
        """Return the settings with what is known of their axes now."""
        return tuple(self._of(device) for device in devices)

    def note(self, event: Event) -> None:
        """Take the axes that an event tells, if it does."""
        if event.event not in {"axis_settled", "slip"}:
            return
        left, up = ([event.detail.get(name) for name in names] for names in (_LEFT, _UP))
        mount = msgspec.convert({"left": left, "up": up}, Mount)
        self._kept[event.device] = Kept(sensor=self._sensor(event.device), session=event.session, mount=mount)
        self._changed = True

    def knows(self, slug: str) -> bool:
        """Tell whether there are axes of a device."""
        return slug in self._kept

    def forget(self, slug: str) -> None:
        """Forget the axes of a device."""
        if self._kept.pop(slug, None) is not None:
            self._changed = True

    def want(self, sensors: Mapping[str, str]) -> None:
        """Take the addresses or names of the devices as they are from now on."""
        self._sensors = dict(sensors)

    def save(self) -> None:
        """Write the file anew, whole or not at all, if something has changed. Trouble is a warning."""
        if not self._changed:
            return
        self._changed = False
        data = msgspec.json.format(msgspec.json.encode(_File(devices=dict(self._kept)), order="sorted"))
        temporary = self._path.with_suffix(".tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(data + b"\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            log.warning("axes cannot be stored", file=str(self._path), reason=error.strerror)

    def _sensor(self, slug: str) -> str:
        return self._sensors.get(slug, slug)

    def _of(self, device: DeviceSettings) -> DeviceSettings:
        kept = self._kept.get(device.slug)
        usable = kept is not None and kept.sensor == self._sensor(device.slug) and device.mount is None
        return msgspec.structs.replace(device, stored_axes=kept.mount if kept is not None and usable else None)
