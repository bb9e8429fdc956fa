"""gait_feet_gaitmap: feet on level ground, on stairs and of a patient with multiple sclerosis.

Rates differ: 204.8 Hz for the walk and the stairs, 102.4 Hz for the files `ic_stride` and `ms`. The latter is not
written anywhere; it is the rate at which angular rate and gravity agree (with 204.8 Hz the strides of `ic_stride`
would last 0.57 s). All angular rates are in deg/s. Truth is another program's segmentation, not a force plate; the
stretches between its strides (turns) have none and are not scored. Stairs and the patient have no truth at all.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.datasets.common import FloatArray, Recording, data_folder, recording

if TYPE_CHECKING:
    from pathlib import Path

NAME = "gait_feet_gaitmap"
MARGIN_S = 0.2
"""Events this far outside an annotated stretch still count."""

FAST_HZ = 204.8
SLOW_HZ = 102.4
AXES = ("acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")
DEG = np.pi / 180.0
SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class Strides:
    """Truth of one foot: contact and toe-off times (n,), the stretches they cover, and a length for some contacts."""

    contact_s: FloatArray
    toe_off_s: FloatArray
    spans_s: tuple[tuple[float, float], ...]
    length_m: dict[float, float]


@dataclass(frozen=True, slots=True)
class Pass:
    """One recording of both feet; `truth` is empty where none exists."""

    name: str
    feet: dict[str, Recording]
    truth: dict[str, Strides]


def _columns(path: Path, header_rows: int) -> tuple[list[tuple[str, ...]], FloatArray]:
    """Return the header of each column, top to bottom, and the table of numbers."""
    with path.open(newline="") as file:
        reader = csv.reader(file)
        headers = [next(reader) for _ in range(header_rows)]
        table = np.asarray([[float(cell) for cell in row] for row in reader])
    return list(zip(*headers, strict=True)), table


def _pair_of_feet(path: Path, rate_hz: float) -> dict[str, Recording]:
    """Read a file with two header rows, sensor and axis, in any order of columns."""
    names, table = _columns(path, 2)
    feet: dict[str, Recording] = {}
    for side in SIDES:
        six = table[:, [names.index((f"{side}_sensor", axis)) for axis in AXES]]
        feet[side] = recording(np.arange(len(six)) / rate_hz, six, gyr_scale=DEG)
    return feet


def _one_foot(path: Path, rate_hz: float) -> Recording:
    names, table = _columns(path, 1)
    six = table[:, [names.index((axis,)) for axis in AXES]]
    return recording(np.arange(len(six)) / rate_hz, six, gyr_scale=DEG)


def _rows(path: Path, side: str) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["foot"] == side]


def _spans(path: Path, side: str, rate_hz: float) -> tuple[tuple[float, float], ...]:
    """Return the stretches without a gap between one stride and the next."""
    spans: list[tuple[float, float]] = []
    for row in _rows(path, side):
        start, end = float(row["start"]) / rate_hz, float(row["end"]) / rate_hz
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)


def _lengths(path: Path, side: str) -> dict[str, float]:
    """Return the horizontal distance of each stride of the optical reference, from flat foot to flat foot, by id."""
    ends: dict[str, list[FloatArray]] = {}
    with path.open(newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for sensor, stride, _sample, x, y, _z in reader:
            if sensor == f"{side}_sensor":
                ends.setdefault(stride, []).append(np.asarray([float(x), float(y)]))
    return {stride: float(np.linalg.norm(track[-1] - track[0])) for stride, track in ends.items()}


def _walk_truth(folder: Path, side: str) -> Strides:
    spans = _spans(folder / "stride_borders_sample.csv", side, FAST_HZ)
    lengths = _lengths(folder / "position_sample.csv", side)
    contacts: set[float] = set()
    toe_offs: set[float] = set()
    length_m: dict[float, float] = {}
    for row in _rows(folder / "stride_events_sample.csv", side):
        toe_off, contact = float(row["tc"]) / FAST_HZ, float(row["ic"]) / FAST_HZ
        contacts |= {float(row["pre_ic"]) / FAST_HZ, contact}
        toe_offs.add(toe_off)
        if any(start - MARGIN_S <= toe_off and contact <= end + MARGIN_S for start, end in spans):
            length_m[contact] = lengths[row["s_id"]]
    return Strides(np.asarray(sorted(contacts)), np.asarray(sorted(toe_offs)), spans, length_m)


def _contact_truth(folder: Path, side: str) -> Strides:
    path = folder / "stride_borders_sample_ic_stride.csv"
    borders = [float(row[end]) / SLOW_HZ for row in _rows(path, side) for end in ("start", "end")]
    return Strides(np.asarray(sorted(set(borders))), np.empty(0), _spans(path, side, SLOW_HZ), {})


def load_passes() -> list[Pass]:
    """Return every recording of the folder, those with truth first."""
    folder = data_folder(NAME)
    walk = _pair_of_feet(folder / "imu_sample.csv", FAST_HZ)
    contacts = _pair_of_feet(folder / "imu_sample_ic_stride.csv", SLOW_HZ)
    patient = {side: _one_foot(folder / f"imu_sample_ms_{side}.csv", SLOW_HZ) for side in SIDES}
    passes = [
        Pass("level walk", walk, {side: _walk_truth(folder, side) for side in SIDES}),
        Pass("contact strides", contacts, {side: _contact_truth(folder, side) for side in SIDES}),
        Pass("patient (MS)", patient, {}),
    ]
    for way in ("up", "down"):
        feet = _pair_of_feet(folder / f"imu_sample_healthy_stair_{way}.csv", FAST_HZ)
        passes.append(Pass(f"stairs {way}", feet, {}))
    return passes
