"""The one place where the benchmarks run the project: recordings in, records or orientations out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.daemon.offline import run_recording
from ankled.daemon.pipeline import Core
from ankled.daemon.recorded import Recorded, recorded_inputs
from ankled.daemon.settings import DeviceSettings, Mount, PipelineSettings
from ankled.drivers.samples import Samples
from ankled.kernels import vqf
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.simulation import simulate
from benchmarks.datasets.common import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ankled.daemon.records import Record
    from ankled.simulators.truth import Repetition
    from benchmarks.datasets.common import FloatArray


def records_of(devices: Sequence[DeviceSettings], recordings: Mapping[str, Recording]) -> list[Record]:
    """Return every record of recordings (by slug) that share one clock, in order, as the daemon would write them."""
    settings = PipelineSettings(devices=tuple(devices))
    return run_recording(settings, {slug: data.arrays() for slug, data in recordings.items()})


def both_feet(feet: Mapping[str, Recording]) -> list[Record]:
    """Return the records of two feet, devices `left` and `right`, with nothing told about axes or movement."""
    devices = [DeviceSettings(slug=side, side="left" if side == "left" else "right") for side in feet]
    return records_of(devices, feet)


def without_gyroscope(legs: Mapping[str, Recording]) -> list[Record]:
    """Return the records of legs (by slug, on one clock) whose sensors have an accelerometer alone."""
    settings = PipelineSettings(devices=tuple(DeviceSettings(slug=slug) for slug in legs))
    core = Core()
    records: list[Record] = []
    for given in recorded_inputs(settings, {slug: Recorded(*data.arrays()) for slug, data in legs.items()}):
        records += core.feed(msgspec.structs.replace(given, gyr=None) if isinstance(given, Samples) else given)
    return records


def simulated(
    scenario: str, *, mount_known: bool, imu: str = "consumer", rate_hz: float | None = None
) -> tuple[dict[str, list[Repetition]], list[Record]]:
    """Return (truth by side, records) of a scenario, the sensors mounted askew.

    Devices `left` and `right` of one athlete.
    """
    legs = simulate(scenario, mount=MOUNTS["oblique"], imu=imu, rate_hz=rate_hz).legs
    devices = [
        DeviceSettings(
            slug=side,
            side=side,
            athlete="wearer",
            mass_kg=leg.mass_kg,
            mass_source="configured",
            mount=Mount(left=leg.mount.left, up=leg.mount.up) if mount_known else None,
        )
        for side, leg in legs.items()
    ]
    recordings: dict[str, Recording] = {side: Recording(leg.time_s, leg.acc, leg.gyr) for side, leg in legs.items()}
    return {side: leg.truth for side, leg in legs.items()}, records_of(devices, recordings)


def orientation(acc: FloatArray, gyr: FloatArray, rate_hz: float) -> FloatArray:
    """Return the quaternions (n, 4), sensor to earth, of the project's filter."""
    state = vqf.init(vqf.Params(), rate_hz)
    quat = np.empty((len(gyr), 4))
    vqf.run(state, gyr, acc, quat, np.empty_like(gyr), np.empty(len(gyr), dtype=np.bool_))
    return quat
