"""Which sighting of a device can be acted upon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.live.matching import Claim
from ankled.daemon.live.near import Heard
from ankled.daemon.live.sightings import Sighting, Sightings
from ankled.drivers.driver import Advertisement
from ankled.drivers.link import Handle

if TYPE_CHECKING:
    from ankled.daemon.live.adapter import Adapter

A, B = "C0:00:00:00:00:0A", "C0:00:00:00:00:0B"


class Up:
    """An adapter, as far as a sighting cares."""

    def __init__(self, name: str, since_s: float | None = 0.0) -> None:
        self.name = name
        self.up_since_s = since_s


def sighting(time_s: float, adapter: Up, address: str = A, rssi_dbm: int | None = -60) -> Sighting:
    """Return a sighting."""
    seen = Advertisement(address=address, name="Tiny", rssi_dbm=rssi_dbm)
    real: Adapter = adapter  # type: ignore[assignment]  # what of it is used here
    return Sighting(real, Heard(adapter.name, seen, Handle(object()), time_s), Claim(slug="left", driver="tiny"))


def test_only_fresh_sightings_younger_than_the_last_try_count() -> None:
    """What is old, from before the last attempt, or from before the adapter failed, is forgotten."""
    good, failed, down = Up("good"), Up("failed", since_s=50.0), Up("down", since_s=None)
    sightings = Sightings(fresh_s=30.0)
    for adapter in (good, failed, down):
        sightings.add(sighting(40.0, adapter))
    assert [one.adapter.name for one in sightings.fit(60.0, tried_s=35.0)] == ["good"]
    assert sightings.fit(60.0, tried_s=45.0) == []
    sightings.add(sighting(40.0, good))
    assert sightings.fit(71.0, tried_s=0.0) == []


def test_the_loudest_comes_first() -> None:
    """An unknown signal is taken for the weakest."""
    sightings = Sightings(fresh_s=30.0)
    for name, rssi_dbm in (("weak", -90), ("strong", -40), ("unknown", None)):
        sightings.add(sighting(0.0, Up(name), rssi_dbm=rssi_dbm))
    assert [one.adapter.name for one in sightings.fit(0.0, 0.0)] == ["strong", "weak", "unknown"]


def test_another_device_of_the_same_name_takes_over_only_when_the_first_is_long_gone() -> None:
    """While one is in use, was seen or was connected to of late, another address is another device."""
    sightings, adapter = Sightings(fresh_s=30.0), Up("hci0")
    assert sightings.other(sighting(0.0, adapter), 0.0) is None
    sightings.add(sighting(0.0, adapter))
    assert sightings.other(sighting(10.0, adapter), 0.0) is None
    assert sightings.other(sighting(10.0, adapter, B), 0.0) == A
    assert sightings.other(sighting(40.0, adapter, B), 20.0) == A
    assert sightings.other(sighting(40.0, adapter, B), 0.0) is None
    sightings.add(sighting(40.0, adapter, B))
    assert [one.seen.address for one in sightings.fit(40.0, 0.0)] == [B]
