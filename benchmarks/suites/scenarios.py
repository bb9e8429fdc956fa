"""The simulator's scenarios: every numeric field against exact truth, with the mount known and with the mount found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from ankled.simulators.scenarios import SCENARIOS
from benchmarks.report import Figure, Section
from benchmarks.running import simulated
from benchmarks.scoring.events import Counts, percentile
from benchmarks.scoring.fields import ANGLES_DEG, SIZES, TIMES_S, LegScore, score_leg, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.datasets.common import FloatArray

NAME = "simulators"
Mount: TypeAlias = Literal["known", "found"]
MOUNTS: tuple[Mount, ...] = ("known", "found")
FIELDS = (*TIMES_S, *ANGLES_DEG, *SIZES)
REFERENCE = "reference"
REFERENCE_BARS = {"known": 2.0, "found": 5.0}
REFERENCE_BARRED = "lateral_force_peak_n"
REFERENCE_FIELDS = {"lateral_force_peak_n": "peak lateral force", "stride_length_m": "stride length"}

NOTES = (
    (
        "Every scenario, both legs, sensor mounted askew; `known`: the mount is in the settings, `found`: it is "
        "not. Missed and false: strides within 0.25 s of the true contact, repetitions that share more than half "
        "of the shorter interval, one to one, of the right kind."
    ),
    (
        "Errors are found minus true over all scenarios: instants in ms, plane angle in deg, everything else in "
        "percent of the field's median size in the same scenario. Ours: the median of |error| with the mount "
        "known. Beside: bias / 95th percentile of |error| / share of nulls where the truth has a number (the "
        "reason is in the record); then median, bias, 95th and nulls with the mount found."
    ),
)


@dataclass(frozen=True, slots=True)
class ScenarioScore:
    """One scenario, both legs, by mount."""

    name: str
    legs: dict[Mount, tuple[LegScore, ...]]

    def counts(self, mount: Mount) -> Counts:
        """Return the counts of both legs, strides and repetitions."""
        return sum((leg.counts() for leg in self.legs[mount]), Counts())

    def errors(self, mount: Mount, name: str) -> FloatArray:
        """Return the errors of one field of both legs."""
        return np.concatenate([leg.errors.get(name, np.empty(0)) for leg in self.legs[mount]])

    def nulls(self, mount: Mount, name: str) -> int:
        """Return how often the field is null where the truth has a number."""
        return sum(leg.nulls.get(name, 0) for leg in self.legs[mount])


def tasks() -> list[str]:
    """Return the names of all scenarios."""
    return list(SCENARIOS)


def measure(task: str) -> ScenarioScore:
    """Simulate, run and score one scenario with each kind of mount."""
    legs: dict[Mount, tuple[LegScore, ...]] = {}
    for mount in MOUNTS:
        truth, records = simulated(task, mount_known=mount == "known")
        legs[mount] = tuple(score_leg(reps, records, side) for side, reps in truth.items())
    return ScenarioScore(task, legs)


def _counts(score: ScenarioScore) -> list[Figure]:
    known, found = score.counts("known"), score.counts("found")
    wrong = {"known": known.missed + known.false, "found": found.missed + found.false}
    told = [f"{mount}: {c.missed} missed, {c.false} false" for mount, c in (("known", known), ("found", found))]
    beside = "; ".join(told) if any(wrong.values()) else ""
    figures = [
        Figure(
            key=f"{score.name}_known_wrong",
            label=f"{score.name}: wrong of {known.hits + known.missed}",
            value=wrong["known"],
            digits=0,
            at_most=0.0,
            anchor=beside,
        )
    ]
    for mount in MOUNTS:
        counts = score.counts(mount)
        for part, value in (("missed", counts.missed), ("false", counts.false)):
            label = f"{score.name}, mount {mount}: {part}"
            figures.append(Figure(key=f"{score.name}_{mount}_{part}", label=label, value=value, digits=0, fine=True))
    return figures


def _reference(score: ScenarioScore) -> list[Figure]:
    return [
        Figure(
            key=f"reference_{mount}_{name}_pct",
            label=f"reference case, mount {mount}: {label}, worst of {len(errors)}",
            value=float(np.abs(errors).max()) if len(errors) else float("nan"),
            unit="%",
            at_most=REFERENCE_BARS[mount] if name == REFERENCE_BARRED else None,
            anchor=f"median error {percentile(errors, 50):+.2f} %",
        )
        for mount in MOUNTS
        for name, label in REFERENCE_FIELDS.items()
        for errors in [score.errors(mount, name)]
    ]


def _field(scores: Sequence[ScenarioScore], name: str) -> list[Figure]:
    unit = unit_of(name)
    fine: list[Figure] = []
    texts: dict[Mount, str] = {}
    for mount in MOUNTS:
        errors = np.concatenate([score.errors(mount, name) for score in scores])
        nulls = sum(score.nulls(mount, name) for score in scores)
        parts = {
            "bias": float(errors.mean()) if len(errors) else float("nan"),
            "median": percentile(np.abs(errors), 50),
            "p95": percentile(np.abs(errors), 95),
            "null_share_pct": 100.0 * nulls / max(nulls + len(errors), 1),
        }
        texts[mount] = f"{parts['bias']:+.1f} / {parts['p95']:.1f} / {parts['null_share_pct']:.0f} %"
        if mount == "found":
            texts[mount] = f"found {parts['median']:.1f} / {texts[mount]}"
        fine += [
            Figure(
                key=f"{name}_{mount}_{part}",
                label=f"{name}, mount {mount}: {part}",
                value=value,
                unit="%" if part.endswith("pct") else unit,
                fine=True,
            )
            for part, value in parts.items()
        ]
    shown = next(figure for figure in fine if figure.key == f"{name}_known_median")
    table = Figure(
        key=shown.key,
        label=f"{name}, median |error|",
        value=shown.value,
        unit=unit,
        digits=1,
        anchor="; ".join(texts.values()),
    )
    return [table, *(figure for figure in fine if figure is not shown)]


def _detail(score: ScenarioScore) -> list[str]:
    lines: list[str] = []
    for name in FIELDS:
        known, found = score.errors("known", name), score.errors("found", name)
        if len(known) or len(found) or score.nulls("known", name):
            parts = [
                f"{mount} {percentile(np.abs(errors), 50):7.2f} / {percentile(np.abs(errors), 95):7.2f} ({len(errors)})"
                for mount, errors in (("known", known), ("found", found))
            ]
            lines.append(f"{score.name:>20} {name:26} {unit_of(name):>3}  " + "   ".join(parts))
    return lines


def summarise(scores: Sequence[ScenarioScore]) -> Section:
    """Return the table over all scenarios measured."""
    figures = [figure for score in scores for figure in _counts(score)]
    figures += [figure for score in scores if score.name == REFERENCE for figure in _reference(score)]
    figures += [figure for name in FIELDS for figure in _field(scores, name)]
    return Section(
        name=NAME,
        title=f"simulators: {len(scores)} scenarios, both legs, 100 Hz, exact truth",
        figures=figures,
        notes=NOTES,
        details=["median / 95th percentile of |error| (how many):", *(line for s in scores for line in _detail(s))],
    )
