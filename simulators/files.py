"""A simulation as files: one CSV a leg, and the truth as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.simulators.mounts import Mount
from ankled.simulators.scenarios import Slip
from ankled.simulators.standing import Sway, sway
from ankled.simulators.truth import Repetition

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.simulators.simulation import LegRecording, Simulation

CSV_HEADER = "t,ax,ay,az,gx,gy,gz"


class LegTruth(msgspec.Struct, frozen=True, kw_only=True):
    """The truth about one leg. The mounts are the leg's `left` and `up` in the sensor's frame.

    `standing` is how the leg swayed each time it stood alone, from the first moment to the last.
    """

    mount: Mount
    mount_after: Mount
    mass_kg: float
    slips: tuple[Slip, ...]
    repetitions: list[Repetition]
    standing: list[Sway]


class Truth(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ankled.truth/1"):
    """The truth about one simulated recording."""

    scenario: str
    description: str
    seed: int
    rate_hz: float
    duration_s: float
    legs: dict[str, LegTruth]


def write_csv(path: Path, leg: LegRecording) -> None:
    """Write what the leg's sensor recorded: s, m/s2, rad/s."""
    table = np.column_stack((leg.time_s, leg.acc, leg.gyr))
    np.savetxt(path, table, fmt=["%.6f"] + ["%.9g"] * 6, delimiter=",", header=CSV_HEADER, comments="")


def truth_json(simulation: Simulation) -> bytes:
    """Return the truth of both legs as indented JSON of `ankled.truth/1`."""
    truth = Truth(
        scenario=simulation.scenario.name,
        description=simulation.scenario.description,
        seed=simulation.seed,
        rate_hz=simulation.rate_hz,
        duration_s=simulation.duration_s,
        legs={
            side: LegTruth(
                mount=leg.mount,
                mount_after=leg.mount_after,
                mass_kg=leg.mass_kg,
                slips=leg.slips,
                repetitions=leg.truth,
                standing=[sway(leg.limb, start_s, end_s) for start_s, end_s in leg.stands],
            )
            for side, leg in simulation.legs.items()
        },
    )
    return msgspec.json.format(msgspec.json.encode(truth), indent=2) + b"\n"
