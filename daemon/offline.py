"""Recordings in memory through the same core as the daemon's: for measuring, for tests, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.pipeline import Core
from ankled.daemon.recorded import Recorded, recorded_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.daemon.records import Record
    from ankled.daemon.settings import PipelineSettings
    from ankled.drivers.samples import FloatArray


def run_recording(
    settings: PipelineSettings, recordings: Mapping[str, tuple[FloatArray, FloatArray, FloatArray]]
) -> list[Record]:
    """Return all records of recordings: slug -> time_s (n,) s, acc (n, 3) m/s2, gyr (n, 3) rad/s, on one clock."""
    core = Core()
    inputs = recorded_inputs(settings, {slug: Recorded(*arrays) for slug, arrays in recordings.items()})
    return [record for given in inputs for record in core.feed(given)]
