"""An outfit: simulated devices of chosen makes on the legs of a scenario, as a world on the air."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.simulators.imu import CONSUMER, ImuErrors
from ankled.simulators.peripherals.board import Board
from ankled.simulators.peripherals.catalogue import CatalogueError, make
from ankled.simulators.peripherals.motion import stage
from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.errors import RadioError
from ankled.simulators.radio.world import Begin, World
from ankled.simulators.scenarios import find
from ankled.simulators.wearer import SIDES, Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.simulators.mounts import Mount
    from ankled.simulators.scenarios import Scenario

_SENSOR: Final = re.compile(r"^((?:left|right)[a-z0-9_-]*)=([a-z0-9_]+)$")
PAIR: Final = ("left=movesense", "right=openankle")
"""Two makes that differ in everything: rates, packets, clocks."""


class Sensor(msgspec.Struct, frozen=True, kw_only=True):
    """One device: what it is called, on which leg it is, and which simulated device it is."""

    label: str
    side: Side
    device: str


def parse_sensor(text: str) -> Sensor:
    """Return what `left=movesense` or `right-2=polar` means. Raises RadioError."""
    found = _SENSOR.match(text)
    if found is None:
        raise RadioError(f'"{text}" is no sensor; allowed is LABEL=DEVICE, where LABEL begins with left or right')
    label, device = found.groups()
    (side,) = (side for side in SIDES if label.startswith(side))
    return Sensor(label=label, side=side, device=device)


def worn(  # noqa: PLR0913  (each is one independent wish, all but the first two by keyword)
    scenario: str | Scenario,
    sensors: Iterable[Sensor],
    *,
    seed: int = 0,
    mount: Mount | None = None,
    errors: ImuErrors = CONSUMER,
    skew_ppm: float = 0.0,
    interval_s: float | None = None,
    repeat: bool = False,
    begin: Begin = "streaming",
) -> World:
    """Return a world with these sensors on one wearer.

    Every second clock runs fast by `skew_ppm`, the others slow by as much. `interval_s` is that of the connections: so
    often packets come. Raises RadioError for an unknown device and ScenarioError for an unknown scenario.
    """
    chosen = find(scenario) if isinstance(scenario, str) else scenario
    shared, motions = stage(chosen, seed=seed, mount=mount, repeat=repeat)
    timing = None if interval_s is None else Timing(interval_s=interval_s)
    world = World(stage=shared, begin=begin, timing=timing)
    for number, sensor in enumerate(sensors):
        board = Board(
            motions[sensor.side],
            skew_ppm=skew_ppm if number % 2 == 0 else -skew_ppm,
            errors=errors,
            seed=seed + number,
        )
        try:
            peripheral = make(sensor.device, board)
        except CatalogueError as error:
            raise RadioError(str(error)) from error
        world.add(sensor.label, peripheral, interval_s=interval_s)
    return world
