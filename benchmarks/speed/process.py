"""Whole processes: replay of an hour of two sensors, the time until ready, and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ankled.daemon.capture import form
from ankled.daemon.capture.writer import CaptureLimits, CaptureWriter
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.pipeline import Core
from ankled.daemon.recorded import Recorded, recorded_inputs
from ankled.daemon.settings import DeviceSettings, PipelineSettings
from benchmarks.datasets.common import to_csv
from benchmarks.report import Figure, Section
from benchmarks.speed.signals import walk

if TYPE_CHECKING:
    from benchmarks.datasets.common import Recording

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024.0 * 1024.0

REPLAY_NOTES = (
    (
        "A process each: `ankled replay FILE... --json > /dev/null`, kernels compiled before; start of the interpreter "
        "and imports included. Times real time: length of the recording, two sensors at once, over that."
    ),
    "Memory: largest resident size of that process.",
)
START_NOTES = (
    (
        "From the start of the process to its end: `ankled warm` with an empty cache folder (every kernel is compiled) "
        "and again with what that left; `--help` is what interpreter and imports of the command line take."
    ),
    (
        "First record: in a fresh process with a warm cache, from the first import to the first record out of a "
        "pipeline that is fed a walk; numba's own import is part of it."
    ),
)


@dataclass(frozen=True, slots=True)
class Ran:
    """One process: how long it lived and how large it grew."""

    seconds: float
    peak_bytes: int


def first_record_s(cache: Path) -> float:
    """Return how long a fresh process takes from its first import to its first record."""
    with tempfile.TemporaryDirectory() as folder:
        recording, report = Path(folder) / "walk.npz", Path(folder) / "seconds"
        data = walk(30.0)["left"]
        np.savez(recording, time_s=data.time_s, acc=data.acc, gyr=data.gyr)
        _run(["benchmarks.speed.first", str(recording), str(report)], cache)
        return float(report.read_text().split()[0])


def _run(module: list[str], cache: Path) -> None:
    """Run a module of ours with its arguments, its standard output thrown away."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run(  # noqa: S603  (our own interpreter on our own module)
        [sys.executable, "-m", *module],
        env=os.environ | {"ANKLED_CACHE_DIR": str(cache), "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )


def run_command(command: list[str], cache: Path) -> Ran:
    """Run an ankled command to its end, its standard output thrown away; raises CalledProcessError if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "peak"
        start = time.perf_counter()
        _run(["benchmarks.speed.child", str(report), *command], cache)
        seconds = time.perf_counter() - start
        return Ran(seconds, int(report.read_text()))


def write_capture(path: Path, legs: dict[str, Recording]) -> None:
    """Write a capture of both legs the way the daemon does: through dispatcher and recorder."""
    devices = tuple(DeviceSettings(slug=side, side="left" if side == "left" else "right") for side in legs)
    settings = PipelineSettings(session="bench", devices=devices)
    writer = CaptureWriter(path, form.origin(settings.node, settings.session), CaptureLimits(queue=1_000_000))
    dispatcher = Dispatcher(Core(), writer)
    for item in recorded_inputs(settings, {side: Recorded(*data.arrays()) for side, data in legs.items()}):
        dispatcher.feed(item)
    writer.close(timeout_s=120.0)


def measure_start(cache: Path, rounds: int) -> Section:
    """Time a cold and a warm start; leaves a warm cache in `cache`."""
    cold = run_command(["warm"], cache)
    warm = [run_command(["warm"], cache) for _ in range(rounds)]
    bare = [run_command(["--help"], cache) for _ in range(rounds)]
    first = [first_record_s(cache) for _ in range(rounds)]
    figures = [
        Figure(key="cold_s", label="ready, cold cache", value=cold.seconds, unit="s"),
        Figure(key="warm_s", label="ready, warm cache", value=_median(warm), unit="s"),
        Figure(key="first_s", label="first record, warm cache", value=float(np.median(first)), unit="s"),
        Figure(key="help_s", label="--help", value=_median(bare), unit="s"),
        Figure(key="cold_mib", label="peak memory while compiling", value=cold.peak_bytes / MIB, unit="MiB", digits=0),
        Figure(key="warm_mib", label="peak memory, warm", value=warm[-1].peak_bytes / MIB, unit="MiB", digits=0),
    ]
    return Section(name="start", title=f"start: median of {rounds}, cold once", figures=figures, notes=START_NOTES)


def measure_replay(cache: Path, duration_s: float, rounds: int) -> Section:
    """Replay `duration_s` of two sensors at 100 Hz from CSV and from MCAP."""
    run_command(["warm"], cache)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        legs = walk(duration_s)
        for side, data in legs.items():
            to_csv(folder / f"{side}.csv", data)
        write_capture(folder / "both.mcap", legs)
        files = {"csv": ["left.csv", "right.csv"], "mcap": ["both.mcap"]}
        for kind, names in files.items():
            paths = [str(folder / name) for name in names]
            ran = [run_command(["replay", *paths, "--json"], cache) for _ in range(rounds)]
            size = sum(Path(path).stat().st_size for path in paths) / MIB
            seconds = _median(ran)
            figures += [
                Figure(
                    key=f"{kind}_real_time",
                    label=f"{kind.upper()}: times real time",
                    value=duration_s / seconds,
                    digits=0,
                    anchor=f"{seconds:.2f} s for {size:.1f} MiB",
                ),
                Figure(
                    key=f"{kind}_mib",
                    label=f"{kind.upper()}: peak memory",
                    value=max(each.peak_bytes for each in ran) / MIB,
                    unit="MiB",
                    digits=0,
                ),
            ]
    title = f"replay: {duration_s / 60.0:.0f} min of two sensors at 100 Hz, median of {rounds}"
    return Section(name="replay", title=title, figures=figures, notes=REPLAY_NOTES)


def _median(ran: list[Ran]) -> float:
    return float(np.median([each.seconds for each in ran]))
