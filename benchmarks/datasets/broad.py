"""orientation_broad: a rigid board moved by hand, 286 Hz, with optical orientation and position.

The optics lose sight of the board at times: rows of `reference` and `position_m` are then NaN and do not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import h5py
import numpy as np

from benchmarks.datasets.common import FloatArray, data_folder

BoolArray: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

NAME = "orientation_broad"


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: `acc` (n, 3) m/s2, `gyr` (n, 3) rad/s, `reference` (n, 4) sensor to earth, `position_m` (n, 3)."""

    name: str
    rate_hz: float
    acc: FloatArray
    gyr: FloatArray
    reference: FloatArray
    position_m: FloatArray
    moving: BoolArray


def trial_names() -> list[str]:
    """Return the names of all trials."""
    return sorted(path.stem for path in data_folder(NAME).glob("*.hdf5"))


def load_trial(name: str) -> Trial:
    """Return one trial."""
    with h5py.File(data_folder(NAME) / f"{name}.hdf5") as file:
        columns = {key: np.ascontiguousarray(file[key][:]) for key in file}
        rate_hz = float(file.attrs["sampling_rate"])
    return Trial(
        name=name,
        rate_hz=rate_hz,
        acc=columns["imu_acc"],
        gyr=columns["imu_gyr"],
        reference=columns["opt_quat"],
        position_m=columns["opt_pos"],
        moving=columns["movement"].ravel().astype(np.bool_),
    )
