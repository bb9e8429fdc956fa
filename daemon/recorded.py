"""The inputs that recordings stand for: settings, blocks of samples in the order of time, the end."""

from __future__ import annotations

from heapq import merge
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Config, Input, Stop
from ankled.drivers.samples import FloatArray, Samples
from ankled.kernels.rate import estimate_rate, snap_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ankled.daemon.csvfile import CsvTable
    from ankled.daemon.settings import PipelineSettings

BLOCK_S: Final = 0.25
"""Length of the blocks that a recording is fed in. It sets how two devices interleave, and no result of one."""
_NS_PER_S: Final = 1e9


class Recorded(NamedTuple):
    """Samples of one device: `time_s` (n,) s, rising, `acc` (n, 3) m/s2, `gyr` (n, 3) rad/s."""

    time_s: FloatArray
    acc: FloatArray
    gyr: FloatArray


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


def recorded_inputs(settings: PipelineSettings, recordings: Mapping[str, Recorded]) -> Iterator[Input]:
    """Yield Config, the samples of all devices (by slug, on one clock), Stop.

    A block holds the samples of a quarter of a second and is stamped with the time of its last one; the blocks of
    several devices come in the order of these times, at equal times in the order given. Unless the settings say
    otherwise, session times are the recordings' own: they count from t = 0. A rate left open is found from the times.
    """
    if settings.origin_ns is None:
        settings = msgspec.structs.replace(settings, origin_ns=0)
    filled = {slug: one for slug, one in recordings.items() if one.time_s.size}
    first_s = min((float(one.time_s[0]) for one in filled.values()), default=0.0)
    last_s = max((float(one.time_s[-1]) for one in filled.values()), default=0.0)
    times_s = {slug: one.time_s for slug, one in filled.items()}
    yield Config(host_ns=_host_ns(first_s), settings=with_rates(settings, times_s))
    yield from merge(*(_blocks(slug, one) for slug, one in filled.items()), key=_stamp)
    yield Stop(host_ns=_host_ns(last_s), reason="end of recording")


def csv_inputs(tables: Sequence[CsvTable], settings: PipelineSettings) -> Iterator[Input]:
    """Yield the inputs of CSV recordings; `settings.devices` names the device of each table in turn."""
    if len(tables) != len(settings.devices):
        raise ValueError(f"{len(tables)} tables for {len(settings.devices)} devices")
    devices = zip(settings.devices, tables, strict=True)
    return recorded_inputs(settings, {device.slug: Recorded(t.time_s, t.acc, t.gyr) for device, t in devices})


def _blocks(device: str, one: Recorded) -> Iterator[Samples]:
    # The kernels are compiled for arrays like these alone; another layout would compile them once more.
    time_s, acc, gyr = (np.require(array, np.float64, ["C", "W"]) for array in one)
    block = np.floor((time_s - time_s[0]) / BLOCK_S)
    borders = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(time_s)]
    for start, end in pairwise(borders):
        yield Samples(
            device=device,
            host_ns=_host_ns(float(time_s[end - 1])),
            time_s=time_s[start:end],
            acc=acc[start:end],
            gyr=gyr[start:end],
        )


def _stamp(samples: Samples) -> int:
    return samples.host_ns


def _host_ns(time_s: float) -> int:
    return round(time_s * _NS_PER_S)
