"""When and by whom one device was heard, and which of that can be acted upon."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ankled.daemon.live.adapter import Adapter
    from ankled.daemon.live.matching import Claim
    from ankled.daemon.live.near import Heard
    from ankled.drivers.driver import Advertisement

_UNKNOWN_DBM = -999


class Sighting(NamedTuple):
    """The device was heard, by an adapter that can be asked to connect."""

    adapter: Adapter
    heard: Heard
    claim: Claim

    @property
    def seen(self) -> Advertisement:
        """What it said."""
        return self.heard.advertisement


class Sightings:
    """The last sighting by each adapter. All times are of one clock, in s.

    A connection is tried only after a sighting that is fresh, younger than the last attempt, and made since the adapter
    works: connecting to a device that is not there costs everybody else the time.
    """

    def __init__(self, fresh_s: float) -> None:
        self.latest: Sighting | None = None
        self._fresh_s = fresh_s
        self._by_adapter: dict[str, Sighting] = {}

    def other(self, sighting: Sighting, held_s: float) -> str | None:
        """Return the address that is in use, if this is another device of the same name; `held_s`: until when."""
        if self.latest is None or self.latest.seen.address == sighting.seen.address:
            return None
        if sighting.heard.time_s - max(self.latest.heard.time_s, held_s) >= self._fresh_s:
            return None
        return self.latest.seen.address

    def add(self, sighting: Sighting) -> None:
        """Keep a sighting. One of another address replaces all before."""
        if self.latest is not None and self.latest.seen.address != sighting.seen.address:
            self._by_adapter.clear()
        self.latest = sighting
        self._by_adapter[sighting.adapter.name] = sighting

    def fit(self, now_s: float, tried_s: float) -> list[Sighting]:
        """Return those that can be acted upon, the loudest first, and forget the others."""
        for name, one in list(self._by_adapter.items()):
            up_s, time_s = one.adapter.up_since_s, one.heard.time_s
            if up_s is None or time_s < max(up_s, tried_s) or now_s - time_s > self._fresh_s:
                del self._by_adapter[name]
        return sorted(self._by_adapter.values(), key=_loudness, reverse=True)


def _loudness(sighting: Sighting) -> int:
    rssi_dbm = sighting.seen.rssi_dbm
    return _UNKNOWN_DBM if rssi_dbm is None else rssi_dbm
