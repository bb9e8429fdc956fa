"""What pairs, sets and sessions say against exact truth, and the bias and spread of the figures of gait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.report import Figure, Section
from benchmarks.running import simulated
from benchmarks.scoring.events import percentile
from benchmarks.scoring.totals import QUANTITIES, Errors, score
from benchmarks.suites import fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.datasets.common import FloatArray

NAME: Final = "totals"
CONDITIONS: Final = {"known": ("ideal", True), "found": ("consumer", False)}
GAIT: Final = {
    f"{movement}_{field}": (f"{label}: {what}", unit)
    for movement, label in (("walk", "walking, 0.4 to 1.9 m/s"), ("run", "running, 9 and 12 km/h"))
    for field, what, unit in (
        ("contact_time_s", "contact time", "ms"),
        ("duty_factor", "duty factor", "pt"),
        ("stride_length_m", "stride length", "cm"),
        ("stride_speed_mps", "speed of a stride", "m/s"),
    )
}
ROWS: Final = (
    {f"index_{name}": (f"pairs: symmetry index of {name}", "pt") for name in QUANTITIES}
    | {f"log_ratio_{name}": (f"pairs: log ratio of {name}", "pt") for name in QUANTITIES}
    | {f"mean_index_{name}": (f"session: mean symmetry index of {name}", "pt") for name in QUANTITIES}
    | {
        "load_share": ("session: share of the impulse, left leg", "pt"),
        "step_time": ("pairs: step time", "ms"),
        "double_support": ("pairs: double support of a cycle", "ms"),
        "set_count": ("sets: count", ""),
        "time_under_tension": ("sets: time under tension", "%"),
        "set_rest": ("sets: rest before", "ms"),
        "velocity_loss": ("sets: velocity loss", "pt"),
        "velocity_trend": ("sets: trend of velocity, of its mean per repetition", "pt"),
        "rom_trend": ("sets: trend of the range, of its mean per repetition", "pt"),
    }
    | GAIT
)
"""Quantities, what they are called and the unit of their errors; pt: percentage points."""

NOTES: Final = (
    (
        "Found minus true; the truth is computed from the true repetitions by the definitions of the records. Ours: "
        "the median of |error| with no noise and the mount known; beside: its 95th percentile, bias and spread "
        "(standard deviation); then the same with a consumer IMU's errors and the mount found; and how many. Sets are "
        "compared where their count is right."
    ),
)


@dataclass(frozen=True, slots=True)
class TotalScore:
    """One scenario: errors by condition and quantity."""

    name: str
    errors: dict[str, Errors]


def tasks() -> list[str]:
    """Return the scenarios whose totals are compared."""
    return fields.KNOWN.tasks()


def measure(task: str) -> TotalScore:
    """Simulate, run and score one scenario in each condition."""
    return TotalScore(
        task,
        {
            condition: score(*simulated(task, mount_known=mount_known, imu=imu))
            for condition, (imu, mount_known) in CONDITIONS.items()
        },
    )


def _parts(errors: FloatArray) -> dict[str, float]:
    nan = float("nan")
    return {
        "median": percentile(np.abs(errors), 50),
        "p95": percentile(np.abs(errors), 95),
        "bias": float(errors.mean()) if len(errors) else nan,
        "sd": float(errors.std()) if len(errors) else nan,
    }


def _row(scores: Sequence[TotalScore], name: str, label: str, unit: str) -> list[Figure]:
    """Return the figures of one quantity, none where no scenario has it."""
    parts: dict[str, dict[str, float]] = {}
    count = 0
    for condition in CONDITIONS:
        errors = np.asarray([error for one in scores for error in one.errors[condition].get(name, ())])
        parts[condition] = _parts(errors)
        count = max(count, len(errors))
    if not count:
        return []
    digits = 3 if unit == "m/s" else 1
    words = {
        condition: f"{p['p95']:.{digits}f}; {p['bias']:+.{digits}f} ± {p['sd']:.{digits}f}"
        for condition, p in parts.items()
    }
    shown = Figure(
        key=f"{name}_known_median",
        label=label,
        value=parts["known"]["median"],
        unit=unit,
        digits=digits,
        anchor=f"{words['known']} | found {parts['found']['median']:.{digits}f}; {words['found']} | {count}",
    )
    fine = [
        Figure(
            key=f"{name}_{condition}_{part}", label=f"{label}, {condition}: {part}", value=value, unit=unit, fine=True
        )
        for condition, values in parts.items()
        for part, value in values.items()
        if (condition, part) != ("known", "median")
    ]
    return [shown, *fine]


def summarise(scores: Sequence[TotalScore]) -> Section:
    """Return the table over all scenarios measured."""
    return Section(
        name=NAME,
        title=f"pairs, sets, sessions and gait against exact truth, {len(scores)} scenarios",
        figures=[figure for name, (label, unit) in ROWS.items() for figure in _row(scores, name, label, unit)],
        notes=NOTES,
    )
