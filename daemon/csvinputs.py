"""The inputs that CSV recordings stand for: settings, blocks of samples in the order of time, the end."""

from __future__ import annotations

from heapq import merge
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ankled.daemon.inputs import Config, Input, Stop
from ankled.drivers.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ankled.daemon.csvfile import CsvTable
    from ankled.daemon.settings import PipelineSettings

BLOCK_S: Final = 0.25
_NS_PER_S: Final = 1e9


def csv_inputs(tables: Sequence[CsvTable], settings: PipelineSettings) -> Iterator[Input]:
    """Yield Config, the samples of all tables, Stop. `settings.devices` names the device of each table in turn.

    A block holds the samples of a quarter of a second and is stamped with the time of its last one; the blocks of
    several tables come in the order of these times, at equal times in the order of the tables. Unless the settings
    say otherwise, session times are the files' own: they count from t = 0.
    """
    if len(tables) != len(settings.devices):
        raise ValueError(f"{len(tables)} tables for {len(settings.devices)} devices")
    first_s = min(float(table.time_s[0]) for table in tables)
    last_s = max(float(table.time_s[-1]) for table in tables)
    if settings.origin_ns is None:
        settings = msgspec.structs.replace(settings, origin_ns=0)
    yield Config(host_ns=_host_ns(first_s), settings=settings)
    devices = zip(tables, settings.devices, strict=True)
    yield from merge(*(_blocks(table, device.slug) for table, device in devices), key=_stamp)
    yield Stop(host_ns=_host_ns(last_s), reason="end of recording")


def _blocks(table: CsvTable, device: str) -> Iterator[Samples]:
    time_s = table.time_s
    block = np.floor((time_s - time_s[0]) / BLOCK_S)
    borders = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(time_s)]
    for start, end in pairwise(borders):
        yield Samples(
            device=device,
            host_ns=_host_ns(float(time_s[end - 1])),
            time_s=time_s[start:end],
            acc=table.acc[start:end],
            gyr=table.gyr[start:end],
        )


def _stamp(samples: Samples) -> int:
    return samples.host_ns


def _host_ns(time_s: float) -> int:
    return round(time_s * _NS_PER_S)
