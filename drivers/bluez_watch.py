"""What bluetoothd does that nobody asked for: that it comes, goes, or gains and loses adapters.

bleak hears of none of this: after bluetoothd was killed it believes in links and adapters that are gone, and its
scanner waits for ever on an adapter that was switched off. link.py listens here and has it begin anew.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

from dbus_fast import AuthError, DBusError, MessageType

from ankled.drivers.bluez import ADAPTER, call, system_bus

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbus_fast import Message

_AGAIN_S: Final = 2.0
"""How often D-Bus is looked for where there is none."""
_BUS: Final = "org.freedesktop.DBus"
_RULES: Final = (
    f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg0='org.bluez'",
    f"type='signal',sender='org.bluez',interface='{_BUS}.ObjectManager',path='/'",
    f"type='signal',sender='org.bluez',interface='{_BUS}.Properties',arg0='{ADAPTER}'",
)


async def watch(gone: Callable[[str], None], changed: Callable[[], None]) -> NoReturn:
    """Tell of changes until cancelled; where there is no D-Bus, look for one.

    `gone` is called with how the paths begin of all links that have ended; of the whole of bluetoothd that is `/`.
    `changed` is called after each change, whatever it is, and when a D-Bus was found again.
    """
    anew = False
    while True:
        # Why there is none, tells who needs it. One that goes away takes bleak's connections along, which know by it.
        with suppress(OSError, EOFError, DBusError, AuthError):
            await _watch(gone, changed, anew=anew)
        anew = True
        await asyncio.sleep(_AGAIN_S)


async def _watch(gone: Callable[[str], None], changed: Callable[[], None], *, anew: bool) -> None:
    """Tell of changes until the bus is lost."""

    def take(message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        ended = _ended(message.member or "", message.path or "", message.body)
        if ended:
            gone(ended)
        if ended is not None:
            changed()

    async with system_bus() as bus:
        bus.add_message_handler(take)
        for rule in _RULES:
            await call(bus, _BUS, "/org/freedesktop/DBus", _BUS, "AddMatch", "s", [rule])
        if anew:
            changed()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus_fast left its type out


def _ended(member: str, path: str, body: list[Any]) -> str | None:
    """Return below which path nothing is left, empty where something came; None for a signal of no interest."""
    match member, body:
        case "NameOwnerChanged", [_, old, _]:
            return "/" if old else ""
        case "InterfacesAdded", [_, interfaces] if ADAPTER in interfaces:
            return ""
        case "InterfacesRemoved", [str(removed), interfaces] if ADAPTER in interfaces:
            return f"{removed}/"
        case "PropertiesChanged", [_, {"Powered": powered}, _]:
            return "" if powered.value else f"{path}/"
    return None
