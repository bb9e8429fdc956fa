"""A driver that is checked at each input against a fresh one, restored from its snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ankled.drivers.driver import Driver
from ankled.drivers.errors import DecodeError
from ankled.drivers.messages import Block

if TYPE_CHECKING:
    from ankled.drivers.messages import DriverInput, DriverOutput


class Twin(Driver[Any]):
    """Stands before a driver. `compared` counts the inputs for which both gave the same."""

    def __init__(self, driver: Driver[Any]) -> None:
        self.driver = driver
        self.info = driver.info  # type: ignore[misc]  # that of the one behind
        self.options = driver.options
        self.compared = 0

    def start(self) -> list[DriverOutput]:
        """Start the driver."""
        return self.driver.start()

    def feed(self, item: DriverInput) -> list[DriverOutput]:
        """Feed the driver and its twin."""
        twin = type(self.driver)(self.options)
        twin.restore(self.driver.snapshot())
        outputs, others = _told(self.driver, item), _told(twin, item)
        assert len(outputs) == len(others)
        assert all(same(one, two) for one, two in zip(outputs, others, strict=True))
        assert twin.snapshot() == self.driver.snapshot()
        self.compared += 1
        return [output for output in outputs if not isinstance(output, DecodeError)]

    def snapshot(self) -> bytes:
        """Return what the driver remembers."""
        return self.driver.snapshot()


def _told(driver: Driver[Any], item: DriverInput) -> list[DriverOutput | DecodeError]:
    try:
        return [*driver.feed(item)]
    except DecodeError as error:
        return [error]


def same(one: DriverOutput | DecodeError, two: DriverOutput | DecodeError) -> bool:
    """Tell whether two outputs are the same, bit for bit."""
    if isinstance(one, Block) and isinstance(two, Block):
        arrays = ((one.acc, two.acc), (one.gyr, two.gyr), (one.time_s, two.time_s))
        return one.missing == two.missing and all(
            a is b or (a is not None and b is not None and a.shape == b.shape and a.tobytes() == b.tobytes())
            for a, b in arrays
        )
    if isinstance(one, DecodeError) or isinstance(two, DecodeError):
        return repr(one) == repr(two)
    return type(one) is type(two) and msgspec.structs.asdict(one) == msgspec.structs.asdict(two)
