"""gait_feet_ipol: walks with a turn, a sensor on each foot, every toe-off and heel-strike checked by hand.

Annotations count packets, not rows, and some 4 % of the packets are missing: time is the packet counter over 100 Hz.
Both feet count the same packets. Annotations outside the trial's boundaries are incomplete.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from benchmarks.datasets.common import FloatArray, Recording, data_folder, recording

NAME = "gait_feet_ipol"
RATE_HZ = 100.0
MARGIN_S = 0.2
"""Events this far outside the trial's boundaries still count."""

FEET = {"left": ("lf", "LeftFootEvents"), "right": ("rf", "RightFootEvents")}


@dataclass(frozen=True, slots=True)
class Foot:
    """One foot of a walk; `toe_off_s` and `heel_strike_s` (n,) are the two ends of each swing, in order."""

    data: Recording
    toe_off_s: FloatArray
    heel_strike_s: FloatArray


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk: 10 m, a turn, 10 m back. Times on the packet clock of both feet."""

    name: str
    start_s: float
    end_s: float
    turn_s: tuple[float, float]
    feet: dict[str, Foot]

    def window_s(self) -> tuple[float, float]:
        """Return the span in which events are scored."""
        return self.start_s - MARGIN_S, self.end_s + MARGIN_S


def walk_names() -> list[str]:
    """Return the names of all walks, in order of person and trial."""
    stems = (path.stem for path in data_folder(NAME).glob("*-*.json"))
    return sorted(stems, key=lambda stem: tuple(int(part) for part in stem.split("-")))


def load_walk(name: str) -> Walk:
    """Return one walk, such as `3-2`."""
    folder = data_folder(NAME)
    notes = json.loads((folder / f"{name}.json").read_text())
    feet: dict[str, Foot] = {}
    with np.load(folder / f"{name}.npz") as arrays:
        for side, (key, events) in FEET.items():
            swings = np.asarray(notes[events], dtype=np.float64).reshape(-1, 2) / RATE_HZ
            data = recording(arrays[f"{key}_pc"] / RATE_HZ, arrays[key])
            feet[side] = Foot(data, swings[:, 0], swings[:, 1])
    start, end = (packet / RATE_HZ for packet in notes["TrialBoundaries"])
    turn = notes["UTurnBoundaries"]
    return Walk(name, start, end, (turn[0] / RATE_HZ, turn[1] / RATE_HZ), feet)
