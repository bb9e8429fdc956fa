"""bluetoothd without bleak: which adapters there are, switching one off and on, and what its errors mean.

link.py calls this, with deadlines. bleak knows adapters as hciN only, a number that changes after a reset: here they
are looked up by address. Interfaces and properties are those of BlueZ 5.66, doc/adapter-api.txt. Errors leave as
dbus_fast's DBusError, which has the D-Bus name.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec
from dbus_fast import AuthError, BusType, DBusError, Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus

from ankled.drivers.link_errors import (
    AdapterMissingError,
    AdapterOffError,
    BusyError,
    DeviceNotFoundError,
    LinkError,
    LinkFailedError,
    LinkLostError,
    LinkTimeoutError,
    NoBluetoothdError,
    NoPermissionError,
    NotOfferedError,
    OutOfSlotsError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_BLUEZ: Final = "org.bluez"
ADAPTER: Final = "org.bluez.Adapter1"

_BY_NAME: Final[dict[str, type[LinkError]]] = {
    "org.bluez.Error.InProgress": BusyError,
    "org.bluez.Error.AlreadyConnected": BusyError,
    "org.bluez.Error.NotReady": AdapterOffError,
    "org.bluez.Error.NotConnected": LinkLostError,
    "org.bluez.Error.DoesNotExist": DeviceNotFoundError,
    "org.bluez.Error.NotSupported": NotOfferedError,
    "org.bluez.Error.NotPermitted": NotOfferedError,
    "org.freedesktop.DBus.Error.ServiceUnknown": NoBluetoothdError,
    "org.freedesktop.DBus.Error.NameHasNoOwner": NoBluetoothdError,
    "org.freedesktop.DBus.Error.Disconnected": NoBluetoothdError,
    "org.freedesktop.DBus.Error.AccessDenied": NoPermissionError,
    "org.freedesktop.DBus.Error.NoReply": LinkTimeoutError,
    "org.freedesktop.DBus.Error.Timeout": LinkTimeoutError,
    "org.freedesktop.DBus.Error.TimedOut": LinkTimeoutError,
}
_GONE: Final = {f"org.freedesktop.DBus.Error.Unknown{what}" for what in ("Object", "Interface", "Method")}
# What Connect of org.bluez.Device1 gives as the body of org.bluez.Error.Failed is no text but one of these codes
# (BlueZ 5.66, src/error.h). The controller's numbers behind them: Bluetooth Core 5.4, Vol 1, Part F.
_BY_CODE: Final[dict[str, type[LinkError]]] = {
    "le-connection-adapter-not-powered": AdapterOffError,
    "le-connection-concurrent-connection-limit": OutOfSlotsError,
    "le-connection-memory-allocation": OutOfSlotsError,
    "le-connection-busy": BusyError,
    "le-connection-already-connected": BusyError,
    "le-connection-timeout": LinkTimeoutError,
    "le-connection-abort-by-local": LinkLostError,
    "le-connection-abort-by-remote": LinkLostError,
}


def kind_of(name: str, body: str, gone: type[LinkError]) -> type[LinkError]:
    """Return what a D-Bus error tells us to do. `gone` is for an object, of whatever kind, that is not there."""
    if name in _GONE:
        return gone
    return _BY_NAME.get(name) or _BY_CODE.get(body, LinkFailedError)


def kind_of_failure(error: Exception, gone: type[LinkError]) -> type[LinkError]:
    """Return what an exception of D-Bus itself, or of its socket, tells us to do."""
    match error:
        case DBusError():
            return kind_of(error.type, "", gone)
        case AuthError() | PermissionError():
            return NoPermissionError
        case TimeoutError():
            return LinkTimeoutError
        case OSError() | EOFError():  # nothing but the socket of D-Bus raises these
            return NoBluetoothdError
    return LinkFailedError


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter of this machine; `name` is hciN."""

    name: str
    address: str
    powered: bool


async def adapters() -> list[Adapter]:
    """Return the adapters, by name. A machine without any has none of them, which is no error."""
    async with system_bus() as bus:
        objects = await call(bus, _BLUEZ, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    found = [
        Adapter(
            name=path.rpartition("/")[2],
            address=interfaces[ADAPTER]["Address"].value.upper(),
            powered=bool(interfaces[ADAPTER]["Powered"].value),
        )
        for path, interfaces in objects.items()
        if ADAPTER in interfaces
    ]
    return sorted(found, key=lambda adapter: adapter.name)


async def named(adapter: str) -> str:
    """Return the present name of an adapter, by name or address. Raises AdapterError when it is not there, or off."""
    there = await adapters()
    for one in there:
        if adapter.upper() in {one.name.upper(), one.address}:
            if not one.powered:
                raise AdapterOffError(f"adapter {adapter} is powered off")
            return one.name
    names = ", ".join(f"{one.name} ({one.address})" for one in there) or "none"
    raise AdapterMissingError(f"there is no adapter {adapter}; there is {names}")


async def power_cycle(adapter: str | None) -> None:
    """Switch an adapter off and on, without a name the first that is on. Raises AdapterError."""
    name = (
        next((one.name for one in await adapters() if one.powered), None) if adapter is None else await named(adapter)
    )
    if name is None:
        raise AdapterMissingError("there is no powered adapter")
    for on in (False, True):
        await set_powered(name, on=on)


async def set_powered(name: str, *, on: bool) -> None:
    """Switch an adapter on or off."""
    async with system_bus() as bus:
        body = [ADAPTER, "Powered", Variant("b", on)]
        await call(bus, _BLUEZ, f"/org/bluez/{name}", "org.freedesktop.DBus.Properties", "Set", "ssv", body)


def stop_discovery(path: str) -> Message:
    """Return what ends the scan of whoever sends it, and wants no answer."""
    return Message(
        destination=_BLUEZ, path=path, interface=ADAPTER, member="StopDiscovery",
        flags=MessageFlag.NO_REPLY_EXPECTED,
    )  # fmt: skip


@asynccontextmanager
async def system_bus() -> AsyncIterator[MessageBus]:
    """Open a connection to the system bus, and close it."""
    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        await bus.connect()
        yield bus
    finally:
        bus.disconnect()


async def call(  # noqa: PLR0913, PLR0917  (what a D-Bus call is made of)
    bus: MessageBus,
    destination: str,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    body: list[Any] | None = None,
    flags: MessageFlag = MessageFlag.NONE,
) -> Any:  # noqa: ANN401  (what bluetoothd answers has no static type)
    """Return the first value of an answer. Raises DBusError, and what the connection to the bus raises."""
    reply = await bus.call(
        Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body or [],
            flags=flags,
        )
    )
    if reply.message_type is MessageType.ERROR:
        raise DBusError(reply.error_name or "org.freedesktop.DBus.Error.Failed", str(reply.body))
    return reply.body[0] if reply.body else None
