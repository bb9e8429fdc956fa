"""A bluetoothd as a process: footpods that stream over one adapter, and everything that can happen to it.

`python -m tests.drivers.bluez_process ADDRESS...` joins the system bus and obeys the lines of its standard input:
`on`, `off`, `add`, `remove`, and `sleep` and `wake` for the sensors. It answers as BlueZ 5.66 does
(doc/*-api.txt): the name comes before the adapter, and the adapter before its power; a scan belongs to who asked for it
and is refused a second time; all that is left when it is killed is what others remember.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from dbus_fast import BusType, Message, MessageType, RequestNameReply, Variant
from dbus_fast.aio import MessageBus

from ankled.drivers import rsc
from ankled.drivers.uuids import sig

if TYPE_CHECKING:
    from collections.abc import Callable

_ADAPTER: Final = "/org/bluez/hci0"
_A1, _D1, _S1, _C1 = (f"org.bluez.{name}1" for name in ("Adapter", "Device", "GattService", "GattCharacteristic"))
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_MANAGER: Final = "org.freedesktop.DBus.ObjectManager"
_CHARACTERISTICS: Final = {"char000b": (rsc.MEASUREMENT, "notify"), "char000e": (rsc.FEATURE, "read")}
_STEP: Final = rsc.encode_measurement(rsc.Measurement(
    cadence_per_min=80, speed_mps=1.5, stride_length_m=None, distance_m=None, running=False
))  # fmt: skip
_SLOT_S, _HEARD_S, _STREAM_S = 0.2, 0.3, 0.05

Objects = dict[str, dict[str, dict[str, Variant]]]


class Bluetoothd:
    """Its objects on the bus, and what is done with them."""

    def __init__(self, bus: MessageBus, addresses: list[str]) -> None:
        self._bus = bus
        self._addresses = addresses
        self._scanning: set[str] = set()
        self._notifying: dict[str, str] = {}
        self._asleep = False
        self.objects: Objects = {}

    def handle(self, message: Message) -> Message | bool | None:
        """Answer a call, and note who has left the bus."""
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, new = message.body
            if not new:
                self._scanning.discard(name)
                self._notifying = {path: who for path, who in self._notifying.items() if who != name}
        if message.message_type is not MessageType.METHOD_CALL or message.interface == "org.freedesktop.DBus.Peer":
            return None
        path, member = str(message.path), str(message.member)
        if member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self.objects])
        if path not in self.objects:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownObject", f"no {path}")
        return self._answer(message, path, member)

    def _answer(self, message: Message, path: str, member: str) -> Message | bool:
        refusal = self._refusal(path, member, str(message.sender))
        if refusal is not None:
            return Message.new_error(message, f"org.bluez.Error.{refusal}", refusal)
        if self._asleep and member in {"Connect", "ReadValue"}:
            return True  # no answer, for as long as it takes
        if member == "ReadValue":
            return Message.new_method_return(message, "ay", [b"\x00\x00"])
        self._do(path, member, str(message.sender), message.body)  # the news of it come before the answer
        return Message.new_method_return(message)

    def _refusal(self, path: str, member: str, sender: str) -> str | None:
        if not self.powered:
            return None if member in {"Set", "SetDiscoveryFilter"} else "NotReady"
        if member == "StartDiscovery" and sender in self._scanning:
            return "InProgress"
        if member == "StopDiscovery" and sender not in self._scanning:
            return "Failed"
        device = path[: len(_ADAPTER) + 22]
        if path != _ADAPTER and member != "Connect" and not self.objects[device][_D1]["Connected"].value:
            return "NotConnected"
        return None

    def _do(self, path: str, member: str, sender: str, body: list[Any]) -> None:
        match member:
            case "Set":
                self.power(on=bool(body[2].value))
            case "StartDiscovery":
                self._scanning.add(sender)
            case "StopDiscovery":
                self._scanning.discard(sender)
            case "Connect":
                self.connect(path)
            case "Disconnect":
                self.disconnect(path)
            case "StartNotify":
                self._notifying[path] = sender
            case "StopNotify":
                self._notifying.pop(path, None)

    @property
    def powered(self) -> bool:
        """Whether there is an adapter, and it is on."""
        return _ADAPTER in self.objects and bool(self.objects[_ADAPTER][_A1]["Powered"].value)

    def add_adapter(self) -> None:
        """Have an adapter come, off."""
        self._add(_ADAPTER, _A1, Address=Variant("s", "00:1A:7D:DA:71:13"), Powered=Variant("b", False),
                  Roles=Variant("as", ["central", "peripheral"]))  # fmt: skip

    def remove_adapter(self) -> None:
        """Have it go, with everything below it, and not a word of its links."""
        self._scanning.clear()
        self._notifying.clear()
        for path in sorted(self.objects, key=len, reverse=True):
            self._remove(path)

    def power(self, *, on: bool) -> None:
        """Switch the adapter on or off; off drops links and scans."""
        if not on:
            for path in [path for path, has in self.objects.items() if _D1 in has and has[_D1]["Connected"].value]:
                self.disconnect(path)
            self._scanning.clear()
        self._change(_ADAPTER, _A1, "Powered", Variant("b", on))

    def sleep(self, *, asleep: bool) -> None:
        """Have the sensors vanish without a word, or advertise again."""
        self._asleep = asleep

    def connect(self, path: str) -> None:
        """Connect and discover."""
        self._change(path, _D1, "Connected", Variant("b", True))
        service = f"{path}/service000a"
        self._add(service, _S1, UUID=Variant("s", rsc.SERVICE), Device=Variant("o", path))
        for name, (uuid, flag) in _CHARACTERISTICS.items():
            self._add(
                f"{service}/{name}", _C1, UUID=Variant("s", uuid), Service=Variant("o", service),
                Flags=Variant("as", [flag]), MTU=Variant("q", 185),
            )  # fmt: skip
        self._change(path, _D1, "ServicesResolved", Variant("b", True))

    def disconnect(self, path: str) -> None:
        """End a link."""
        for one in [one for one in self.objects if one.startswith(f"{path}/")]:
            self._notifying.pop(one, None)
            self._remove(one)
        for name in ("ServicesResolved", "Connected"):
            self._change(path, _D1, name, Variant("b", False))

    async def advertise(self) -> None:
        """Have whoever is not connected be heard by who scans."""
        while True:
            await asyncio.sleep(_HEARD_S)
            if not self.powered or not self._scanning or self._asleep:
                continue
            for address in self._addresses:
                path = f"{_ADAPTER}/dev_{address.replace(':', '_')}"
                if path not in self.objects:
                    self._add(
                        path, _D1, Address=Variant("s", address), Alias=Variant("s", "Pod"), Name=Variant("s", "Pod"),
                        Adapter=Variant("o", _ADAPTER), Paired=Variant("b", False), Connected=Variant("b", False),
                        ServicesResolved=Variant("b", False), UUIDs=Variant("as", [sig(0x1800), rsc.SERVICE]),
                        RSSI=Variant("n", -60),
                    )  # fmt: skip
                elif not self.objects[path][_D1]["Connected"].value:
                    self._change(path, _D1, "RSSI", Variant("n", -60))

    async def stream(self) -> None:
        """Send measurements to who wants them."""
        while True:
            await asyncio.sleep(_STREAM_S)
            if not self._asleep:
                for path in [*self._notifying]:
                    self._change(path, _C1, "Value", Variant("ay", _STEP))

    def _add(self, path: str, interface: str, **values: Variant) -> None:
        self.objects[path] = {interface: values}
        self._signal("/", _MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, {interface: values}])

    def _remove(self, path: str) -> None:
        interfaces = [*self.objects.pop(path)]
        self._signal("/", _MANAGER, "InterfacesRemoved", "oas", [path, interfaces])

    def _change(self, path: str, interface: str, name: str, value: Variant) -> None:
        self.objects[path][interface][name] = value
        self._signal(path, _PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, {name: value}, []])

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self._bus.send(Message.new_signal(path, interface, member, signature, body))


async def main(addresses: list[str]) -> None:
    """Run until the bus is gone, as bluetoothd does."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    daemon = Bluetoothd(bus, addresses)
    bus.add_message_handler(daemon.handle)
    bus._add_match_rule("type='signal',interface='org.freedesktop.DBus',member='NameOwnerChanged'")
    assert await bus.request_name("org.bluez") is RequestNameReply.PRIMARY_OWNER
    await asyncio.sleep(_SLOT_S)
    daemon.add_adapter()
    await asyncio.sleep(_SLOT_S)
    daemon.power(on=True)
    orders: dict[str, Callable[[], None]] = {
        "on": lambda: daemon.power(on=True),
        "off": lambda: daemon.power(on=False),
        "add": daemon.add_adapter,
        "remove": daemon.remove_adapter,
        "sleep": lambda: daemon.sleep(asleep=True),
        "wake": lambda: daemon.sleep(asleep=False),
    }
    tasks = [asyncio.create_task(daemon.advertise()), asyncio.create_task(daemon.stream())]

    def obey() -> None:
        for order in os.read(0, 4096).decode().split():
            orders[order]()

    asyncio.get_running_loop().add_reader(0, obey)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with contextlib.suppress(EOFError, OSError):
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus_fast left its type out
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
