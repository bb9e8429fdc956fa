"""Quiet standing: the measures of sway against exact truth, and how many spells the real recordings have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ankled.daemon.settings import DeviceSettings, Mount
from ankled.daemon.standing import Standing
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.simulation import simulate
from ankled.simulators.standing import Sway, sway
from benchmarks.datasets import broad, gaitmap, ipol, leg_raises
from benchmarks.datasets.common import DataMissingError, Recording, data_folder
from benchmarks.report import Figure, Section, within
from benchmarks.running import both_feet, records_of
from benchmarks.scoring.events import percentile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ankled.daemon.records import Record

NAME = "standing"
SCENARIOS = ("balance", "walk_balance", "stand", "fidget")
SEEDS = (0, 1, 2)
CASES = {"known": ("ideal", 2.0), "found": ("consumer", 5.0)}
"""By what is known of the mount: the sensor's errors, and the bar in percent."""
FIELDS = tuple(name for name in Sway.__struct_fields__ if name not in {"start_s", "end_s", "bandwidth_hz"})
WHOLE_S = 25.0
"""Spells from this length on are held against the bars; the rest of a stance is too short for a spectrum."""
REAL = (ipol.NAME, gaitmap.NAME, leg_raises.NAME, broad.NAME)

NOTES = (
    (
        "Error of each measure against the same formulas on the exact motion over the record's own interval, worst of "
        f"all spells of {WHOLE_S:g} s or more on one leg (balance, walk_balance; {len(SEEDS)} seeds, both legs). "
        "`known`: mount given, no noise; `found`: no mount given, a consumer sensor's noise. Beside: the median of "
        "|error|, then the worst on two quiet legs (stand), where the sensor's noise is a larger part of the jerk."
    ),
    (
        "Real recordings: records of standing. The sensors of the walks sit on feet, which hardly sway; the legs of "
        "the exercises lie or sit, and the board lies on a table."
    ),
)


@dataclass(frozen=True, slots=True)
class Score:
    """What one task found: spells by device, and for simulated ones the errors of each measure, percent."""

    name: str
    spells: int
    errors: dict[str, list[dict[str, float]]]
    lines: list[str]


def _present(name: str) -> bool:
    try:
        data_folder(name)
    except DataMissingError:
        return False
    return True


def tasks() -> list[str]:
    """Return the simulated scenarios, and the data sets that are there."""
    return [*SCENARIOS, *filter(_present, REAL)]


def measure(task: str) -> Score:
    """Run and score one scenario, or every recording of one data set."""
    if task in SCENARIOS:
        return _simulated(task)
    spells = 0
    lines: list[str] = []
    for name, records in _real(task):
        found = [record for record in records if isinstance(record, Standing)]
        spells += len(found)
        lines += [
            f"{task} {name} {one.device}: {one.start_s:.2f} to {one.end_s:.2f} s, rms {one.rms_mps2:.3f} m/s2, "
            f"F95 {one.f95_hz:.2f} Hz, quality {one.quality:.2f} {', '.join(one.quality_reasons)}"
            for one in found
        ]
    return Score(task, spells, {}, lines)


def _real(task: str) -> Iterator[tuple[str, list[Record]]]:
    """Yield the records of every recording of a data set, with nothing told about axes."""
    if task == ipol.NAME:
        for name in ipol.walk_names():
            yield name, both_feet({side: foot.data for side, foot in ipol.load_walk(name).feet.items()})
    elif task == gaitmap.NAME:
        for one in gaitmap.load_passes():
            yield one.name, both_feet(one.feet)
    elif task == leg_raises.NAME:
        for name in leg_raises.session_names():
            yield name, records_of([DeviceSettings(slug="leg")], {"leg": leg_raises.load_session(name).data})
    else:
        for name in broad.trial_names():
            trial = broad.load_trial(name)
            board = Recording(np.arange(len(trial.acc)) / trial.rate_hz, trial.acc, trial.gyr)
            yield name, records_of([DeviceSettings(slug="board")], {"board": board})


def _simulated(task: str) -> Score:
    """Return the errors of a scenario, sensors mounted askew."""
    errors: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
    lines: list[str] = []
    spells = 0
    for case, (imu, _) in CASES.items():
        for seed in SEEDS:
            legs = simulate(task, seed=seed, imu=imu, mount=MOUNTS["oblique"], with_truth=False).legs
            mounts = {
                side: Mount(left=leg.mount.left, up=leg.mount.up) if case == "known" else None
                for side, leg in legs.items()
            }
            devices = [DeviceSettings(slug=side, side=side, mount=mount) for side, mount in mounts.items()]
            recordings: dict[str, Recording] = {s: Recording(leg.time_s, leg.acc, leg.gyr) for s, leg in legs.items()}
            for record in records_of(devices, recordings):
                if not isinstance(record, Standing):
                    continue
                spells += 1
                limb = legs["left" if record.device == "left" else "right"].limb
                error = _errors(record, sway(limb, record.start_s, record.end_s))
                if record.duration_s >= WHOLE_S:
                    errors[case].append(error)
                told = " ".join(f"{name} {value:+.1f}" for name, value in error.items())
                lines.append(f"{task} {case} {record.device} {record.start_s:.1f} to {record.end_s:.1f} s, %: {told}")
    return Score(task, spells, errors, lines)


def _errors(record: Standing, truth: Sway) -> dict[str, float]:
    """Return 100 (found / true - 1) of every measure that is there."""
    found = {name: getattr(record, name) for name in FIELDS}
    return {name: 100.0 * (value / getattr(truth, name) - 1.0) for name, value in found.items() if value is not None}


def _sizes(scores: Sequence[Score], case: str, name: str) -> list[float]:
    return [abs(one[name]) for score in scores for one in score.errors.get(case, []) if name in one]


def summarise(scores: Sequence[Score]) -> Section:
    """Return the table of all measures and counts."""
    one_leg = [score for score in scores if "balance" in score.name]
    two_legs = [score for score in scores if score.name == "stand"]
    figures: list[Figure] = []
    for name in FIELDS if one_leg else ():
        for case, (_, bar) in CASES.items():
            sizes, quiet = _sizes(one_leg, case, name), _sizes(two_legs, case, name)
            median = percentile(np.asarray(sizes), 50)
            figures.append(
                Figure(
                    key=f"{name}_{case}_worst_pct",
                    label=f"{name}, mount {case}: worst of {len(sizes)}",
                    value=max(sizes, default=float("nan")),
                    unit="%",
                    at_most=bar,
                    anchor=f"median {median:.2f} %" + (f"; two legs {max(quiet):.2f} %" if quiet else ""),
                )
            )
    figures += within(figures, "", "one leg")
    figures += [
        Figure(key=f"{score.name}_spells", label=f"{score.name}: spells", value=score.spells, digits=0)
        for score in scores
    ]
    return Section(
        name=NAME,
        title=f"{NAME}: quiet-standing sway at the ankle by the formulas of ISway",
        figures=figures,
        notes=NOTES,
        details=[line for score in scores for line in score.lines],
    )
