"""The content of `bridge/devices`: who is wanted and how they stand, and who was heard near by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ankled.daemon.errors import UsageError
from ankled.daemon.requests.forms import Devices, Listed
from ankled.daemon.settings import DeviceSettings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from ankled.daemon.live.status import DeviceStatus, Nearby
    from ankled.daemon.pipeline import Core

    Origin: TypeAlias = Literal["configured", "requested", "adopted"]

MOST_NEARBY: Final = 64
"""Devices told of on the topic at most: first those that a driver knows, then the loudest."""
_LEAST_NS: Final = 5_000_000_000
_STALE_NS: Final = 60_000_000_000
_STEP_DB: Final = 10
"""Signal strength trembles; a change by so much is news."""
_SILENT_DBM: Final = -200


class Book(msgspec.Struct, kw_only=True):
    """What nobody but the configuration, and requests, can tell of the devices; others may replace its contents."""

    labels: dict[str, str | None] = {}
    requested: set[str] = msgspec.field(default_factory=set)
    paused: set[str] = msgspec.field(default_factory=set)


def listing(devices: Iterable[DeviceStatus], nearby: Iterable[Nearby], core: Core, book: Book) -> Devices:
    """Return everybody."""
    return Devices(devices=tuple(_listed(one, core, book) for one in devices), nearby=tuple(nearby))


def bounded(devices: Devices) -> Devices:
    """Return them without those near that are too many for a message."""
    if len(devices.nearby) <= MOST_NEARBY:
        return devices
    told = sorted(devices.nearby, key=lambda one: (not one.drivers, -_loudness(one)))[:MOST_NEARBY]
    return msgspec.structs.replace(devices, nearby=tuple(sorted(told, key=lambda one: one.address)))


class Notices:
    """Tells when a list is news: not more often than every five seconds, and not for a signal that trembles."""

    def __init__(self) -> None:
        self._told: Devices | None = None
        self._told_ns = 0

    def news(self, devices: Devices, now_ns: int) -> bool:
        """Tell whether this list is worth a message, which is then taken to be sent."""
        told, age_ns = self._told, now_ns - self._told_ns
        if told is not None:
            if age_ns < _LEAST_NS or devices == told:
                return False
            if age_ns < _STALE_NS and not _differ(told, devices):
                return False
        self._told, self._told_ns = devices, now_ns
        return True


def _listed(status: DeviceStatus, core: Core, book: Book) -> Listed:
    slug = status.slug
    try:
        device = core.device_settings(slug)
    except UsageError:  # about to be adopted
        device = DeviceSettings(slug=slug)
    origin: Origin = "adopted" if status.adopted else "requested" if slug in book.requested else "configured"
    return Listed(
        slug=slug,
        label=book.labels.get(slug),
        origin=origin,
        paused=slug in book.paused,
        address=status.address,
        name=status.name,
        driver=status.driver,
        side=device.side,
        athlete=device.athlete,
        mass_kg=device.mass_kg,
        mass_source=device.mass_source,
        link=status.state,
    )


def _differ(told: Devices, now: Devices) -> bool:
    """Tell whether two lists say different things, or signals of a different strength."""
    if told.devices != now.devices or len(told.nearby) != len(now.nearby):
        return True
    return any(
        _said(before) != _said(after) or abs(_loudness(before) - _loudness(after)) >= _STEP_DB
        for before, after in zip(told.nearby, now.nearby, strict=True)
    )


def _said(near: Nearby) -> tuple[object, ...]:
    return near.address, near.name, near.services, near.slug, near.drivers, near.adapter


def _loudness(near: Nearby) -> int:
    return _SILENT_DBM if near.rssi_dbm is None else near.rssi_dbm
