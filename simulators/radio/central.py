"""A central on the air: scans, connects, one connection at a time, and says in its own errors what went wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol, Self

from bumble import core, device, hci
from bumble.transport.common import TransportLostError

from ankled.simulators.radio.advertising import decode
from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.errors import ConnectError, LostError, RadioError, SlotsError
from ankled.simulators.radio.host import QuietHost

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bumble.transport.common import Transport

    from ankled.simulators.radio.advertising import Heard

CLEANUP_S: Final = 6.0
"""Longest time that giving up a connection or closing may take; a little more than a command may."""


class Source(Protocol):
    """Who has a central, not always the same one."""

    async def now(self) -> Central:
        """Return the one there is. Raises RadioError."""


class Central:
    """The host of one controller, to which `transport` leads: in this process or on the other end of a socket.

    `lost` is true when that controller is gone; then only `close` makes sense.
    """

    def __init__(
        self,
        name: str,
        address: str,
        transport: Transport,
        *,
        timing: Timing | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.heard: dict[str, Heard] = {}
        self.host = QuietHost()
        self.host.set_packet_sink(transport.sink)
        self.host.set_packet_source(transport.source)
        self._transport = transport
        self._listeners: dict[int, Callable[[Heard], None]] = {}
        self._next_listener = 0
        self._scans = asyncio.Lock()
        self._connects = asyncio.Lock()
        timing = timing or Timing()
        self._preferences = device.ConnectionParametersPreferences(
            connection_interval_min=timing.interval_s * 1e3,
            connection_interval_max=timing.interval_s * 1e3,
            supervision_timeout=round(timing.supervision_s * 1e3),
        )
        self._device = device.Device(
            config=device.DeviceConfiguration(name=name, address=hci.Address(address)), host=self.host
        )
        self._device.on(device.Device.EVENT_ADVERTISEMENT, self._on_advertisement)

    @property
    def lost(self) -> bool:
        """Whether the controller is gone."""
        return self.host.lost

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def now(self) -> Central:
        """Return itself."""
        return self

    async def start(self) -> None:
        """Reset the controller and set it up. Raises RadioError."""
        try:
            async with asyncio.timeout(CLEANUP_S):
                await self._device.power_on()
        except TransportLostError as error:
            raise LostError(f"{self.name}: the controller hung up; somebody else may be using it") from error
        except TimeoutError as error:
            raise RadioError(f"{self.name}: the controller does not answer") from error

    async def close(self) -> None:
        """End all connections and let go of the controller."""
        self._listeners.clear()
        try:
            async with asyncio.timeout(CLEANUP_S):
                if not self.lost:
                    await self._device.host.send_sync_command(hci.HCI_LE_Set_Scan_Enable_Command(0, 0))
                for connection in list(self._device.connections.values()):
                    await self.disconnect(connection)
        except (TimeoutError, hci.HCI_Error, TransportLostError):
            pass  # a controller that is gone or does not answer has no connections to end
        self.host.on_transport_lost()
        await self._transport.close()

    async def listen(self, listener: Callable[[Heard], None], *, active: bool = True) -> Callable[[], Awaitable[None]]:
        """Report every advertisement to `listener`; scans until all that were returned have been called."""
        number = self._next_listener
        self._next_listener += 1

        async def stop() -> None:
            async with self._scans:
                if self._listeners.pop(number, None) is not None and not self._listeners and not self.lost:
                    await self._ask(self._device.stop_scanning(legacy=True))

        async with self._scans:
            if not self._listeners:
                await self._ask(self._device.start_scanning(legacy=True, active=active))
            self._listeners[number] = listener
        return stop

    async def connect(self, address: str, timeout_s: float) -> device.Connection:
        """Connect to a device that advertises. Raises TimeoutError, SlotsError, ConnectError or LostError."""
        async with asyncio.timeout(timeout_s), self._connects:
            task = asyncio.create_task(self._connect(address), name=f"connect {address}")
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError as error:
                await self._give_up(task)
                if self.lost and not _is_cancelled():  # Bumble cancels what waits for a controller that goes
                    raise LostError(f"{self.name}: the controller is gone") from error
                raise

    async def disconnect(self, connection: device.Connection) -> None:
        """End a connection, if it has not ended by now."""
        if self._device.connections.get(connection.handle) is not connection or self.lost:
            return
        try:
            async with asyncio.timeout(CLEANUP_S):
                await connection.disconnect()
        except (hci.HCI_Error, TransportLostError, TimeoutError, asyncio.CancelledError):
            if _is_cancelled():
                raise

    def rssi_dbm(self, address: str) -> int | None:
        """Return how loudly a device was last heard."""
        heard = self.heard.get(address)
        return None if heard is None else heard.rssi_dbm

    async def _connect(self, address: str) -> device.Connection:
        try:
            return await self._device.connect_le(
                hci.Address(address), connection_parameters_preferences={hci.Phy.LE_1M: self._preferences}
            )
        except hci.HCI_Error as error:
            if error.error_code == hci.HCI_ErrorCode.CONNECTION_LIMIT_EXCEEDED_ERROR:
                raise SlotsError(f"{self.name}: all connection slots are taken") from error
            raise ConnectError(f"{self.name}: cannot connect to {address}: {error}") from error
        except core.ConnectionError as error:
            raise ConnectError(f"{self.name}: the connection to {address} did not come about") from error
        except TransportLostError as error:
            raise LostError(f"{self.name}: the controller is gone") from error
        except core.CommandTimeoutError as error:
            raise RadioError(f"{self.name}: the controller does not answer") from error

    async def _give_up(self, task: asyncio.Task[device.Connection]) -> None:
        """Cancel what the controller is about to do; end the connection if it was faster."""
        try:
            async with asyncio.timeout(CLEANUP_S):
                if not task.done():
                    await self._device.host.send_sync_command_raw(hci.HCI_LE_Create_Connection_Cancel_Command())
                await self.disconnect(await task)
        except (RadioError, TransportLostError, TimeoutError, asyncio.CancelledError):
            task.cancel()

    async def _ask(self, question: Awaitable[None]) -> None:
        try:
            await question
        except TransportLostError as error:
            raise LostError(f"{self.name}: the controller is gone") from error
        except core.CommandTimeoutError as error:
            raise RadioError(f"{self.name}: the controller does not answer") from error

    def _on_advertisement(self, advertisement: device.Advertisement) -> None:
        address = advertisement.address.to_string(with_type_qualifier=False)
        heard = decode(address, advertisement.rssi, advertisement.data.ad_structures)
        self.heard[address] = heard
        for listener in tuple(self._listeners.values()):
            listener(heard)


def _is_cancelled() -> bool:
    """Tell whether somebody outside wants this task to end, or its time is up."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
