"""Tracks: the samples of a whole capture, one table a device, on one clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import numpy as np

from ankled.daemon.capture.reader import CaptureReader
from ankled.drivers.samples import FloatArray, Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ankled.daemon.capture.reader import Progress
    from ankled.daemon.inputs import Input

    Decode: TypeAlias = Callable[[Input], Sequence[Samples]]
    """Makes samples of an input that is not samples itself, with times on the host's clock; see `daemon.decoded`."""

_NS: Final = 1e9


class Track(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All samples of one device: `time_s` (n,) never falling, `acc` (n, 3) in m/s2, `gyr` (n, 3) in rad/s or None.

    For an imported recording `time_s` is the recording's own. Else it counts from `origin_ns`, the host time of the
    capture's first input.
    """

    device: str
    origin_ns: int
    time_s: FloatArray
    acc: FloatArray
    gyr: FloatArray | None


def read_tracks(path: Path, decode: Decode | None = None, *, progress: Progress | None = None) -> dict[str, Track]:
    """Return the track of every device that has samples in a capture, or for which `decode` makes some."""
    imported: dict[str, list[Samples]] = {}
    decoded: dict[str, list[Samples]] = {}
    origin_ns: int | None = None
    for entry in CaptureReader(path, progress=progress):
        item = entry.item
        origin_ns = item.host_ns if origin_ns is None else origin_ns
        if isinstance(item, Samples):
            imported.setdefault(item.device, []).append(item)
        elif decode is not None:
            for samples in decode(item):
                decoded.setdefault(samples.device, []).append(samples)
    tracks = {}
    for device in sorted(imported | decoded):
        own = device in imported
        blocks = [
            block for block in (imported if own else decoded)[device] if len(block.acc) and block.time_s is not None
        ]
        if blocks:
            start_ns = 0 if own or origin_ns is None else origin_ns
            tracks[device] = _track(device, blocks, start_ns)
    return tracks


def _track(device: str, blocks: list[Samples], origin_ns: int) -> Track:
    gyr = [block.gyr for block in blocks if block.gyr is not None]
    times = [block.time_s for block in blocks if block.time_s is not None]
    return Track(
        device=device,
        origin_ns=origin_ns,
        # Samples of a new link may begin a moment before the last ones of the old end: the table reads as a recording.
        time_s=np.maximum.accumulate(np.concatenate(times) - origin_ns / _NS),
        acc=np.concatenate([block.acc for block in blocks]),
        gyr=np.concatenate(gyr) if len(gyr) == len(blocks) else None,
    )
