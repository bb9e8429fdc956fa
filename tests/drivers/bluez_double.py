"""A bluetoothd of a few objects on a D-Bus of its own, for the paths that the radio of software cannot take.

It answers as BlueZ 5.66 does (doc/*-api.txt), as far as bleak and link.py ask. The real one is tested in a virtual
machine; this one can be told to fail in every way.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ADAPTER_ADDRESS: Final = "00:1A:7D:DA:71:13"
ADDRESS: Final = "C0:11:22:33:44:55"
SERVICE: Final = "a0000000-0000-4000-8000-000000000001"
DATA: Final = "a0000000-0000-4000-8000-000000000002"

_ADAPTER: Final = "/org/bluez/hci3"
_DEVICE: Final = f"{_ADAPTER}/dev_{ADDRESS.replace(':', '_')}"
_SERVICE: Final = f"{_DEVICE}/service000a"
_CHARACTERISTIC: Final = f"{_SERVICE}/char000b"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"

CONFIGURATION: Final = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path={socket}</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>
"""


class Bluetoothd:
    """One adapter, one device with one service. `errors` by method: what is answered instead; `calls` were made."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self.calls: list[str] = []
        self.errors: dict[str, tuple[str, str]] = {}
        self.mute: set[str] = set()
        self.value = b"\x2a"
        self.objects: dict[str, dict[str, dict[str, Variant]]] = {
            _ADAPTER: {
                "org.bluez.Adapter1": {
                    "Address": Variant("s", ADAPTER_ADDRESS),
                    "Powered": Variant("b", True),
                    "Roles": Variant("as", ["central", "peripheral"]),
                }
            },
            _DEVICE: {
                "org.bluez.Device1": {
                    "Address": Variant("s", ADDRESS),
                    "Alias": Variant("s", "Tiny"),
                    "Name": Variant("s", "Tiny"),
                    "Adapter": Variant("o", _ADAPTER),
                    "Connected": Variant("b", False),
                    "ServicesResolved": Variant("b", False),
                    "Paired": Variant("b", False),
                    "UUIDs": Variant("as", ["00001800-0000-1000-8000-00805f9b34fb", SERVICE]),
                }
            },
            _SERVICE: {
                "org.bluez.GattService1": {"UUID": Variant("s", SERVICE), "Device": Variant("o", _DEVICE)},
            },
            _CHARACTERISTIC: {
                "org.bluez.GattCharacteristic1": {
                    "UUID": Variant("s", DATA),
                    "Service": Variant("o", _SERVICE),
                    "Flags": Variant("as", ["read", "write", "notify"]),
                    "MTU": Variant("q", 185),
                }
            },
        }

    def handle(self, message: Message) -> Message | bool | None:
        """Answer a call."""
        if message.message_type is not MessageType.METHOD_CALL or message.destination != "org.bluez":
            return None
        member = str(message.member)
        self.calls.append(member)
        if member in self.mute:
            return True
        if member in self.errors:
            return Message.new_error(message, *self.errors[member])
        return Message.new_method_return(message, *self._answer(message, member))

    def _answer(self, message: Message, member: str) -> tuple[str, list[Any]]:
        """Do what is asked, and return the answer with its signature."""
        match member:
            case "GetManagedObjects":
                return "a{oa{sa{sv}}}", [self.objects]
            case "Set":
                interface, name, value = message.body
                self.change(str(message.path), interface, name, value)
            case "StartDiscovery":
                self.change(_DEVICE, "org.bluez.Device1", "RSSI", Variant("n", -61))
            case "Connect" | "Disconnect":
                for name in ("Connected", "ServicesResolved"):
                    self.change(_DEVICE, "org.bluez.Device1", name, Variant("b", member == "Connect"))
            case "ReadValue":
                return "ay", [self.value]
            case "WriteValue":
                self.value = bytes(message.body[0])
            case _:
                pass
        return "", []

    def notify(self, data: bytes) -> None:
        """Send a value."""
        self.change(_CHARACTERISTIC, "org.bluez.GattCharacteristic1", "Value", Variant("ay", data))

    def lose(self) -> None:
        """End the connection as if the device had."""
        self.change(_DEVICE, "org.bluez.Device1", "Connected", Variant("b", False))

    def hold(self) -> None:
        """Be connected on behalf of somebody who is gone."""
        for name in ("Connected", "ServicesResolved"):
            self.change(_DEVICE, "org.bluez.Device1", name, Variant("b", True))

    def switch_off(self) -> None:
        """Power the adapter off."""
        self.change(_ADAPTER, "org.bluez.Adapter1", "Powered", Variant("b", False))

    def change(self, path: str, interface: str, name: str, value: Variant) -> None:
        """Change a property and say so."""
        self.objects[path][interface][name] = value
        body: list[Any] = [interface, {name: value}, []]
        signal = Message.new_signal(path, _PROPERTIES, "PropertiesChanged", "sa{sv}as", body)
        self._bus.send(signal)


def answers(path: Path) -> bool:
    """Tell whether somebody listens at a socket: its file is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(path))
        return True
    return False


@asynccontextmanager
async def system_bus(folder: Path) -> AsyncIterator[str]:
    """Run a D-Bus daemon and yield its address."""
    path = folder / "bus"
    configuration = folder / "bus.conf"
    configuration.write_text(CONFIGURATION.format(socket=path), encoding="utf-8")
    # as quick as starting a thread for it
    daemon = subprocess.Popen(  # noqa: ASYNC220  (see above)
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile"]
    )
    try:
        while not answers(path):
            await asyncio.sleep(0.01)
            assert daemon.poll() is None, "dbus-daemon did not start"
        yield f"unix:path={path}"
    finally:
        daemon.terminate()
        daemon.wait(10)


@asynccontextmanager
async def bluetoothd(address: str) -> AsyncIterator[Bluetoothd]:
    """Run the double on a bus."""
    bus = await MessageBus(bus_address=address).connect()
    double = Bluetoothd(bus)
    bus.add_message_handler(double.handle)
    await bus.request_name("org.bluez")
    try:
        yield double
    finally:
        bus.disconnect()
        await asyncio.sleep(0.01)  # lets the bus see it
