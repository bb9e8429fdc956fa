"""A world of simulated devices on one air, started and stopped as a whole."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from hashlib import blake2s
from typing import TYPE_CHECKING, Final, Literal, Self

from bumble.transport.common import Transport

from ankled.simulators.radio.air import Air
from ankled.simulators.radio.central import Central
from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.controller import DEFAULT_SLOTS, AirController
from ankled.simulators.radio.errors import RadioError
from ankled.simulators.radio.server import Placing, Server

if TYPE_CHECKING:
    from ankled.simulators.peripherals.model import Peripheral
    from ankled.simulators.peripherals.motion import Stage

POWER_OFF: Final = 0x15
"""Remote Device Terminated Connection due to Power Off (Bluetooth Core 5.4, Vol 1, Part F, 1.3)."""

Begin = Literal["streaming", "at once"]


def static_address(label: str) -> str:
    """Return a random static address that is always the same for a label (Core 5.4, Vol 6, Part B, 1.3.2.1)."""
    digest = bytearray(blake2s(label.encode(), digest_size=6).digest())
    digest[0] |= 0xC0
    return digest.hex(":").upper()


class World:
    """Devices, the air between them, and the centrals in this process. An async context manager.

    `timing` is what centrals ask for. `paced` makes requests wait for connection events too. A `stage` begins when all
    devices stream, or at once. Times are the radio's, s: 0 when the world begins.
    """

    def __init__(
        self,
        *,
        stage: Stage | None = None,
        begin: Begin = "streaming",
        timing: Timing | None = None,
        paced: bool = False,
    ) -> None:
        self.stage = stage
        self.timing = timing or Timing()
        self.servers: dict[str, Server] = {}
        self._begin: Begin = begin
        self._paced = paced
        self._placings: dict[str, Placing] = {}
        self._air: Air | None = None
        self._stack = AsyncExitStack()
        self._failure: Exception | None = None
        self._begun: asyncio.Future[float] | None = None

    def add(  # noqa: PLR0913  (each is one independent trait of the device on the air)
        self,
        label: str,
        peripheral: Peripheral,
        *,
        address: str | None = None,
        mtu: int = 247,
        rssi_dbm: int = -60,
        advertising_s: float = 0.1,
        interval_s: float | None = None,
    ) -> str:
        """Put a device into the world before it begins, and return its address. `mtu` is the most it agrees to."""
        if self._air is not None:
            raise RadioError(f'"{label}" comes too late: devices are added before the world begins')
        if label in self._placings:
            raise RadioError(f'there are two devices "{label}"; labels must differ')
        address = (address or static_address(label)).upper()
        self._placings[label] = Placing(
            label=label,
            peripheral=peripheral,
            address=address,
            mtu=mtu,
            rssi_dbm=rssi_dbm,
            advertising_s=advertising_s,
            interval_s=interval_s,
        )
        return address

    @property
    def air(self) -> Air:
        """What carries the packets, once the world has begun."""
        if self._air is None:
            raise RadioError("the world has not begun")
        return self._air

    @property
    def now_s(self) -> float:
        """The radio's time."""
        return self.air.now_s

    @property
    def labels(self) -> tuple[str, ...]:
        """The devices, in the order in which they were added."""
        return tuple(self._placings)

    def address(self, label: str) -> str:
        """Return the address of a device, before and after the world begins. Raises RadioError."""
        return self._placing(label).address

    def peripheral(self, label: str) -> Peripheral:
        """Return a device as it was put in. Raises RadioError."""
        return self._placing(label).peripheral

    def server(self, label: str) -> Server:
        """Return a device on the air. Raises RadioError."""
        try:
            return self.servers[label]
        except KeyError:
            raise RadioError(f'there is no device "{label}"; there are: {", ".join(self.servers) or "none"}') from None

    async def __aenter__(self) -> Self:
        if self._air is not None:
            raise RadioError("a world begins once; make another one")
        self._air = Air(paced=self._paced)
        if self.stage is not None:
            self._begun = asyncio.get_running_loop().create_future()
            if self._begin == "at once":
                self._begin_stage(self.stage, self._begun)
        try:
            for label, placing in self._placings.items():
                server = Server(self._air, placing, self._fail, self._stepped)
                self._stack.push_async_callback(server.stop)
                self.servers[label] = server
                await server.start()
        except BaseException:
            await self._stack.aclose()
            raise
        self._stack.push_async_callback(self._end_links)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_exception: object) -> None:
        await self._stack.aclose()
        if self._failure is not None and kind is None:
            raise self._failure

    async def central(self, label: str = "central", *, slots: int = DEFAULT_SLOTS) -> Central:
        """Return a new central in this process, with a controller of its own. It ends with the world at the latest."""
        controller = self.adapter(label, slots=slots)
        central = Central(label, static_address(label), Transport(controller, controller), timing=self.timing)
        self._stack.push_async_callback(central.close)
        await central.start()
        return central

    def adapter(self, label: str, *, slots: int = DEFAULT_SLOTS) -> AirController:
        """Return a new controller without a host, for whoever wants to be its host."""
        return AirController(label, self.air, slots=slots)

    async def begun(self) -> float:
        """Wait until the stage has begun, and return the radio's time at which its scenario begins."""
        if self._begun is None:
            raise RadioError("this world has no stage, or has not begun")
        return await asyncio.shield(self._begun)

    def _placing(self, label: str) -> Placing:
        if label not in self._placings:
            raise RadioError(f'there is no device "{label}"; there are: {", ".join(self._placings) or "none"}')
        return self._placings[label]

    def _stepped(self) -> None:
        """See, after a device has done something, whether all of them stream."""
        if self.stage is None or self._begun is None or self._begun.done():
            return
        if all(placing.peripheral.streaming for placing in self._placings.values()):
            self._begin_stage(self.stage, self._begun)

    def _begin_stage(self, stage: Stage, begun: asyncio.Future[float]) -> None:
        stage.begin(self.now_s)
        begun.set_result(self.now_s if stage.begins_s is None else stage.begins_s)

    def _fail(self, failure: Exception) -> None:
        """Keep the first defect of a device: it is raised when the world ends."""
        if self._failure is None:
            self._failure = failure
            told = {"message": "a simulated device has a defect", "exception": failure}
            asyncio.get_running_loop().call_exception_handler(told)

    async def _end_links(self) -> None:
        for link in tuple(self.air.links):
            link.drop(POWER_OFF)
        await asyncio.sleep(0)  # lets the hosts hear of it
