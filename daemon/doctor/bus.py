"""D-Bus for the doctor: asks, and starts nothing by asking."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from dbus_fast import BusType, DBusError, Message, MessageFlag, MessageType
from dbus_fast.aio import MessageBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_DBUS: Final = "org.freedesktop.DBus"
DENIED: Final = f"{_DBUS}.Error.AccessDenied"


@asynccontextmanager
async def system_bus() -> AsyncIterator[MessageBus]:
    """Connect. Raises OSError, EOFError or AuthError."""
    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        await bus.connect()
        yield bus
    finally:
        bus.disconnect()


async def owned(bus: MessageBus, name: str) -> bool:
    """Tell whether somebody bears a name on the bus."""
    return bool(await _call(bus, _DBUS, "/org/freedesktop/DBus", _DBUS, "NameHasOwner", "s", [name]))


async def bluez_objects(bus: MessageBus) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what bluetoothd shows: path -> interface -> property. Raises DBusError."""
    found = await _call(bus, "org.bluez", "/", f"{_DBUS}.ObjectManager", "GetManagedObjects")
    return {
        path: {
            interface: {key: variant.value for key, variant in properties.items()}
            for interface, properties in interfaces.items()
        }
        for path, interfaces in found.items()
    }


async def _call(  # noqa: PLR0913, PLR0917  (what a D-Bus call is made of)
    bus: MessageBus,
    destination: str,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    body: list[Any] | None = None,
) -> Any:  # noqa: ANN401  (what is answered has no static type)
    reply = await bus.call(
        Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body or [],
            flags=MessageFlag.NO_AUTOSTART,
        )
    )
    if reply is None or reply.message_type is MessageType.ERROR:
        name = None if reply is None else reply.error_name
        raise DBusError(name or f"{_DBUS}.Error.Failed", "" if reply is None else str(reply.body))
    return reply.body[0] if reply.body else None
