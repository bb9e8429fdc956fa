"""What was heard of late: one entry a device and adapter, put together from advertisements and scan responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.drivers.driver import Advertisement
    from ankled.drivers.link import Handle

_MOST: Final = 1000
_JOINED_S: Final = 30.0
"""A name or a service that a device said once is believed for so long, though not every packet says it."""


class Heard(NamedTuple):
    """A device as one adapter last heard it."""

    adapter: str
    advertisement: Advertisement
    handle: Handle
    time_s: float


class Near:
    """Bounded: in a busy place phones change their addresses all day long. All times are of one clock, in s."""

    def __init__(self, forget_s: float) -> None:
        self._forget_s = forget_s
        self._heard: dict[tuple[str, str], Heard] = {}

    def __iter__(self) -> Iterator[Heard]:
        """Yield what was heard, in the order in which it was last heard."""
        return iter(self._heard.values())

    def hear(self, adapter: str, seen: Advertisement, handle: Handle, now_s: float) -> Heard:
        """Keep an advertisement and return it, completed by what the device said before."""
        key = (adapter, seen.address)
        before = self._heard.pop(key, None)
        if before is not None and now_s - before.time_s < _JOINED_S:
            seen = _joined(before.advertisement, seen)
        heard = self._heard[key] = Heard(adapter, seen, handle, now_s)
        if len(self._heard) > _MOST:
            del self._heard[next(iter(self._heard))]
        return heard

    def forget(self, now_s: float) -> None:
        """Drop what was not heard for long."""
        while self._heard and now_s - next(iter(self._heard.values())).time_s > self._forget_s:
            del self._heard[next(iter(self._heard))]


def _joined(before: Advertisement, now: Advertisement) -> Advertisement:
    complete = (
        (now.name is not None or before.name is None)
        and (now.services == before.services or not before.services)
        and (now.manufacturer == before.manufacturer or not before.manufacturer)
        and (now.rssi_dbm is not None or before.rssi_dbm is None)
    )
    if complete:
        return now
    return msgspec.structs.replace(
        now,
        name=before.name if now.name is None else now.name,
        services=tuple(dict.fromkeys((*before.services, *now.services))),
        manufacturer={**before.manufacturer, **now.manufacturer},
        rssi_dbm=before.rssi_dbm if now.rssi_dbm is None else now.rssi_dbm,
    )
