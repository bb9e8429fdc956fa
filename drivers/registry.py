"""Every driver by its name: those of this package, and those that other packages bring.

Another package adds a driver by an entry point of the group `ankled.drivers`:

    [project.entry-points."ankled.drivers"]
    my_sensor = "my_package.module:MyDriver"

The name it goes by is that of its `info`. What cannot be loaded, is no driver or takes a name that is taken is left
out, and `registered().warnings` says so: a broken plug-in must not keep the others from working.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from ankled.drivers.battery import Battery
from ankled.drivers.device_information import DeviceInformation
from ankled.drivers.driver import Advertisement, Driver, DriverInfo
from ankled.drivers.errors import DriverError
from ankled.drivers.metamotion.driver import MetaMotion
from ankled.drivers.movella_dot import MovellaDot
from ankled.drivers.movesense import Movesense
from ankled.drivers.openankle import OpenAnkle
from ankled.drivers.polar import Polar
from ankled.drivers.rsc import RunningSpeedCadence
from ankled.drivers.witmotion import WitMotion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.metadata import EntryPoint

BUILT_IN: Final[tuple[type[Driver[Any]], ...]] = (
    Movesense,
    MovellaDot,
    WitMotion,
    Polar,
    MetaMotion,
    OpenAnkle,
    RunningSpeedCadence,
    Battery,
    DeviceInformation,
)
"""The drivers of this package: first sensors, then services."""

GROUP: Final = "ankled.drivers"

_NOBODY = Advertisement(address="00:00:00:00:00:00")


class Registered(NamedTuple):
    """The drivers by name, built-in ones first, and a sentence about each that was left out."""

    drivers: Mapping[str, type[Driver[Any]]]
    warnings: tuple[str, ...]


@cache
def registered() -> Registered:
    """Return what there is. Plug-ins are looked for once in a process."""
    return collect(entry_points(group=GROUP))


def registry() -> Mapping[str, type[Driver[Any]]]:
    """Return every driver by its name."""
    return registered().drivers


def find(name: str) -> type[Driver[Any]]:
    """Return the driver of this name. Raises DriverError, which names those there are."""
    try:
        return registry()[name]
    except KeyError:
        raise DriverError(f'no driver is called "{name}"; there are {", ".join(registry())}') from None


def sensor_for(seen: Advertisement) -> list[str]:
    """Return the names of the sensor drivers whose device advertises so; more than one is a clash to warn about."""
    return [name for name, one in registry().items() if one.info.kind == "sensor" and _matches(one, seen)]


def _matches(driver: type[Driver[Any]], seen: Advertisement) -> bool:
    try:
        return driver.matches(seen)
    except Exception:  # noqa: BLE001  (a plug-in that stumbles over a stranger's advertisement must not stop the scan)
        return False


def services_for(services: Iterable[str]) -> list[str]:
    """Return the names of the service drivers that a device with these GATT services is served by."""
    there = set(services)
    kinds = [(name, one.info) for name, one in registry().items() if one.info.kind == "service"]
    return [name for name, info in kinds if there.issuperset(info.services)]


def collect(plugins: Iterable[EntryPoint]) -> Registered:
    """Return the built-in drivers and those of the entry points given, in the order of their names."""
    drivers: dict[str, type[Driver[Any]]] = {one.info.name: one for one in BUILT_IN}
    warnings: list[str] = []
    for plugin in sorted(plugins, key=lambda one: (one.name, one.value)):
        try:
            driver = _load(plugin)
        except Exception as error:  # noqa: BLE001  (whatever another package raises, the others must work)
            warnings.append(f'the driver "{plugin.name}" ({plugin.value}) cannot be used: {_told(error)}')
            continue
        name = driver.info.name
        if (other := drivers.setdefault(name, driver)) is not driver:
            where = f"{other.__module__}:{other.__qualname__}"
            warnings.append(f'the driver "{plugin.name}" ({plugin.value}) is left out: {where} is called "{name}" too')
    return Registered(MappingProxyType(drivers), tuple(warnings))


def _load(plugin: EntryPoint) -> type[Driver[Any]]:
    """Import a driver and do with it what the daemon will: it fails here rather than in the middle of a session."""
    found = plugin.load()
    if not (isinstance(found, type) and issubclass(found, Driver)):
        raise DriverError(f"it is {found!r}; a subclass of ankled.drivers.driver.Driver is needed")
    info = getattr(found, "info", None)
    if not isinstance(info, DriverInfo):
        raise DriverError(f"its info is {info!r}; a DriverInfo is needed")
    msgspec.convert(msgspec.to_builtins(info), DriverInfo)
    found.matches(_NOBODY)
    found().snapshot()
    return found


def _told(error: Exception) -> str:
    """Return an error of another package as one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, DriverError) else f"{type(error).__name__}: {text}"
