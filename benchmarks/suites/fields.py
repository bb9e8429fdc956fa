"""Every published number against exact truth, in two conditions: nothing in the way, and all of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ankled.simulators.scenarios import SCENARIOS
from benchmarks.report import Figure, Section, within
from benchmarks.running import simulated
from benchmarks.scoring.events import percentile
from benchmarks.scoring.fields import ANGLES_DEG, SIZES, TIMES_S, LegScore, score_leg, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.datasets.common import FloatArray

CLASSES: Final = {"walking": ("walk",), "running": ("run",), "exercises": ()}
"""The movements of the truth's strides by class; repetitions are exercises."""
LEFT_OUT: Final = ("reference", "jump", "slip", "stand", "fidget")
FIELDS: Final = (*SIZES, *ANGLES_DEG, *TIMES_S)

NOTES: Final = (
    (
        "Found minus true. Ours: the median of |error| over all strides or repetitions of the class; beside: its 95th "
        "percentile, the bias, the scenario with the largest median, and how many were compared (and null where the "
        "truth has a number). Instants in ms, plane angle in deg. Everything else in percent of the field's median "
        "size on that leg in that scenario, or of a floor where that is larger: 0.1 m/s2, 0.2 N, 0.2 N s, 1 deg, 1 "
        "m/s3 (what half a degree of inclination does), 1 N for the shock."
    ),
    (
        "A peak force whose rival of the other sign is at least 90 % of it is compared with the nearer of the two, the "
        "shock of the heel by magnitude: at 100 Hz half of its power lies above half the rate and folds down. "
        "The axis of a repetition is the principal axis of its true angular rate; its phases are those commanded. "
        "Left out: the reference case (its own table), jumps (the truth counts dip, "
        "flight and landing as one), the slip (its mount changes), standing and fidgeting."
    ),
)


@dataclass(frozen=True, slots=True)
class FieldScore:
    """One scenario: the scores of both legs by class."""

    name: str
    legs: dict[str, tuple[LegScore, ...]]

    def errors(self, of: str, name: str) -> FloatArray:
        """Return the errors of one field in one class."""
        found = [leg.errors[name] for leg in self.legs.get(of, ()) if name in leg.errors]
        return np.concatenate(found) if found else np.empty(0)

    def nulls(self, of: str, name: str) -> int:
        """Return how often the field is null where the truth has a number."""
        return sum(leg.nulls.get(name, 0) for leg in self.legs.get(of, ()))


@dataclass(slots=True)
class FieldSuite:
    """The table of one condition; `NAME` as every suite has it."""

    NAME: str
    imu: str
    mount_known: bool
    at_most_pct: float
    title: str

    def tasks(self) -> list[str]:
        """Return the scenarios whose fields are compared."""
        return [name for name in SCENARIOS if name not in LEFT_OUT]

    def measure(self, task: str) -> FieldScore:
        """Simulate, run and score one scenario."""
        truth, records = simulated(task, mount_known=self.mount_known, imu=self.imu)
        legs: dict[str, tuple[LegScore, ...]] = {}
        for of, movements in CLASSES.items():
            chosen = {
                side: [rep for rep in reps if (rep.movement in movements if movements else rep.kind == "rep")]
                for side, reps in truth.items()
            }
            legs[of] = tuple(score_leg(reps, records, side) for side, reps in chosen.items() if reps)
        return FieldScore(task, legs)

    def summarise(self, scores: Sequence[FieldScore]) -> Section:
        """Return the table by class and field."""
        figures = [
            figure for of in CLASSES for name in FIELDS for figure in _figures(scores, of, name, self.at_most_pct)
        ]
        parts = [within([figure for figure in figures if figure.key.startswith(of)], f"{of}_", of) for of in CLASSES]
        return Section(
            name=self.NAME,
            title=f"{self.title}, {len(scores)} scenarios",
            figures=[*figures, *(figure for part in parts for figure in part)],
            notes=NOTES,
            details=["median / 95th percentile of |error| (how many):", *_details(scores)],
        )


def _figures(scores: Sequence[FieldScore], of: str, name: str, at_most_pct: float) -> list[Figure]:
    """Return the figures of one field in one class, none where no truth has it."""
    unit = unit_of(name)
    by_scenario = {score.name: errors for score in scores if len(errors := score.errors(of, name))}
    nulls = sum(score.nulls(of, name) for score in scores)
    if not by_scenario and not nulls:
        return []
    errors = np.concatenate([*by_scenario.values(), np.empty(0)])
    medians = {scenario: percentile(np.abs(each), 50) for scenario, each in by_scenario.items()}
    worst = max(medians, key=medians.__getitem__, default="")
    parts = {
        "p95": percentile(np.abs(errors), 95),
        "bias": float(errors.mean()) if len(errors) else float("nan"),
        "sd": float(errors.std()) if len(errors) else float("nan"),
        "worst": medians.get(worst, float("nan")),
    }
    many = f"{len(errors)} ({nulls} null)" if nulls else f"{len(errors)}"
    beside = f"{parts['p95']:.1f}; {parts['bias']:+.1f}; {worst} {parts['worst']:.1f}; {many}" if worst else many
    key = f"{of}_{name}"
    fine = [
        Figure(key=f"{key}_{part}", label=f"{of}: {name}, {part}", value=value, unit=unit, fine=True)
        for part, value in parts.items()
    ]
    shown = Figure(
        key=f"{key}_median",
        label=f"{of}: {name}",
        value=percentile(np.abs(errors), 50),
        unit=unit,
        digits=1,
        at_most=at_most_pct if unit == "%" else None,
        anchor=beside,
    )
    count = Figure(key=f"{key}_n", label=f"{of}: {name}, compared", value=len(errors), digits=0, fine=True)
    null = Figure(key=f"{key}_nulls", label=f"{of}: {name}, null", value=nulls, digits=0, fine=True)
    return [shown, *fine, count, null]


def _details(scores: Sequence[FieldScore]) -> list[str]:
    """Return one line for each field of each scenario."""
    return [
        f"{score.name:>20} {name:26} {percentile(np.abs(errors), 50):7.2f} / "
        f"{percentile(np.abs(errors), 95):7.2f} {unit_of(name):>3} ({len(errors)})"
        for score in scores
        for of in CLASSES
        for name in FIELDS
        if len(errors := score.errors(of, name))
    ]


KNOWN: Final = FieldSuite(
    NAME="fields_known",
    imu="ideal",
    mount_known=True,
    at_most_pct=2.0,
    title="fields against exact truth: no noise, mount known",
)
FOUND: Final = FieldSuite(
    NAME="fields_found",
    imu="consumer",
    mount_known=False,
    at_most_pct=5.0,
    title="fields against exact truth: a consumer IMU's errors, mount found",
)
