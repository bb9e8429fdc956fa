"""The table of drivers: what is in it, how other packages add to it, and who takes which device."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import msgspec
import pytest

from ankled.drivers.battery import Battery
from ankled.drivers.driver import Advertisement
from ankled.drivers.errors import DriverError
from ankled.drivers.registry import BUILT_IN, GROUP, collect, find, registered, registry, sensor_for, services_for
from ankled.drivers.rsc import RunningSpeedCadence
from ankled.drivers.uuids import sig

NAMES = {
    "movesense",
    "movella_dot",
    "witmotion",
    "polar",
    "metamotion",
    "openankle",
    "rsc",
    "battery",
    "device_information",
}

# --- a plug-in, as another package would have it ----------------------------------------------------------------------


class Renamed(Battery):
    """A driver with a name of its own."""

    info = msgspec.structs.replace(Battery.info, name="renamed")


class Mute(Battery):
    """It has nothing to say of itself."""

    info = "a battery"  # type: ignore[assignment]  # the fault that is tested


class Crooked(Battery):
    """What it says of itself has the wrong types."""

    info = msgspec.structs.replace(Battery.info, name="crooked", rates_hz="fast")


class Unstartable(Renamed):
    """It cannot be made."""

    def __init__(self) -> None:
        msg = "no licence\nfound"
        raise OSError(msg)


class Stranger:
    """A class, but no driver."""


NO_DRIVER = object()


def _point(value: str, name: str = "one") -> EntryPoint:
    return EntryPoint(name=name, value=f"{__name__}:{value}" if ":" not in value else value, group=GROUP)


def test_a_driver_of_another_package() -> None:
    """It stands behind ours, by the name of its info."""
    found = collect([_point("Renamed", name="whatever")])
    assert list(found.drivers) == [*(one.info.name for one in BUILT_IN), "renamed"]
    assert found.drivers["renamed"].info.name == "renamed"
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Missing", "AttributeError: "),
        ("nowhere.to.be.found:Driver", "ModuleNotFoundError: No module named 'nowhere'"),
        ("NO_DRIVER", "it is <object"),
        ("Stranger", "a subclass of ankled.drivers.driver.Driver is needed"),
        ("Mute", "its info is 'a battery'; a DriverInfo is needed"),
        ("Crooked", "ValidationError: Expected `array`, got `str` - at `$.rates_hz`"),
        ("Unstartable", "OSError: no licence found"),
    ],
)
def test_a_broken_plug_in_is_a_warning(value: str, told: str) -> None:
    """One line that names it and says why; the others are there."""
    found = collect([_point(value, name="bad"), _point("Renamed", name="good")])
    (warning,) = found.warnings
    assert warning.startswith('the driver "bad" (')
    assert told in warning
    assert "\n" not in warning
    assert set(found.drivers) == {*registry(), "renamed"}


def test_of_two_with_one_name_ours_wins() -> None:
    """And of two plug-ins the first by the name of its entry point, in whichever order they are found."""
    ours = collect([EntryPoint(name="battery", value=f"{__name__}:Impostor", group=GROUP)])
    assert ours.drivers["battery"] is Battery
    assert ours.warnings[0].endswith('is left out: ankled.drivers.battery:Battery is called "battery" too')
    points = [_point("RenamedToo", name="b"), _point("Renamed", name="a")]
    for order in (points, points[::-1]):
        found = collect(order)
        assert found.drivers["renamed"].__name__ == "Renamed"
        assert len(found.warnings) == 1


class Impostor(Battery):
    """A battery driver that would take the place of ours."""


class RenamedToo(Renamed):
    """Another of the same name."""


def test_the_same_driver_twice_is_no_clash() -> None:
    """Two entry points to one class are one driver."""
    assert collect([_point("Renamed", name="a"), _point("Renamed", name="b")]).warnings == ()


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_drivers_by_name() -> None:
    """These names stand in configurations and in scripts."""
    assert {one.info.name for one in BUILT_IN} == NAMES
    assert len(BUILT_IN) == len(NAMES)
    assert set(registry()) >= NAMES
    assert registry() is registered().drivers


def test_a_driver_by_its_name() -> None:
    """An unknown one is answered with those there are."""
    assert find("rsc") is RunningSpeedCadence
    with pytest.raises(DriverError, match=r'^no driver is called "rcs"; there are movesense, .*, rsc, battery, '):
        find("rcs")


def test_the_table_cannot_be_altered() -> None:
    """Whoever wants another driver brings an entry point."""
    with pytest.raises(TypeError):
        registry()["battery"] = Renamed  # type: ignore[index]  # what is tested


# --- who takes what ---------------------------------------------------------------------------------------------------


def test_services_go_along_with_any_device() -> None:
    """By all of their GATT services; sensors are not among them."""
    assert services_for([sig(0x1814), sig(0x180F)]) == ["battery"]
    assert services_for([sig(0x180A), sig(0x180F)]) == ["battery", "device_information"]
    assert services_for([sig(0x1800)]) == []


# Names, services and company ids as the devices advertise them.
SEEN = [
    ("movesense", {"name": "Movesense 174630000192", "services": (sig(0xFDF3), sig(0x180D))}),
    ("movesense", {"name": "Movesense 235130000741"}),
    ("movella_dot", {"name": "Xsens DOT", "manufacturer": {0x0886: b"\x01\x00\x01"}}),
    ("movella_dot", {"name": "Movella DOT", "manufacturer": {0x0886: b""}}),
    ("movella_dot", {"name": "Movella DOT"}),
    ("witmotion", {"name": "WT901BLE68"}),
    ("witmotion", {"name": "WT901BLE67", "services": (sig(0xFFE5),)}),
    ("witmotion", {"name": "WT9011DCL-BT50"}),
    ("witmotion", {"name": "BWT901BLE5.0"}),
    (
        "polar",
        {"name": "Polar H10 12345678", "services": (sig(0x180D),), "manufacturer": {0x006B: b"\x3a"}},
    ),
    ("polar", {"name": "Polar Sense 9C1D2E3F", "services": (sig(0x180D),)}),
    ("polar", {"name": "Polar OH1 55555555"}),
    ("metamotion", {"name": "MetaWear", "services": ("326a9000-85cb-9195-d9dd-464cfbbae75a",)}),
    ("metamotion", {"name": "MetaWear"}),
    ("metamotion", {"name": "left", "services": ("326a9000-85cb-9195-d9dd-464cfbbae75a",)}),
    ("rsc", {"name": "Stryd", "services": (sig(0x1814), sig(0x1818))}),
    ("rsc", {"services": (sig(0x1814),)}),
    ("openankle", {"name": "OpenAnkle left"}),
]
NOBODYS = [
    {},
    {"name": ""},
    {"name": "Thingy", "services": ("ef680100-9b35-4933-9b10-52ffa9740042",)},
    {"name": "CC2650 SensorTag"},
    {"name": "SensorTag 2.0", "services": ("f000aa80-0451-4000-b000-000000000000",)},
    {"name": "Shimmer3R-4C2A-BLE", "services": ("65333333-a115-11e2-9e9a-0800200ca100",)},
    {"name": "Puck.js 1a2b", "services": ("6e400001-b5a3-f393-e0a9-e50e24dcca9e",)},
    {"name": "HRM-Dual:123456", "services": (sig(0x180D), sig(0x180F))},
    {"name": "My Polar bear"},
    {"name": "movesense"},
]


@pytest.mark.parametrize(
    ("driver", "shown"), SEEN, ids=lambda value: str(value.get("name")) if isinstance(value, dict) else value
)
def test_one_driver_takes_each_device(driver: str, shown: dict[str, Any]) -> None:
    """As real devices advertise, with and without the parts that come in a scan response: one driver, not two."""
    assert sensor_for(Advertisement(address="C0:00:00:00:00:01", **shown)) == [driver]


@pytest.mark.parametrize("shown", NOBODYS)
def test_devices_of_others_are_left_alone(shown: dict[str, Any]) -> None:
    """What only looks alike is nobody's."""
    assert sensor_for(Advertisement(address="C0:00:00:00:00:01", **shown)) == []
