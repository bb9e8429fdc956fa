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
    """Makes samples of an input that is not samples itself: the caller's drivers, fed in the order of the capture."""

_NS: Final = 1e9
_NOMINAL_S: Final = 0.01  # the distance of samples when one packet alone must tell it


class Track(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All samples of one device: `time_s` (n,) never falling, `acc` (n, 3) in m/s2, `gyr` (n, 3) in rad/s or None.

    For an imported recording `time_s` is the recording's own. Else it counts from `origin_ns`, the host time of the
    capture's first input, and a sensor's clock is shifted onto the host's by the median of what its packets say.
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
        blocks = [block for block in (imported if own else decoded)[device] if len(block.acc)]
        if blocks:
            start_ns = 0 if own or origin_ns is None else origin_ns
            tracks[device] = _track(device, blocks, start_ns, as_it_is=own)
    return tracks


def _track(device: str, blocks: list[Samples], origin_ns: int, *, as_it_is: bool) -> Track:
    gyr = [block.gyr for block in blocks if block.gyr is not None]
    parts = []
    for run in _runs(blocks):
        times = [block.time_s for block in run if block.time_s is not None]
        if not times:
            parts.append(_from_arrivals(run, origin_ns))
            continue
        shift = 0.0 if as_it_is else _shift(run, origin_ns)
        parts.append(np.concatenate(times) + shift)
    return Track(
        device=device,
        origin_ns=origin_ns,
        time_s=np.maximum.accumulate(np.concatenate(parts)),
        acc=np.concatenate([block.acc for block in blocks]),
        gyr=np.concatenate(gyr) if len(gyr) == len(blocks) else None,
    )


def _runs(blocks: list[Samples]) -> list[list[Samples]]:
    """Split where a sensor's clock begins anew, or where it begins or ceases to be sent."""
    runs: list[list[Samples]] = []
    last: float | None = None
    for block in blocks:
        first = None if block.time_s is None else float(block.time_s[0])
        anew = (first is None) != (last is None) or (first is not None and last is not None and first < last)
        if anew or not runs:
            runs.append([])
        runs[-1].append(block)
        last = None if block.time_s is None else float(block.time_s[-1])
    return runs


def _shift(run: list[Samples], origin_ns: int) -> float:
    """Return what to add to a sensor's clock to have seconds since the origin."""
    said = [(b.host_ns - origin_ns) / _NS - float(b.time_s[-1]) for b in run if b.time_s is not None]
    return float(np.median(said))


def _from_arrivals(run: list[Samples], origin_ns: int) -> FloatArray:
    """Return times of samples that carry none: on the straight line through the arrivals of their packets."""
    counts = np.array([len(block.acc) for block in run])
    last = np.cumsum(counts + [block.missing for block in run]) - 1.0
    arrival = np.array([(block.host_ns - origin_ns) / _NS for block in run])
    centred = last - last.mean()
    spread = float(centred @ centred)
    step = max(float(centred @ (arrival - arrival.mean())) / spread, 0.0) if spread else _NOMINAL_S
    index = np.concatenate([np.arange(end - count + 1, end + 1) for count, end in zip(counts, last, strict=True)])
    return np.asarray(arrival.mean() + step * (index - last.mean()), dtype=np.float64)
