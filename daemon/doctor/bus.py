"""D-Bus for the doctor: asks, and starts nothing by asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dbus_fast import MessageFlag

from ankled.drivers.bluez import call

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus

_DBUS: Final = "org.freedesktop.DBus"
DENIED: Final = f"{_DBUS}.Error.AccessDenied"


async def owned(bus: MessageBus, name: str) -> bool:
    """Tell whether somebody bears a name on the bus."""
    asked = "/org/freedesktop/DBus", _DBUS, "NameHasOwner", "s", [name]
    return bool(await call(bus, _DBUS, *asked, flags=MessageFlag.NO_AUTOSTART))


async def bluez_objects(bus: MessageBus) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what bluetoothd shows: path -> interface -> property. Raises DBusError."""
    asked = f"{_DBUS}.ObjectManager", "GetManagedObjects"
    found = await call(bus, "org.bluez", "/", *asked, flags=MessageFlag.NO_AUTOSTART)
    return {
        path: {
            interface: {key: variant.value for key, variant in properties.items()}
            for interface, properties in interfaces.items()
        }
        for path, interfaces in found.items()
    }
