"""Exporting a capture: one CSV or one Parquet file a device, with the columns that CSV recordings have."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ankled.daemon.capture.file import replacing
from ankled.daemon.capture.tracks import Track, read_tracks
from ankled.daemon.csvfile import COLUMNS
from ankled.daemon.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from ankled.daemon.capture.reader import Progress
    from ankled.daemon.capture.tracks import Decode
    from ankled.drivers.samples import FloatArray

_ROWS: Final = 65_536


def export_csv(
    path: Path, folder: Path, decode: Decode | None = None, *, overwrite: bool = False, progress: Progress | None = None
) -> list[Path]:
    """Write `stem-device.csv` for every device of a capture into `folder`; numbers read back bit for bit."""
    written = []
    for device, track in _tracks(path, decode, progress).items():
        target = folder / f"{path.stem}-{device}.csv"
        with replacing(target, overwrite=overwrite) as stream:
            _write_csv(stream, track)
        written.append(target)
    return written


def export_parquet(
    path: Path, folder: Path, decode: Decode | None = None, *, overwrite: bool = False, progress: Progress | None = None
) -> list[Path]:
    """Write `stem-device.parquet` for every device of a capture into `folder`; needs pyarrow."""
    if find_spec("pyarrow") is None:
        raise UsageError("Parquet needs pyarrow: install it with pip install 'ankled[export]', or export csv.")
    # Imported here: it is an extra, and large.
    import pyarrow as pa  # noqa: PLC0415  (see above)
    from pyarrow import parquet  # noqa: PLC0415  (see above)

    written = []
    for device, track in _tracks(path, decode, progress).items():
        columns = _columns(track)
        table = pa.table({name: pa.array(column) for name, column in columns.items()})
        table = table.replace_schema_metadata(
            {"device": device, "origin_ns": str(track.origin_ns), "units": "t s, a m/s2, g rad/s"}
        )
        target = folder / f"{path.stem}-{device}.parquet"
        with replacing(target, overwrite=overwrite) as stream:
            parquet.write_table(table, stream)
        written.append(target)
    return written


def _tracks(path: Path, decode: Decode | None, progress: Progress | None) -> dict[str, Track]:
    tracks = read_tracks(path, decode, progress=progress)
    if not tracks:
        raise RecordingError(f"{path} holds no samples to export.")
    return tracks


def _columns(track: Track) -> dict[str, FloatArray]:
    arrays = [track.time_s, *track.acc.T, *(track.gyr.T if track.gyr is not None else ())]
    return dict(zip(COLUMNS, arrays, strict=False))  # a device without gyroscope has the first four


def _write_csv(stream: BinaryIO, track: Track) -> None:
    columns = _columns(track)
    stream.write(",".join(columns).encode() + b"\n")
    table = np.column_stack(list(columns.values()))
    for start in range(0, len(table), _ROWS):
        # JSON's numbers are the shortest that read back the same; it has none for what is not finite.
        rows = msgspec.json.encode(table[start : start + _ROWS].tolist())[2:-2]
        stream.write(rows.replace(b"],[", b"\n").replace(b"null", b"nan") + b"\n")
