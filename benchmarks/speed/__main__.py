"""`python -m benchmarks.speed`: from kernels to whole processes, as ratios measured in one run. Asserts nothing."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.report import console_for_output, show, write_json
from benchmarks.speed import decode, feed, kernels, latency, mqtt, outbox, process
from benchmarks.speed.live.processes import NotMeasuredError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.report import Section

PARTS = ("kernels", "feed", "decode", "start", "replay", "mqtt", "latency", "live", "outbox")


def steps(cache: Path, *, quick: bool) -> dict[str, Callable[[], Section]]:
    """Return the parts in their order; `replay` uses the cache that `start` has filled."""
    samples, rounds = (3_000, 3) if quick else (30_000, 9)
    return {
        "kernels": lambda: kernels.measure(samples, rounds),
        "feed": lambda: feed.measure(samples, rounds),
        "decode": lambda: decode.measure(5.0 if quick else 30.0, rounds),
        "start": lambda: process.measure_start(cache, 2 if quick else 5),
        "replay": lambda: process.measure_replay(cache, 300.0 if quick else 3600.0, 1 if quick else 3),
        "live": lambda: latency.measure_told(5.0 if quick else 20.0),
        "mqtt": lambda: mqtt.measure(1_000, 3) if quick else mqtt.measure(5_000, 9),
        "latency": lambda: latency.measure(5.0, latency.CASES[:1]) if quick else latency.measure(20.0),
        "outbox": lambda: outbox.measure(5_000 if quick else 100_000),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; return 1 if a part could not run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="only these parts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure as JSON")
    parser.add_argument("--quick", action="store_true", help="fewer samples and rounds: a look, not a measurement")
    options = parser.parse_args(arguments)
    sections: list[Section] = []
    failures: list[str] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
    with tempfile.TemporaryDirectory() as folder, bar:
        parts = steps(Path(folder), quick=options.quick)
        line = bar.add_task("", total=len(options.only))
        for name in [part for part in PARTS if part in options.only]:
            bar.update(line, description=name)
            try:
                sections.append(parts[name]())
            except subprocess.CalledProcessError as error:
                failures.append(f"{name}: {error.stderr.decode(errors='replace').strip() or error}")
            except NotMeasuredError as error:
                failures.append(f"{name}: {error}")
            bar.advance(line)
    console = console_for_output()
    for section in sections:
        show(section, console, verbose=False)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    if options.json:
        facts = {package: version(package) for package in ("ankled", "numpy", "numba", "vqf")}
        write_json(options.json, sections, facts | {"python": platform.python_version(), "machine": platform.machine()})
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
