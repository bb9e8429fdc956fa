"""What the tests of WitMotion share: packets fed to a driver in mid-stream, and its outputs sorted."""

from __future__ import annotations

from typing import Any

from ankled.drivers import messages as m
from ankled.drivers.witmotion import WitMotion
from ankled.drivers.witmotion.rate import DATA


def fed(*packets: bytes) -> list[m.DriverOutput]:
    """Return what a driver makes of notifications from the middle of a stream."""
    driver = WitMotion.for_decoding({})
    return [output for data in packets for output in driver.feed(m.Notification(characteristic=DATA, data=data))]


def blocks(outputs: list[m.DriverOutput]) -> list[m.Block]:
    """Return the blocks among outputs."""
    return [output for output in outputs if isinstance(output, m.Block)]


def values(outputs: list[m.DriverOutput], name: str) -> list[dict[str, Any]]:
    """Return the values of the events of one name."""
    return [output.value for output in outputs if isinstance(output, m.Event) and output.name == name]
