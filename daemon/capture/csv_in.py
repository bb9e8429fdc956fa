"""Importing CSV: a capture that replays as the CSV files themselves do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.capture.file import CaptureFile, replacing
from ankled.daemon.capture.form import origin
from ankled.daemon.recorded import csv_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ankled.daemon.csvfile import CsvTable
    from ankled.daemon.settings import PipelineSettings


def import_csv(tables: Sequence[CsvTable], settings: PipelineSettings, target: Path, *, overwrite: bool = False) -> int:
    """Write the tables as a capture, one device each as `settings.devices` names them; return how many inputs."""
    with replacing(target, overwrite=overwrite) as stream:
        capture = CaptureFile(stream, origin(settings.node, settings.session), first_number=0, utc_offset_ns=None)
        number = -1
        for number, item in enumerate(csv_inputs(tables, settings)):
            capture.add_input(number, item)
        capture.finish()
    return number + 1
