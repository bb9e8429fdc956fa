"""Every simulated device by name: the families, and the models of a family that differ in what they can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ankled.simulators.peripherals.footpod import SimulatedFootpod
from ankled.simulators.peripherals.metamotion import SimulatedMetaMotion
from ankled.simulators.peripherals.movella_dot import SimulatedMovellaDot
from ankled.simulators.peripherals.movesense import SimulatedMovesense
from ankled.simulators.peripherals.openankle import SimulatedOpenAnkle
from ankled.simulators.peripherals.polar import SimulatedPolar
from ankled.simulators.peripherals.witmotion import SimulatedWitMotion

if TYPE_CHECKING:
    from ankled.simulators.peripherals.board import Board
    from ankled.simulators.peripherals.model import Peripheral


class CatalogueError(ValueError):
    """There is no such simulated device; the message is one sentence."""


class Device(NamedTuple):
    """A simulated device: its class, the name that one advertises, and the traits of the model."""

    family: type[Peripheral]
    advertised_name: str
    traits: dict[str, Any]

    def make(self, board: Board, advertised_name: str | None = None) -> Peripheral:
        """Return one around a board."""
        return self.family(board, advertised_name or self.advertised_name, **self.traits)


DEVICES: Final = {
    "movesense": Device(SimulatedMovesense, "Movesense 174630000192", {}),
    "movella_dot": Device(SimulatedMovellaDot, "Movella DOT", {}),
    "witmotion": Device(SimulatedWitMotion, "WT901BLE68", {}),
    "polar": Device(SimulatedPolar, "Polar Sense 12345678", {"model": "verity"}),
    "polar_h10": Device(SimulatedPolar, "Polar H10 12345678", {"model": "h10"}),
    "metamotion": Device(SimulatedMetaMotion, "MetaWear", {"chip": "bmi160"}),
    "metamotion_s": Device(SimulatedMetaMotion, "MetaWear", {"chip": "bmi270"}),
    "openankle": Device(SimulatedOpenAnkle, "OpenAnkle-3FA2", {}),
    "rsc": Device(SimulatedFootpod, "Footpod 0001", {}),
}
"""Every simulated device by name. Each name of a sensor driver is one of them: its usual model."""


def make(name: str, board: Board, advertised_name: str | None = None) -> Peripheral:
    """Return the device called `name` around a board. Raises CatalogueError, which names those there are."""
    try:
        device = DEVICES[name]
    except KeyError:
        raise CatalogueError(f'no simulated device is called "{name}"; there are {", ".join(DEVICES)}') from None
    return device.make(board, advertised_name)
