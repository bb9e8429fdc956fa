"""Exporting for Foxglove and PlotJuggler: an MCAP with the inputs as they are, and decoded samples as JSON beside them.

The result still replays: readers of inputs pass over the decoded channels.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ankled.daemon.capture import form
from ankled.daemon.capture.file import CaptureFile, replacing
from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.capture.tracks import read_tracks
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import ClockAnchor

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.capture.reader import Progress
    from ankled.daemon.capture.tracks import Decode, Track

IMU_SCHEMA: Final = "ankled.Imu"

_NS: Final = 1_000_000_000


def _vector(unit: str) -> dict[str, object]:
    axes = {axis: {"type": "number", "description": unit} for axis in "xyz"}
    return {"type": "object", "properties": axes, "required": ["x", "y", "z"]}


_TIME: Final = {
    "type": "object",
    "title": "time",  # how Foxglove knows a time from any pair of integers
    "properties": {"sec": {"type": "integer", "minimum": 0}, "nsec": {"type": "integer", "minimum": 0}},
}
_SCHEMA: Final = msgspec.json.encode(
    {
        "title": IMU_SCHEMA,
        "type": "object",
        "properties": {"timestamp": _TIME, "acc": _vector("m/s2"), "gyr": _vector("rad/s")},
        "required": ["timestamp", "acc"],
    }
)


def export_foxglove(
    path: Path, target: Path, decode: Decode | None = None, *, overwrite: bool = False, progress: Progress | None = None
) -> int:
    """Write the capture with a topic `/<device>/imu` for every device; return how many samples there are in all."""
    tracks = read_tracks(path, decode)
    reader = CaptureReader(path, progress=progress)
    pairs = reader.with_messages()
    first = next(pairs, None)
    if first is None:
        raise RecordingError(f"{path} holds no input to export.")
    total = 0
    with replacing(target, overwrite=overwrite) as stream:
        offset = reader.fact("utc_offset_ns")
        capture = CaptureFile(stream, reader.origin, first_number=first[0].number, utc_offset_ns=offset)
        schema = capture.register_schema(IMU_SCHEMA, _SCHEMA)
        feeds = [_Feed(capture, schema, track) for track in tracks.values()]
        for entry, message in chain([first], pairs):
            if isinstance(entry.item, ClockAnchor):
                offset = entry.item.utc_ns - entry.item.host_ns
            total += sum(feed.up_to(entry.item.host_ns, offset or 0) for feed in feeds)
            capture.add(
                form.topic(entry.item, opening=entry.opening),
                entry.number,
                message.data,
                host_ns=entry.item.host_ns,
                utc_offset_ns=message.log_time - message.publish_time,
            )
        total += sum(feed.up_to(None, offset or 0) for feed in feeds)
        capture.finish()
    return total


class _Feed:
    """The samples of one device on their way into the file."""

    def __init__(self, capture: CaptureFile, schema: int, track: Track) -> None:
        self._capture = capture
        self._channel = capture.register_json(f"/{track.device}/imu", schema)
        self._host_ns = np.rint(track.time_s * _NS).astype(np.int64) + track.origin_ns
        self._acc = track.acc
        self._gyr = track.gyr
        self._next = 0

    def up_to(self, host_ns: int | None, offset_ns: int) -> int:
        """Write the samples that are not later than `host_ns`; return how many."""
        start = self._next
        end = len(self._host_ns) if host_ns is None else int(np.searchsorted(self._host_ns, host_ns, side="right"))
        for index in range(start, end):
            host = int(self._host_ns[index])
            log_time = form.clip_time(host + offset_ns)
            sample: dict[str, object] = {
                "timestamp": {"sec": log_time // _NS, "nsec": log_time % _NS},
                "acc": dict(zip("xyz", self._acc[index].tolist(), strict=True)),
            }
            if self._gyr is not None:
                sample["gyr"] = dict(zip("xyz", self._gyr[index].tolist(), strict=True))
            self._capture.add_json(self._channel, msgspec.json.encode(sample), log_time=log_time, sequence=index)
        self._next = max(start, end)
        return self._next - start
