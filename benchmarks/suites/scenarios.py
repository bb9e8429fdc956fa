"""The simulator's scenarios: what is counted, with the mount known and with the mount found, and the reference case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from ankled.daemon.records import Rep
from ankled.simulators.scenarios import SCENARIOS
from benchmarks.report import Figure, Section
from benchmarks.running import simulated
from benchmarks.scoring.events import Counts, percentile
from benchmarks.scoring.fields import LegScore, score_leg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.datasets.common import FloatArray

NAME = "simulators"
Mount: TypeAlias = Literal["known", "found"]
MOUNTS: tuple[Mount, ...] = ("known", "found")
REFERENCE = "reference"
REFERENCE_BARS: Final = {"known": 2.0, "found": 5.0}
REFERENCE_FIELDS: Final = {"lateral_force_peak_n": "peak lateral force", "stride_length_m": "stride length"}
REFERENCE_BARRED = "lateral_force_peak_n"
REFERENCE_RATES_HZ: Final = (50.0, 100.0, 200.0)
IMUS: Final = ("ideal", "consumer")

NOTES = (
    (
        "Every scenario, both legs, a consumer IMU's errors, sensor mounted askew; `known`: the mount is in the "
        "settings, `found`: it is not. Missed and false: strides within 0.25 s of the true contact, repetitions that "
        "share more than half of the shorter interval, one to one, of the right kind."
    ),
    (
        "Reference case: 4.0 lb on a 26 inch stride, 9.34 N inward at mid-swing. The worst stride of both legs; "
        "beside: without the sensor's errors, and the median error with them. Its sensor sits on the axis of the "
        "ankle, so its stride length suffers from the lever that a shank in walking has."
    ),
)


@dataclass(frozen=True, slots=True)
class ReferenceScore:
    """The reference case in one condition: errors in percent, both legs, and records with another bandwidth."""

    errors: dict[str, FloatArray]
    wrong_bandwidth: int


@dataclass(frozen=True, slots=True)
class ScenarioScore:
    """One scenario, both legs, by mount; the reference case by mount, sensor and rate as well."""

    name: str
    legs: dict[Mount, tuple[LegScore, ...]]
    reference: dict[tuple[Mount, str, float], ReferenceScore] = field(default_factory=dict)

    def counts(self, mount: Mount) -> Counts:
        """Return the counts of both legs, strides and repetitions."""
        return sum((leg.counts() for leg in self.legs[mount]), Counts())


def tasks() -> list[str]:
    """Return the names of all scenarios."""
    return list(SCENARIOS)


def measure(task: str) -> ScenarioScore:
    """Simulate, run and score one scenario with each kind of mount."""
    legs: dict[Mount, tuple[LegScore, ...]] = {}
    for mount in MOUNTS:
        truth, records = simulated(task, mount_known=mount == "known")
        legs[mount] = tuple(score_leg(reps, records, side) for side, reps in truth.items())
    conditions = [(m, i, r) for m in MOUNTS for i in IMUS for r in REFERENCE_RATES_HZ] if task == REFERENCE else []
    return ScenarioScore(task, legs, {each: _measure_reference(*each) for each in conditions})


def _measure_reference(mount: Mount, imu: str, rate_hz: float) -> ReferenceScore:
    truth, records = simulated(REFERENCE, mount_known=mount == "known", imu=imu, rate_hz=rate_hz)
    legs = [score_leg(reps, records, side) for side, reps in truth.items()]
    strides = [record for record in records if isinstance(record, Rep)]
    expected_hz = min(20.0, 0.4 * rate_hz)
    return ReferenceScore(
        errors={name: np.concatenate([leg.errors.get(name, np.empty(0)) for leg in legs]) for name in REFERENCE_FIELDS},
        wrong_bandwidth=sum(stride.bandwidth_hz != expected_hz for stride in strides),
    )


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


def _worst(errors: FloatArray) -> float:
    return float(np.abs(errors).max()) if len(errors) else float("nan")


def _reference(score: ScenarioScore) -> list[Figure]:
    figures: list[Figure] = []
    for name, label in REFERENCE_FIELDS.items():
        for mount in MOUNTS:
            for rate_hz in REFERENCE_RATES_HZ:
                ideal, real = (score.reference[mount, imu, rate_hz].errors[name] for imu in IMUS)
                where = f"reference case, mount {mount}, {rate_hz:.0f} Hz: {label}"
                key = f"reference_{mount}_{rate_hz:.0f}_{name}"
                bar = REFERENCE_BARS[mount] if name == REFERENCE_BARRED else None
                figures += [
                    Figure(
                        key=f"{key}_pct",
                        label=f"{where}, worst of {len(real)}",
                        value=_worst(real),
                        unit="%",
                        at_most=bar,
                        anchor=f"ideal {_worst(ideal):.2f}; median {percentile(real, 50):+.2f}",
                        fine=name != REFERENCE_BARRED and rate_hz != SCENARIOS[REFERENCE].rate_hz,
                    ),
                    Figure(
                        key=f"{key}_ideal_pct",
                        label=f"{where}, ideal sensor",
                        value=_worst(ideal),
                        unit="%",
                        at_most=bar,
                        fine=True,
                    ),
                ]
    wrong = sum(one.wrong_bandwidth for one in score.reference.values())
    label = "reference case: strides whose bandwidth is not min(20 Hz, 0.4 rate)"
    return [*figures, Figure(key="reference_bandwidth", label=label, value=wrong, digits=0, at_most=0.0)]


def summarise(scores: Sequence[ScenarioScore]) -> Section:
    """Return the table over all scenarios measured."""
    whole = {mount: sum((score.counts(mount) for score in scores), Counts()) for mount in MOUNTS}
    total = [
        Figure(key=f"all_{mount}_{part}", label=f"all, mount {mount}: {part}", value=value, digits=0)
        for mount, counts in whole.items()
        for part, value in (("hits", counts.hits), ("missed", counts.missed), ("false", counts.false))
    ]
    return Section(
        name=NAME,
        title=f"simulators: {len(scores)} scenarios, both legs, exact truth",
        figures=[
            *total,
            *(figure for score in scores for figure in _counts(score)),
            *(figure for score in scores if score.reference for figure in _reference(score)),
        ],
        notes=NOTES,
    )
