"""gait_feet_gaitmap: another lab's feet, rates and sensor axes; lengths from optics; stairs and a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.datasets import gaitmap
from benchmarks.report import Figure, Section
from benchmarks.running import both_feet
from benchmarks.scoring.events import Counts, percentile, spread
from benchmarks.scoring.gait import FootScore, Strides, length_errors_m, score_foot, strides_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ankled.daemon.records import Record
    from benchmarks.datasets.common import FloatArray
    from benchmarks.datasets.gaitmap import Pass

NAME = gaitmap.NAME

NOTES = (
    (
        "Truth is the segmentation that comes with the files, made by another program, not a force plate: the "
        "errors in time are differences of definition as well. Only stretches that it covers are scored, +-0.2 s."
    ),
    (
        "Stride length: ours from contact to contact, the optical one from flat foot to flat foot around the same "
        "contact."
    ),
    (
        "Files without truth (stairs, patient): the share of strides of one foot beyond those of the other says "
        "how steady the counts are, not how right."
    ),
)


@dataclass(frozen=True, slots=True)
class PassScore:
    """One recording: scores where truth exists, and in any case the number of strides of each foot."""

    name: str
    feet: tuple[FootScore, ...]
    strides: tuple[int, ...]
    cadence_per_min: tuple[float, ...]
    length_error_m: FloatArray
    length_m: FloatArray


def tasks() -> list[str]:
    """Return the names of all recordings."""
    return [each.name for each in gaitmap.load_passes()]


def score_pass(each: Pass, records: Sequence[Record]) -> PassScore:
    """Score the records of a recording, devices `left` and `right`."""
    found = {side: strides_of(records, side) for side in each.feet}
    feet: list[FootScore] = []
    lengths: list[tuple[FloatArray, FloatArray]] = []
    for side, truth in each.truth.items():
        spans = [(start - gaitmap.MARGIN_S, end + gaitmap.MARGIN_S) for start, end in truth.spans_s]
        strides = found[side]
        feet.append(score_foot(truth.contact_s, truth.toe_off_s, spans, strides))
        lengths.append(length_errors_m(truth.length_m, strides))
    return PassScore(
        name=each.name,
        feet=tuple(feet),
        strides=tuple(len(strides.contact_s) for strides in found.values()),
        cadence_per_min=tuple(_median_cadence(strides) for strides in found.values()),
        length_error_m=np.concatenate([errors for errors, _ in lengths] or [np.empty(0)]),
        length_m=np.concatenate([truth for _, truth in lengths] or [np.empty(0)]),
    )


def _median_cadence(strides: Strides) -> float:
    return percentile(strides.cadence_per_min[np.isfinite(strides.cadence_per_min)], 50)


def measure(task: str) -> PassScore:
    """Run and score one recording."""
    each = next(each for each in gaitmap.load_passes() if each.name == task)
    return score_pass(each, both_feet(each.feet))


def _with_truth(score: PassScore) -> list[Figure]:
    key, label = score.name.replace(" ", "_"), score.name
    counts = sum((foot.contacts for foot in score.feet), Counts())
    contact = spread(1000.0 * np.concatenate([foot.contact_error_s for foot in score.feet]))
    toe_off = spread(1000.0 * np.concatenate([foot.toe_off_error_s for foot in score.feet]))
    cadence = np.concatenate([foot.cadence_error_per_min for foot in score.feet])
    figures = [
        Figure(key=f"{key}_f1", label=f"{label}: strides, F1", value=counts.f1(), digits=4, at_least=0.98),
        Figure(key=f"{key}_missed", label=f"{label}: strides missed", value=counts.missed, digits=0),
        Figure(key=f"{key}_false", label=f"{label}: strides that are none", value=counts.false, digits=0),
        Figure(key=f"{key}_ic_bias_ms", label=f"{label}: IC, bias", value=contact.bias, unit="ms", digits=1),
        Figure(key=f"{key}_ic_sd_ms", label=f"{label}: IC, sd", value=contact.sd, unit="ms", digits=1),
        Figure(
            key=f"{key}_cadence",
            label=f"{label}: cadence error, median",
            value=percentile(np.abs(cadence), 50),
            unit="/min",
        ),
    ]
    if np.isfinite(toe_off.bias):
        figures += [
            Figure(key=f"{key}_to_bias_ms", label=f"{label}: TO, bias", value=toe_off.bias, unit="ms", digits=1),
            Figure(key=f"{key}_to_sd_ms", label=f"{label}: TO, sd", value=toe_off.sd, unit="ms", digits=1),
        ]
    if len(score.length_m):
        share = 100.0 * score.length_error_m / score.length_m
        label = f"{label}: stride length, "
        figures += [
            Figure(key=f"{key}_length_bias_pct", label=f"{label}bias", value=float(share.mean()), unit="%", digits=1),
            Figure(
                key=f"{key}_length_median_pct",
                label=f"{label}median absolute error",
                value=percentile(np.abs(share), 50),
                unit="%",
                digits=1,
            ),
            Figure(key=f"{key}_length_count", label=f"{label}strides", value=len(share), digits=0),
        ]
    return figures


def _without_truth(score: PassScore) -> list[Figure]:
    left, right = score.strides
    key = score.name.replace(" ", "_")
    apart = 100.0 * abs(left - right) / max(left, right, 1)
    cadence = [f"{value:.1f}" for value in score.cadence_per_min]
    return [
        Figure(
            key=f"{key}_apart_pct",
            label=f"{score.name}: strides of the two feet differ by",
            value=apart,
            unit="%",
            digits=1,
            anchor=f"{left} left, {right} right; median cadence {cadence[0]} and {cadence[1]} /min",
        )
    ]


def summarise(scores: Sequence[PassScore]) -> Section:
    """Return the table over all recordings measured."""
    figures: list[Figure] = []
    for score in scores:
        figures += _with_truth(score) if score.feet else _without_truth(score)
    return Section(name=NAME, title=f"{NAME}: feet, 204.8 and 102.4 Hz", figures=figures, notes=NOTES)
