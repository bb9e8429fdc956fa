"""leg_raises_pt: four leg exercises of two people, 30 repetitions a session: 10 correct, 10 fast, 10 low.

Unit u2 is the moving lower leg. 25 Hz. Indices of the annotations count from 1. Every interval is known for person 1;
for person 2 the protocol gives 10 in each of the three sets, and the two longest pauses part the sets.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np

from benchmarks.datasets.common import FloatArray, Recording, data_folder, recording

NAME = "leg_raises_pt"
RATE_HZ = 25.0
UNIT = "u2_test"
STYLES = ("correct", "fast", "low")
REPS_PER_SET = 10
EXERCISES = {1: "seated knee extension", 3: "supine leg raise", 4: "side-lying abduction", 5: "prone hip extension"}

_QUIET_RAD_S = 0.25
_QUIET_WIDTH_S = 1.0


@dataclass(frozen=True, slots=True)
class LegSession:
    """One test session: `intervals_s` (30, 2) or None where unknown, `borders_s` the middles of the two pauses."""

    name: str
    exercise: str
    data: Recording
    intervals_s: FloatArray | None
    borders_s: tuple[float, float]

    def set_of(self, time_s: float) -> int:
        """Return which of the three sets a time belongs to."""
        return int(np.searchsorted(self.borders_s, time_s))


def session_names() -> list[str]:
    """Return the names of all sessions, such as `s1_e4`."""
    return sorted(path.stem for path in data_folder(NAME).glob("s*_e*.npz"))


def pauses_s(data: Recording) -> list[tuple[float, float]]:
    """Return the two longest stretches without movement inside a session, in order of time.

    A stretch is quiet where the angular rate stays below 0.25 rad/s within half a second on either side. It says
    nothing about repetitions, so a count by set does not depend on the detector that it judges.
    """
    half = round(_QUIET_WIDTH_S / 2 * RATE_HZ)
    padded = np.pad(np.linalg.norm(data.gyr, axis=1), half, mode="edge")
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).max(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (highest < _QUIET_RAD_S).astype(np.int8), [0]])))
    stretches = [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if a > 0 and b < len(highest)]
    longest = sorted(stretches, key=lambda pair: pair[0] - pair[1])[: len(STYLES) - 1]
    return [(a / RATE_HZ, b / RATE_HZ) for a, b in sorted(longest)]


def load_session(name: str) -> LegSession:
    """Return one test session, such as `s1_e4`."""
    folder = data_folder(NAME)
    with np.load(folder / f"{name}.npz") as arrays:
        six = arrays[UNIT]
    data = recording(np.arange(len(six)) / RATE_HZ, six)
    times = folder / f"{name}_test_times.csv"
    intervals = None
    if times.exists():
        with times.open(newline="") as file:
            rows = [(float(row["start"]) - 1, float(row["end"]) - 1) for row in csv.DictReader(file)]
        intervals = np.asarray(rows) / RATE_HZ
    borders: list[float] = []
    for index, (quiet, moving) in enumerate(pauses_s(data)):
        last = (index + 1) * REPS_PER_SET
        pair = (quiet, moving) if intervals is None else (intervals[last - 1, 1], intervals[last, 0])
        borders.append(float(sum(pair)) / 2)
    number = int(name.split("_e")[1])
    exercise = EXERCISES.get(number, f"exercise {number}")
    return LegSession(name, exercise, data, intervals, (borders[0], borders[1]))
