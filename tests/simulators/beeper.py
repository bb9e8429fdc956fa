"""A tiny simulated device for the tests of the radio, and a world with some of them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from bleak import BleakClient, BleakScanner

from ankled.drivers.uuids import sig
from ankled.simulators.peripherals import model as m
from ankled.simulators.peripherals.board import Board
from ankled.simulators.peripherals.motion import Motion
from ankled.simulators.radio.backend import backends
from ankled.simulators.radio.world import World

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice

    from ankled.simulators.radio.central import Central
    from ankled.simulators.smooth import Floats

SERVICE = "61353090-8231-49cc-b57a-886370740041"
DATA = "61353091-8231-49cc-b57a-886370740041"
COMMAND = "61353092-8231-49cc-b57a-886370740041"
ANSWER = "61353093-8231-49cc-b57a-886370740041"
LONG = "61353094-8231-49cc-b57a-886370740041"
HEAD = struct.Struct("<Id")
REFUSED = 0x80
LONG_VALUE = bytes(range(256)) + bytes(range(100))


class Still(Motion):
    """A sensor that lies on a table."""

    def __init__(self) -> None:
        """Need nothing."""

    def at(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Return gravity and no rotation."""
        return np.tile([0.0, 0.0, 9.80665], (len(time_s), 1)), np.zeros((len(time_s), 3))


class Beeper(m.Peripheral):
    """Sends number and clock of each sample in a packet of `samples`, once told to: `r` and a rate, `s` to stop."""

    driver = "beeper"

    def __init__(self, name: str = "Beeper", *, samples: int = 1, size: int = HEAD.size) -> None:
        super().__init__(Board(Still(), fifo=64), name)
        self.samples = samples
        self.size = size
        self.advanced_s: list[float] = []
        self.calls: list[str] = []
        self._answers: list[bytes] = []

    @property
    def services(self) -> tuple[m.Service, ...]:
        """Data, a command with an answer that is indicated, a long value, a battery."""
        own = (
            m.Characteristic(uuid=DATA, properties=("notify",)),
            m.Characteristic(uuid=COMMAND, properties=("write", "write-without-response")),
            m.Characteristic(uuid=ANSWER, properties=("indicate",)),
            m.Characteristic(uuid=LONG, properties=("read",)),
        )
        return (m.Service(uuid=SERVICE, characteristics=own), m.BATTERY_SERVICE)

    @property
    def advertising(self) -> m.Advertising:
        """The battery service, the name, and the company id for tests."""
        return m.Advertising(name=self.name, services=(sig(0x180F),), manufacturer={0xFFFF: b"bp"})

    def connect(self, mtu: int, now_s: float) -> None:
        """Note it."""
        super().connect(mtu, now_s)
        self.calls.append(f"connect {mtu}")

    def disconnect(self, now_s: float) -> None:
        """Note it."""
        super().disconnect(now_s)
        self.calls.append("disconnect")

    def read(self, characteristic: str, now_s: float) -> bytes:
        """Read the long value, or what every device has."""
        return LONG_VALUE if characteristic == LONG else super().read(characteristic, now_s)

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Take `r` and a rate, `s`, or `x`, which is a defect of the device."""
        assert characteristic == COMMAND
        if self.refusals:
            self.refusals -= 1
            raise m.AttError(REFUSED)
        match data[:1]:
            case b"r":
                self.board.begin(float(data[1]), now_s)
            case b"s":
                self.board.halt(now_s)
            case b"x":
                msg = "a defect of the device"
                raise ZeroDivisionError(msg)
            case _:
                raise m.AttError(m.AttError.INVALID_LENGTH)
        self._answers.append(b"did " + data[:1])

    def advance(self, now_s: float) -> list[m.Outgoing]:
        """Return answers first, then whole packets."""
        self.advanced_s.append(now_s)
        out = []
        if ANSWER in self.subscribed:
            out = [m.Outgoing(characteristic=ANSWER, data=answer) for answer in self._answers]
            self._answers.clear()
        while DATA in self.subscribed and self.board.ready(now_s) >= self.samples:
            taken = self.board.take(self.samples)
            data = HEAD.pack(taken.first, float(taken.time_s[0])).ljust(self.size, b"\0")
            out.append(m.Outgoing(characteristic=DATA, data=data))
        return out


class Received(NamedTuple):
    """A packet: when it came by the radio's time, the number of its first sample, and its clock."""

    at_s: float
    number: int
    clock_s: float


def world(*labels: str, **options: Any) -> World:
    """Return a world of beepers."""
    made = World(**options)
    for label in labels or ("left",):
        made.add(label, Beeper(f"Beeper {label}"))
    return made


def beeper(of: World, label: str = "left") -> Beeper:
    """Return the device behind a label."""
    peripheral = of.server(label).peripheral
    assert isinstance(peripheral, Beeper)
    return peripheral


async def found(of: World, central: Central, label: str = "left", timeout_s: float = 5.0) -> BLEDevice:
    """Return a device that advertises."""
    scanner, _ = backends(central)
    address = of.server(label).placing.address
    device = await BleakScanner.find_device_by_address(address, timeout_s, backend=scanner)
    assert device is not None, f"{label} was not found"
    return device


class Session:
    """A BleakClient to one beeper that keeps what comes. An async context manager, as BleakClient is."""

    def __init__(self, device: BLEDevice, central: Central, of: World, **options: Any) -> None:
        self.lost_s: list[float] = []
        self.received: list[Received] = []
        self.answers: list[bytes] = []
        self._world = of
        transaction_s = options.pop("transaction_s", 30.0)
        _, backend = backends(central, transaction_s=transaction_s)
        self.client = BleakClient(device, self._lost, backend=backend, **options)

    async def __aenter__(self) -> Self:
        await self.client.connect()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.client.disconnect()

    async def stream(self, rate_hz: int = 100) -> None:
        """Subscribe and begin."""
        await self.client.start_notify(DATA, self._data)
        await self.command(b"r" + bytes([rate_hz]))

    async def command(self, data: bytes) -> None:
        """Write a command with a response."""
        await self.client.write_gatt_char(COMMAND, data, response=True)

    async def listen(self) -> None:
        """Want the answers."""
        await self.client.start_notify(ANSWER, lambda _, data: self.answers.append(bytes(data)))

    @property
    def numbers(self) -> list[int]:
        """The sample numbers received."""
        return [one.number for one in self.received]

    def _data(self, _characteristic: object, data: bytearray) -> None:
        number, clock_s = HEAD.unpack_from(data)
        self.received.append(Received(self._world.now_s, number, clock_s))

    def _lost(self, _client: BleakClient) -> None:
        self.lost_s.append(self._world.now_s)
