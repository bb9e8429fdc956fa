"""The simulator's end of an exported controller: a socket that clients come to and die on, or the kernel."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser
from bumble.transport.vhci import open_vhci_transport

from ankled.simulators.radio.errors import RadioError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ankled.simulators.radio.controller import AirController


class Export:
    """A controller and the client that has it now, if any."""

    def __init__(self, controller: AirController) -> None:
        self.controller = controller
        self.holder: Port | None = None
        self._ports: dict[Port, None] = {}
        self._empty = asyncio.Event()

    def port(self) -> Port:
        """Return what handles the next client."""
        return Port(self)

    def enter(self, port: Port) -> bool:
        """Let a client have the controller, unless another one has it."""
        self._ports[port] = None
        self._empty.clear()
        if self.holder is not None:
            return False
        self.holder = port
        self.controller.host = port
        return True

    def leave(self, port: Port) -> None:
        """Take the controller back. Connections of a client that died are dropped; the devices see a time-out."""
        self._ports.pop(port, None)
        if not self._ports:
            self._empty.set()
        if self.holder is port:
            self.holder = None
            self.controller.host = None
            self.controller.congested = False
            self.controller.silence()

    async def close(self) -> None:
        """Hang up on every client."""
        for port in tuple(self._ports):
            port.hang_up()
        if self._ports:
            await self._empty.wait()


class Port(asyncio.Protocol):
    """One client's connection: HCI packets (Bluetooth Core 5.4, Vol 4, Part A, 2) both ways."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._parser = PacketParser(export.controller)
        self._loop = asyncio.get_running_loop()
        self._out = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the controller, or hang up on a client that comes while another is there."""
        self._transport = cast("asyncio.Transport", transport)
        if not self._export.enter(self):
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Hand commands and data to the controller; hang up on what is not HCI."""
        if self._export.holder is not self:
            return
        try:
            self._parser.feed_data(data)
        except InvalidPacketError:
            self.hang_up()

    def connection_lost(self, _error: Exception | None) -> None:
        """Give the controller back."""
        self._export.leave(self)

    def pause_writing(self) -> None:
        """Hold back what comes by air while the client does not read."""
        self._export.controller.congested = True

    def resume_writing(self) -> None:
        """Go on."""
        self._export.controller.relieve()

    def on_packet(self, packet: bytes) -> None:
        """Send a packet to the client, together with all others of this turn of the loop."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out += packet

    def hang_up(self) -> None:
        """End the client's connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(bytes(self._out))
        self._out.clear()


@asynccontextmanager
async def to_kernel(controller: AirController, path: str) -> AsyncIterator[None]:
    """Make a controller an adapter of this machine's BlueZ by the kernel's virtual HCI. Raises RadioError."""
    try:
        transport = await open_vhci_transport(path)
    except FileNotFoundError as error:
        raise RadioError(f"{path} is not there: load the kernel module hci_vhci (modprobe hci_vhci)") from error
    except OSError as error:
        raise RadioError(f"cannot open {path}: {error}; it takes the rights of root") from error
    transport.source.set_packet_sink(controller)
    controller.host = transport.sink
    try:
        yield
    finally:
        controller.host = None
        await transport.close()
