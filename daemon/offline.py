"""Recordings in memory through the same core as the daemon's: for measuring, for tests, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Config, Stop
from ankled.daemon.pipeline import Core
from ankled.drivers.samples import FloatArray, Samples
from ankled.kernels.rate import estimate_rate, snap_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ankled.daemon.inputs import Input
    from ankled.daemon.records import Record
    from ankled.daemon.settings import PipelineSettings

BLOCK_S = 0.25
"""Length of the blocks that a recording is fed in, s. It sets how two devices interleave, and no result of one."""


def with_rates(settings: PipelineSettings, times_s: Mapping[str, FloatArray]) -> PipelineSettings:
    """Return the settings with the rate of each device that has none, found from the times of its first samples.

    Raises RecordingError when the times tell no rate from 10 to 2000 Hz.
    """
    devices = []
    for device in settings.devices:
        found = device
        if device.rate_hz is None and device.slug in times_s:
            try:
                rate_hz = snap_rate(estimate_rate(times_s[device.slug]))
            except ValueError as error:
                message = f"{device.slug}: {error}"
                raise RecordingError(message) from error
            found = msgspec.structs.replace(device, rate_hz=rate_hz)
        devices.append(found)
    return msgspec.structs.replace(settings, devices=tuple(devices))


def recording_inputs(
    settings: PipelineSettings, recordings: Mapping[str, tuple[FloatArray, FloatArray, FloatArray]]
) -> Iterator[Input]:
    """Yield the inputs of recordings: slug -> time_s (n,) s, acc (n, 3) m/s2, gyr (n, 3) rad/s, on one clock.

    Blocks of several devices come in the order of their last sample's time, as packets would. A rate that the settings
    leave open is found from the times.
    """
    yield Config(host_ns=0, settings=with_rates(settings, {slug: data[0] for slug, data in recordings.items()}))
    blocks: list[Samples] = []
    for slug, (time_s, acc, gyr) in recordings.items():
        if not time_s.shape[0]:
            continue
        edges = np.flatnonzero(np.diff(np.floor((time_s - time_s[0]) / BLOCK_S))) + 1
        for first, last in zip((0, *edges), (*edges, time_s.shape[0]), strict=True):
            part = slice(int(first), int(last))
            host_ns = round(float(time_s[part][-1]) * 1e9)
            blocks.append(Samples(device=slug, host_ns=host_ns, time_s=time_s[part], acc=acc[part], gyr=gyr[part]))
    blocks.sort(key=lambda block: block.host_ns)
    yield from blocks
    yield Stop(host_ns=max((block.host_ns for block in blocks), default=0), reason="end of recording")


def run_recording(
    settings: PipelineSettings, recordings: Mapping[str, tuple[FloatArray, FloatArray, FloatArray]]
) -> list[Record]:
    """Return all records of recordings given as arrays; see `recording_inputs`."""
    core = Core()
    return [record for given in recording_inputs(settings, recordings) for record in core.feed(given)]
