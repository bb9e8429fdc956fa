"""`python -m benchmarks.accuracy`: every figure of accuracy, beside its bar and what others published.

Needs the recordings that ANKLED_DATA names; tables whose recordings are missing are left out, and it says so.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import overview
from benchmarks.datasets.common import DataMissingError
from benchmarks.glance import ROWS
from benchmarks.report import Section, console_for_output, show, write_json
from benchmarks.suites.registry import SUITES, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

PROCESSES = 2


def collect(plan: dict[str, Sequence[str]], *, processes: int) -> tuple[dict[str, list[Any]], list[str]]:
    """Run the tasks of each suite in a pool; return the scores by suite, in order of tasks, and what failed.

    The processes are spawned, not forked: the progress bar runs a thread in this one.
    """
    todo = [(suite, task) for suite, tasks in plan.items() for task in tasks]
    results: dict[tuple[str, str], Any] = {}
    failures: dict[str, list[str]] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool, bar:
        line = bar.add_task("measuring", total=len(todo))
        pending: dict[Future[Any], tuple[str, str]] = {pool.submit(measure, *each): each for each in todo}
        while pending:
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                suite, task = pending.pop(future)
                bar.update(line, advance=1, description=f"{suite} {task}")
                if (error := future.exception()) is None:
                    results[suite, task] = future.result()
                else:
                    failures.setdefault(f"{suite}: {type(error).__name__}: {error}", []).append(task)
    scores = {
        suite: [results[suite, task] for task in tasks if (suite, task) in results] for suite, tasks in plan.items()
    }
    return scores, [f"{error} ({', '.join(tasks)})" for error, tasks in failures.items()]


def measure_all(names: Sequence[str], *, processes: int = PROCESSES) -> tuple[list[Section], list[str]]:
    """Return the tables of the named suites, and one line for each task that failed."""
    plan: dict[str, Sequence[str]] = {}
    absent: dict[str, str] = {}
    for name in names:
        try:
            plan[name] = SUITES[name].tasks()
        except DataMissingError as error:
            absent[name] = str(error)
    scores, failures = collect(plan, processes=processes)
    sections: list[Section] = []
    for name in names:
        if name in absent:
            sections.append(Section(name=name, title=f"{name}: left out", notes=[absent[name]]))
        elif scores[name]:
            sections.append(SUITES[name].summarise(scores[name]))
    return sections, failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; return 1 if a task failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(SUITES), default=list(SUITES), help="only these tables")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure as JSON")
    parser.add_argument("--markdown", action="store_true", help="print only the table at a glance, as Markdown")
    parser.add_argument("--verbose", action="store_true", help="also print each walk, session and scenario")
    parser.add_argument("--processes", type=int, default=PROCESSES, help="how many at once (default: %(default)s)")
    options = parser.parse_args(arguments)
    sections, failures = measure_all(options.only, processes=options.processes)
    glance = overview.lines(ROWS, sections)
    if options.markdown:
        print(overview.markdown(glance))
    else:
        console = console_for_output()
        if glance:
            overview.show(glance, console)
        for section in sections:
            show(section, console, verbose=options.verbose)
    for line in failures:
        print(f"failed: {line}", file=sys.stderr)
    if options.json:
        facts = {package: version(package) for package in ("ankled", "numpy", "numba", "vqf")}
        write_json(options.json, sections, facts)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
