"""When the list of devices is news, and how much of it goes into a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from ankled.daemon.live.status import Nearby
    from ankled.daemon.requests.forms import Devices

MOST_NEARBY: Final = 64
"""Devices told of on the topic at most: first those that a driver knows, then the loudest."""
_LEAST_NS: Final = 5_000_000_000
_STALE_NS: Final = 60_000_000_000
_STEP_DB: Final = 10
"""Signal strength trembles; a change by so much is news."""
_SILENT_DBM: Final = -200


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
