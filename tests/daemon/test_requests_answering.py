"""The requests that only look: what they tell of links and devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.bridge.devices import Known, listing
from ankled.daemon.live.status import AdapterStatus, DeviceStatus, Nearby, SupervisorStatus
from ankled.daemon.requests import answering
from ankled.daemon.requests.forms import Health, Nothing
from ankled.daemon.settings import DeviceSettings

if TYPE_CHECKING:
    from ankled.daemon.live.status import DeviceState

ADAPTER = AdapterStatus(
    name="hci0", state="scanning", since_ns=0, last_error=None, slots=7, taken=(), restarts=0, power_cycles=0, heard=0
)


def device(slug: str, state: DeviceState, **given: object) -> DeviceStatus:
    """Return how a device stands."""
    plain: dict[str, object] = {
        "since_ns": 0, "epoch": 0, "adopted": False, "address": None, "name": None, "driver": None, "adapter": None,
        "rssi_dbm": None, "mtu": None, "attempts": 0, "reconnects": 0, "packets": 0, "packet_age_s": None,
        "retry_s": None, "last_error": None,
    }  # fmt: skip
    return msgspec.convert({"slug": slug, "state": state, **plain, **given}, DeviceStatus)


def status(*devices: DeviceStatus, adapter: AdapterStatus = ADAPTER) -> SupervisorStatus:
    """Return how everything stands."""
    return SupervisorStatus(devices=devices, adapters=(adapter,), strays=0, late_actions=0)


def near(number: int, age_s: float) -> Nearby:
    """Return a stranger that was heard."""
    return Nearby(
        address=f"C0:00:00:00:00:{number:02X}", name=None, rssi_dbm=-60, services=(), slug=None, drivers=(),
        adapter="hci0", age_s=age_s,
    )  # fmt: skip


async def test_health_is_what_the_bridge_tells() -> None:
    """Well when it tells of no problem."""
    assert await answering.health_check(tuple)(Nothing()) == Health(healthy=True, problems=())
    told = ("the broker is away", "adapter hci0 is down")
    assert await answering.health_check(lambda: told)(Nothing()) == Health(healthy=False, problems=told)


def test_the_list_tells_who_is_wanted_and_why() -> None:
    """From the configuration, by a request, by the rule; also who is paused and so has no link at all."""
    settings = {"left": DeviceSettings(slug="left", side="left", athlete="kim", mass_kg=1.5, mass_source="configured")}
    known = (
        Known(slug="left", origin="configured", label="Left weight", address="C0:00:00:00:00:01"),
        Known(slug="away", origin="requested", paused=True, address="C0:00:00:00:00:02"),
    )
    live = status(
        device("left", "streaming", address="C0:00:00:00:00:01", name="Movesense 1", driver="movesense"),
        device("c00000000003", "connecting", adopted=True, address="C0:00:00:00:00:03"),
    )
    told = listing(known, live, (), lambda slug: settings.get(slug, DeviceSettings(slug=slug)))
    assert [(one.slug, one.origin, one.paused, one.link) for one in told.devices] == [
        ("away", "requested", True, "paused"),
        ("c00000000003", "adopted", False, "connecting"),
        ("left", "configured", False, "streaming"),
    ]
    left = told.devices[2]
    assert (left.label, left.name, left.driver, left.address) == (
        "Left weight", "Movesense 1", "movesense", "C0:00:00:00:00:01",
    )  # fmt: skip
    assert (left.side, left.athlete, left.mass_kg, left.mass_source) == ("left", "kim", 1.5, "configured")


def test_of_a_crowd_those_heard_last_are_listed() -> None:
    """By address, as many as an answer holds."""
    crowd = [near(number, age_s=float(number)) for number in range(250)]
    told = listing((), status(), reversed(crowd), lambda slug: DeviceSettings(slug=slug))
    assert [one.address for one in told.nearby] == sorted(one.address for one in crowd[:200])
