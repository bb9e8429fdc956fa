"""What a simulated device is to the radio: services, an advertisement, and answers. No radio and no clock in here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import msgspec

from ankled.drivers.uuids import sig

if TYPE_CHECKING:
    from ankled.simulators.peripherals.board import Board

Property = Literal["read", "write", "write-without-response", "notify", "indicate"]

BATTERY_LEVEL: Final = sig(0x2A19)


class AttError(Exception):
    """The device refuses a request with an ATT error code (Bluetooth Core 5.4, Vol 3, Part F, 3.4.1.1)."""

    READ_NOT_PERMITTED: ClassVar[int] = 0x02
    WRITE_NOT_PERMITTED: ClassVar[int] = 0x03
    INVALID_OFFSET: ClassVar[int] = 0x07
    INVALID_LENGTH: ClassVar[int] = 0x0D
    UNLIKELY: ClassVar[int] = 0x0E

    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error 0x{code:02x}")
        self.code = code


class Characteristic(msgspec.Struct, frozen=True, kw_only=True):
    """One characteristic; `uuid` as in `drivers.uuids`."""

    uuid: str
    properties: tuple[Property, ...]


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One primary service."""

    uuid: str
    characteristics: tuple[Characteristic, ...]


class Advertising(msgspec.Struct, frozen=True, kw_only=True):
    """What the device advertises while nobody is connected. `name` goes into the scan response if need be."""

    name: str
    services: tuple[str, ...] = ()
    manufacturer: dict[int, bytes] = msgspec.field(default_factory=dict)


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A value to send; whether as a notification or an indication follows from the characteristic's properties."""

    characteristic: str
    data: bytes


class Peripheral(ABC):
    """One simulated device. All times are the radio's, in s, and never fall.

    The radio calls `advance` at each connection event and sends what it returns in that order. Only what the central
    has subscribed to is returned: the base class keeps `subscribed` and `mtu`. `refusals` is how many of the next
    commands the device answers with the error its protocol has for that.
    """

    driver: ClassVar[str]
    """The name of the driver whose device this is."""

    def __init__(self, board: Board, name: str) -> None:
        """Put a board into a casing that advertises `name`."""
        self.board = board
        self.name = name
        self.connected = False
        self.mtu = 23
        self.subscribed: set[str] = set()
        self.refusals = 0

    @property
    @abstractmethod
    def services(self) -> tuple[Service, ...]:
        """The GATT table."""

    @property
    @abstractmethod
    def advertising(self) -> Advertising:
        """What it advertises."""

    def connect(self, mtu: int, now_s: float) -> None:  # noqa: ARG002  (families may care when)
        """Begin a connection; `mtu` is what both sides agreed on, and may still grow by another call."""
        self.connected = True
        self.mtu = mtu

    def disconnect(self, now_s: float) -> None:
        """End the connection, wanted or not. Families that go on measuring override this."""
        self.connected = False
        self.mtu = 23
        self.subscribed.clear()
        self.board.halt(now_s)

    def reset(self, now_s: float) -> None:
        """Lose power for a moment: the clock begins anew, every setting is back to its default."""
        self.disconnect(now_s)
        self.board.reboot(now_s)

    def subscribe(self, characteristic: str, *, on: bool, now_s: float) -> None:  # noqa: ARG002  (as in connect)
        """Note that the central wrote the client configuration of a characteristic."""
        (self.subscribed.add if on else self.subscribed.discard)(characteristic)

    def read(self, characteristic: str, now_s: float) -> bytes:  # noqa: ARG002  (as in connect)
        """Return the value of a characteristic. Raises AttError."""
        if characteristic == BATTERY_LEVEL:
            return bytes([round(self.board.battery_percent)])
        raise AttError(AttError.READ_NOT_PERMITTED)

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:  # noqa: ARG002  (as in connect)
        """Take a command. Its answer, if there is one, comes from `advance`. Raises AttError."""
        raise AttError(AttError.WRITE_NOT_PERMITTED)

    @abstractmethod
    def advance(self, now_s: float) -> list[Outgoing]:
        """Return everything that is ready to be sent at `now_s`, answers first."""

    @property
    def streaming(self) -> bool:
        """Whether samples are being taken for the central."""
        return self.board.running


BATTERY_SERVICE: Final = Service(
    uuid=sig(0x180F), characteristics=(Characteristic(uuid=BATTERY_LEVEL, properties=("read", "notify")),)
)
"""The battery service, for devices that have it."""
