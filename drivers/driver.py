"""What a driver is: a family of devices described, and a state machine for one connection to one of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, Self, TypeVar

import msgspec

from ankled.drivers.errors import DecodeError, OptionsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.drivers.messages import DriverInput, DriverOutput, Value

Stream = Literal["acc", "gyr", "cadence"]
Side = Literal["left", "right", "unknown"]

StateT = TypeVar("StateT", bound=msgspec.Struct)


class Advertisement(msgspec.Struct, frozen=True, kw_only=True):
    """What a device says of itself while nobody is connected. UUIDs as in `uuids`, manufacturer data by company id."""

    address: str
    name: str | None = None
    services: tuple[str, ...] = ()
    manufacturer: dict[int, bytes] = msgspec.field(default_factory=dict)
    rssi_dbm: int | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a device; None leaves it to the driver."""

    rate_hz: float | None = None
    acc_range_g: float | None = None
    gyr_range_dps: float | None = None


class DriverInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver is for and what its devices offer. UUIDs as in `uuids`.

    `kind`: a `sensor` driver takes a device by its advertisement; a `service` driver goes along with any device that
    has its GATT services. `services` must be on the device. `characteristics` names them for people. `name_prefixes`
    and `advertised_services` tell the device by its advertisement. `rates_hz` and the ranges are what may be asked for;
    empty where nothing can be set. `longest_gap_s` is the longest time between two packets while all is well, at the
    default rate. `clock` says whether samples carry the sensor's own time.
    """

    name: str
    title: str
    kind: Literal["sensor", "service"]
    services: tuple[str, ...]
    characteristics: dict[str, str]
    name_prefixes: tuple[str, ...] = ()
    advertised_services: tuple[str, ...] = ()
    streams: tuple[Stream, ...] = ()
    rates_hz: tuple[float, ...] = ()
    default_rate_hz: float | None = None
    acc_ranges_g: tuple[float, ...] = ()
    gyr_ranges_dps: tuple[float, ...] = ()
    min_mtu: int = 23
    longest_gap_s: float = 1.0
    clock: Literal["sensor", "arrivals"] = "arrivals"

    def at(self, rate_hz: float | None) -> Self:
        """Return what holds at this rate: the slower samples come, the longer a packet of them takes."""
        if rate_hz is None or self.default_rate_hz is None or rate_hz >= self.default_rate_hz:
            return self
        return msgspec.structs.replace(self, longest_gap_s=self.longest_gap_s * self.default_rate_hz / rate_hz)

    def check(self, options: Options) -> None:
        """Raise OptionsError for what no device of this family offers."""
        for key, allowed in (
            ("rate_hz", self.rates_hz),
            ("acc_range_g", self.acc_ranges_g),
            ("gyr_range_dps", self.gyr_ranges_dps),
        ):
            value = getattr(options, key)
            if value is None or value in allowed:
                continue
            offer = ", ".join(f"{one:g}" for one in allowed) or "nothing: it cannot be set"
            raise OptionsError(f"{key} is {value:g}; {self.name} offers {offer}")


class Driver(ABC, Generic[StateT]):
    """One connection to one device. All that it remembers is `state`, so that it can be saved and taken up again.

    `start` and `feed` never block, read no clock and do no I/O. A DecodeError from `feed` leaves the driver usable:
    the packet is counted as lost and the next one is fed.
    """

    info: ClassVar[DriverInfo]
    State: ClassVar[type[msgspec.Struct]]

    def __init__(self, options: Options | None = None) -> None:
        """Prepare for a new connection. Raises OptionsError for what no device of this family offers."""
        self.options = Options() if options is None else options
        self.info.check(self.options)
        self.state: StateT = self.State()  # type: ignore[assignment]  # a class variable cannot be generic

    @classmethod
    def matches(cls, seen: Advertisement) -> bool:
        """Tell whether a device that advertises so is one of this family."""
        info = cls.info
        named = seen.name is not None and seen.name.startswith(info.name_prefixes or ("\0",))
        return named or any(uuid in info.advertised_services for uuid in seen.services)

    @classmethod
    def for_decoding(cls, context: Mapping[str, Value]) -> Self:
        """Return a driver that takes packets from the middle of a stream, which `context` tells about.

        Keys are those of `ankled decode --context`; unknown or unfit ones raise DecodeError.
        """
        refuse_context(context, ())
        return cls()

    @abstractmethod
    def start(self) -> list[DriverOutput]:
        """Return what to do once connected and discovered."""

    @abstractmethod
    def feed(self, item: DriverInput) -> list[DriverOutput]:
        """Take one input and return what follows, in order. Raises DecodeError."""

    def stop(self) -> list[DriverOutput]:
        """Return what to do before a wanted disconnect, so that the device rests and saves its battery."""
        return []

    def set_weight(self, mass_kg: float | None, side: Side) -> list[DriverOutput]:  # noqa: ARG002 - for those who can
        """Return what makes the device remember its mass and its leg; nothing where it cannot. Raises OptionsError."""
        return []

    def snapshot(self) -> bytes:
        """Return everything this connection remembers."""
        return msgspec.msgpack.encode(self.state)

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot of the same driver with the same options. Raises msgspec.DecodeError."""
        self.state = msgspec.msgpack.decode(data, type=self.State)  # type: ignore[assignment]  # as in __init__


def refuse_context(context: Mapping[str, Value], allowed: tuple[str, ...]) -> None:
    """Raise DecodeError for keys that a driver's packets do not need."""
    for key in context:
        if key not in allowed:
            raise DecodeError(f'context key "{key}" is not known here; allowed: {", ".join(allowed) or "none"}')


def context_number(context: Mapping[str, Value], key: str) -> float | None:
    """Return a number of the context, or None if it is not there. Raises DecodeError for anything else."""
    value = context.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError(f'context key "{key}" is {value!r}; a number is needed')
    return float(value)


def context_text(context: Mapping[str, Value], key: str, allowed: tuple[str, ...] = ()) -> str | None:
    """Return a text of the context, one of `allowed` if there are any, or None. Raises DecodeError."""
    value = context.get(key)
    if value is None or (isinstance(value, str) and (not allowed or value in allowed)):
        return value
    raise DecodeError(f'context key "{key}" is {value!r}; allowed: {", ".join(allowed) or "text"}')
