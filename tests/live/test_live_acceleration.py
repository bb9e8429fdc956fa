"""Sensors without a gyroscope on the radio: they give strides, live, replayed and from a capture cut into files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ankled.daemon.capture.writer import CaptureLimits
from ankled.daemon.records import Rep
from ankled.simulators.peripherals.board import Board
from ankled.simulators.peripherals.metamotion import SimulatedMetaMotion
from ankled.simulators.peripherals.motion import stage
from ankled.simulators.peripherals.polar import SimulatedPolar
from ankled.simulators.radio.world import World
from ankled.simulators.scenarios import find as scenario
from ankled.simulators.simulation import simulate
from tests.live.runs import run
from tests.live.test_live_identity import replayed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ankled.daemon.records import Record
    from ankled.simulators.peripherals.model import Peripheral

INTERVAL_S = 0.03
DEVICES: dict[str, Callable[[Board], Peripheral]] = {
    "polar": lambda board: SimulatedPolar(board, "Polar H10 12345678", model="h10"),
    "metamotion": lambda board: SimulatedMetaMotion(board, gyroscope=False),
}


def dressed(device: str, name: str = "walk") -> World:
    """Return a world with this device on both legs, their clocks 50 ppm off."""
    shared, motions = stage(scenario(name))
    world = World(stage=shared, begin="streaming")
    for number, (side, motion) in enumerate(motions.items()):
        board = Board(motion, skew_ppm=50.0 if number else -50.0, seed=number)
        peripheral = DEVICES[device](board)
        assert peripheral.driver == device
        world.add(side, peripheral, interval_s=INTERVAL_S)
    return world


def strides(records: Sequence[Record], device: str) -> list[Rep]:
    """Return the strides of one leg."""
    return [record for record in records if isinstance(record, Rep) and record.device == device]


@pytest.mark.parametrize("device", DEVICES)
def test_strides_come_live_and_replay_to_the_byte(device: str, tmp_path: Path) -> None:
    """Each stride of the walk, at its true time; and what is read back from the files is what was told."""
    world = dressed(device)
    assert world.stage is not None
    path = tmp_path / "live.mcap"
    live = run(world, world.stage.duration_s + 16.0, capture=path, limits=CaptureLimits(rotate_s=9.0))
    assert live.begun_s is not None
    truth = simulate("walk").legs
    for side, leg in truth.items():
        found = strides([record for _, record in live.kept.records], side)
        contacts = [one.initial_contact_s for one in leg.truth if one.initial_contact_s is not None]
        assert len(found) == len(contacts) == 20
        ends = np.array([rep.end_s for rep in found]) - live.begun_s
        np.testing.assert_allclose(ends, contacts, rtol=0, atol=0.1)
        assert {rep.movement for rep in found} == {"walk"}
        assert all("accelerometer_only" in rep.quality_reasons for rep in found)
    lines = live.kept.lines()
    assert sum(b'"kind":"set"' in line for line in lines) == 2
    assert sum(b'"kind":"pair"' in line for line in lines) >= 19
    files = sorted(tmp_path.glob("*.mcap"), key=lambda one: (len(one.name), one.name))
    assert len(files) >= 4
    assert replayed(*files) == lines
    assert replayed(*files[2:]) == lines[-len(replayed(*files[2:])) :]
