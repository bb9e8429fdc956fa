"""What every data set shares: where it lies, one leg's arrays, and the CSV that `ankled replay` reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

FloatArray: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

GRAVITY_MPS2 = 9.80665
CSV_HEADER = "t,ax,ay,az,gx,gy,gz"


class DataMissingError(Exception):
    """The recordings are not on this machine; the message says which and how to name their folder."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One sensor: `time_s` (n,) s, rows may be missing; `acc` (n, 3) m/s2; `gyr` (n, 3) rad/s."""

    time_s: FloatArray
    acc: FloatArray
    gyr: FloatArray

    def arrays(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the recording as the triple the pipeline takes."""
        return self.time_s, self.acc, self.gyr

    def duration_s(self) -> float:
        """Return the span from the first to the last row."""
        return float(self.time_s[-1] - self.time_s[0])


def recording(time_s: FloatArray, six: FloatArray, *, gyr_scale: float = 1.0) -> Recording:
    """Return a Recording of times and six columns (acc, gyr), contiguous and in double precision."""
    acc = np.ascontiguousarray(six[:, :3], dtype=np.float64)
    gyr = np.ascontiguousarray(six[:, 3:], dtype=np.float64) * gyr_scale
    return Recording(np.ascontiguousarray(time_s, dtype=np.float64), acc, gyr)


def data_folder(name: str) -> Path:
    """Return the folder of data set `name` below ANKLED_DATA.

    Raises:
        DataMissingError: ANKLED_DATA is not set, or has no such folder.

    """
    root = os.environ.get("ANKLED_DATA")
    if not root:
        message = "ANKLED_DATA is not set: it names the folder that holds the recordings."
        raise DataMissingError(message)
    folder = Path(root) / name
    if not folder.is_dir():
        message = f"ANKLED_DATA={root} has no folder {name}."
        raise DataMissingError(message)
    return folder


def to_csv(path: Path, data: Recording) -> None:
    """Write `data` as the CSV of `ankled replay`: a header, then seconds, m/s2 and rad/s."""
    table = np.column_stack([data.time_s, data.acc, data.gyr])
    np.savetxt(path, table, fmt="%.6f", delimiter=",", header=CSV_HEADER, comments="")
