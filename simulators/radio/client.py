"""The GATT client of one connection: discovery, reads, writes, subscriptions, each with a time-out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from bumble import att, core, gatt

from ankled.drivers.uuids import normalise
from ankled.simulators.radio.errors import LinkLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bumble import device, gatt_client

    from ankled.simulators.radio.central import Central

T = TypeVar("T")

TRANSACTION_S: Final = 30.0
"""How long a device may take to answer; then the connection is of no more use (Core 5.4, Vol 3, Part F, 3.3.3)."""

MTU: Final = 517
"""What BlueZ offers."""

_CCCD: Final = core.UUID.from_16_bits(0x2902)
_NOTIFY, _INDICATE, _OFF = b"\x01\x00", b"\x02\x00", b"\x00\x00"


class Descriptor(msgspec.Struct, frozen=True, kw_only=True):
    """A descriptor that was found."""

    handle: int
    uuid: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A characteristic that was found; `properties` are the bits of Core 5.4, Vol 3, Part G, 3.3.1.1."""

    handle: int
    uuid: str
    properties: int
    descriptors: tuple[Descriptor, ...]


class FoundService(msgspec.Struct, frozen=True, kw_only=True):
    """A primary service that was found."""

    handle: int
    uuid: str
    characteristics: tuple[Found, ...]


class Client:
    """One connection of a central, from its making to its end. `on_end` is called once when it ends."""

    def __init__(
        self,
        central: Central,
        connection: device.Connection,
        on_end: Callable[[], None],
        *,
        transaction_s: float = TRANSACTION_S,
    ) -> None:
        self._central = central
        self._connection = connection
        self._on_end = on_end
        self._transaction_s = transaction_s
        self._gatt: gatt_client.Client = connection.gatt_client
        self._takers: dict[int, Callable[[bytes], None]] = {}
        self._asking: dict[asyncio.Task[Any], None] = {}  # a set has no order
        self.connected = True
        central.host.on_value[connection.handle] = self._on_value
        connection.on(connection.EVENT_DISCONNECTION, self._ended)

    @property
    def mtu(self) -> int:
        """What both sides agreed on."""
        return self._connection.att_mtu

    async def discover(self) -> tuple[FoundService, ...]:
        """Agree on the MTU, and find everything that the device has."""
        await self._ask(self._gatt.request_mtu(MTU))
        found = []
        for service in await self._ask(self._gatt.discover_services()):
            characteristics = []
            for one in await self._ask(self._gatt.discover_characteristics((), service)):
                descriptors = await self._ask(self._gatt.discover_descriptors(one)) if _has_room(one) else []
                characteristics.append(
                    Found(
                        handle=one.handle,
                        uuid=_text(one.uuid),
                        properties=int(one.properties),
                        descriptors=tuple(Descriptor(handle=d.handle, uuid=_text(d.type)) for d in descriptors),
                    )
                )
            uuid = _text(service.uuid)
            found.append(FoundService(handle=service.handle, uuid=uuid, characteristics=tuple(characteristics)))
        return tuple(found)

    async def read(self, handle: int) -> bytes:
        """Read an attribute. Raises LinkLostError, TimeoutError or Bumble's ATT_Error."""
        return await self._ask(self._gatt.read_value(handle))

    async def write(self, handle: int, data: bytes, *, response: bool) -> None:
        """Write an attribute. Raises as `read` does."""
        await self._ask(self._gatt.write_value(handle, data, with_response=response))

    async def subscribe(self, found: Found, taker: Callable[[bytes], None]) -> None:
        """Hand each value that the device sends to `taker`; notifications are preferred. Raises as `read` does."""
        notify = found.properties & gatt.Characteristic.Properties.NOTIFY
        self._takers[found.handle] = taker
        try:
            await self.write(_cccd(found), _NOTIFY if notify else _INDICATE, response=True)
        except BaseException:
            self._takers.pop(found.handle, None)
            raise

    async def unsubscribe(self, found: Found) -> None:
        """Want no more values. Raises as `read` does."""
        self._takers.pop(found.handle, None)
        await self.write(_cccd(found), _OFF, response=True)

    async def close(self) -> None:
        """End the connection."""
        await self._central.disconnect(self._connection)
        self._ended(0)
        if self._asking:
            await asyncio.wait(self._asking)

    async def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Wait for an answer. Whoever gives up waiting leaves the question open, as with a real stack."""
        if not self.connected:
            question.close()
            raise LinkLostError("the connection has ended")
        task = asyncio.create_task(question, name="gatt request")
        self._asking[task] = None
        task.add_done_callback(self._answered)
        done, _ = await asyncio.wait({task}, timeout=self._transaction_s)
        if not done:
            await self.close()
            raise TimeoutError(f"the device did not answer within {self._transaction_s:g} s")
        if task.cancelled():
            raise LinkLostError("the connection has ended")
        return task.result()

    def _answered(self, task: asyncio.Task[Any]) -> None:
        self._asking.pop(task, None)
        if not task.cancelled():
            task.exception()  # seen, even if nobody waits for it any more

    def _on_value(self, handle: int, data: bytes) -> None:
        if taker := self._takers.get(handle):
            taker(data)

    def _ended(self, _reason: int) -> None:
        if not self.connected:
            return
        self.connected = False
        self._takers.clear()
        self._central.host.on_value.pop(self._connection.handle, None)
        for task in tuple(self._asking):
            task.cancel()
        self._on_end()


def _has_room(one: gatt_client.CharacteristicProxy[bytes]) -> bool:
    return one.end_group_handle > one.handle


def _cccd(found: Found) -> int:
    for descriptor in found.descriptors:
        if descriptor.uuid == _text(_CCCD):
            return descriptor.handle
    raise att.ATT_Error(att.ATT_ATTRIBUTE_NOT_FOUND_ERROR)


def _text(uuid: core.UUID) -> str:
    return normalise(uuid.to_hex_str("-"))
