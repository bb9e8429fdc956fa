"""What the contract tests of all drivers share: the drivers, a simulated device for each, and a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ankled.drivers.registry import BUILT_IN
from ankled.simulators.peripherals import catalogue
from tests.drivers.conversation import Conversation, board

if TYPE_CHECKING:
    from ankled.drivers.driver import Driver
    from ankled.simulators.peripherals.model import Peripheral

DRIVERS = {one.info.name: one for one in BUILT_IN}
SENSORS = {name: one for name, one in DRIVERS.items() if one.info.kind == "sensor"}

every_driver = pytest.mark.parametrize("name", DRIVERS)
every_device = pytest.mark.parametrize("device", catalogue.DEVICES)


def usual(name: str) -> Peripheral:
    """Return the usual device of a driver, on a walker's leg; for a service driver one that has the service."""
    return catalogue.make(name if name in SENSORS else "rsc", board())


def converse(driver: Driver[Any], device: Peripheral, duration_s: float, **how: Any) -> Conversation:
    """Let a driver and a device talk."""
    talk = Conversation(driver, device, **how)
    talk.begin()
    talk.run(duration_s)
    return talk
