"""Sensors without a gyroscope: the recordings of feet, lifted legs and the scenarios, their angular rates left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ankled.simulators.scenarios import SCENARIOS
from ankled.simulators.simulation import simulate
from benchmarks.datasets import gaitmap, ipol, leg_raises
from benchmarks.datasets.common import Recording
from benchmarks.report import Figure, Section
from benchmarks.running import without_gyroscope
from benchmarks.scoring.events import Counts, percentile, spread
from benchmarks.scoring.gait import FootScore, score_foot, strides_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.datasets.common import FloatArray

NAME = "accelerometer_only"
_WALKS, _FEET, _RAISES, _SCENARIO = "ipol ", "gaitmap", "leg raises ", "scenario "
_ALWAYS = (-np.inf, np.inf)

NOTES = (
    (
        "Truth, spans and scoring as in the tables of the same recordings. Errors in time are found minus true; "
        "cadence errors are of strides whose two contacts are both matched, a walk's mean, then median and 95th."
    ),
    (
        "A leg raise is none: each stride found among the 240 is false. A foot put down firmly every two seconds "
        "looks like a step to an accelerometer."
    ),
    "Scenarios: contacts missed and false over both legs of every scenario, walking, running or neither, 100 Hz.",
)


@dataclass(frozen=True, slots=True)
class LegsScore:
    """One task: what was to be found on each leg."""

    task: str
    legs: tuple[FootScore, ...]

    def counts(self) -> Counts:
        """Return the counts of contacts of all legs."""
        return sum((leg.contacts for leg in self.legs), Counts())

    def joined(self, column: str) -> FloatArray:
        """Return one column of errors of all legs."""
        return np.concatenate([getattr(leg, column) for leg in self.legs] or [np.empty(0)])


def tasks() -> list[str]:
    """Return the names of all walks, sessions and scenarios."""
    return [
        *(f"{_WALKS}{name}" for name in ipol.walk_names()),
        _FEET,
        *(f"{_RAISES}{name}" for name in leg_raises.session_names()),
        *(f"{_SCENARIO}{name}" for name in SCENARIOS),
    ]


def _walk(name: str) -> list[FootScore]:
    walk = ipol.load_walk(name)
    records = without_gyroscope({side: foot.data for side, foot in walk.feet.items()})
    return [
        score_foot(foot.heel_strike_s, foot.toe_off_s, [walk.window_s()], strides_of(records, side))
        for side, foot in walk.feet.items()
    ]


def _feet() -> list[FootScore]:
    scores: list[FootScore] = []
    for each in gaitmap.load_passes():
        if each.truth:
            records = without_gyroscope(each.feet)
            for side, truth in each.truth.items():
                spans = [(start - gaitmap.MARGIN_S, end + gaitmap.MARGIN_S) for start, end in truth.spans_s]
                scores.append(score_foot(truth.contact_s, truth.toe_off_s, spans, strides_of(records, side)))
    return scores


def _raises(name: str) -> list[FootScore]:
    records = without_gyroscope({"leg": leg_raises.load_session(name).data})
    return [score_foot(np.empty(0), np.empty(0), [_ALWAYS], strides_of(records, "leg"))]


def _scenario(name: str) -> list[FootScore]:
    legs = simulate(name).legs
    records = without_gyroscope({side: Recording(leg.time_s, leg.acc, leg.gyr) for side, leg in legs.items()})
    scores: list[FootScore] = []
    for side, leg in legs.items():
        contacts = np.asarray([one.initial_contact_s for one in leg.truth if one.initial_contact_s is not None])
        scores.append(score_foot(contacts, np.empty(0), [_ALWAYS], strides_of(records, side)))
    return scores


def measure(task: str) -> LegsScore:
    """Run and score one walk, session or scenario."""
    if task == _FEET:
        return LegsScore(task, tuple(_feet()))
    for prefix, work in ((_WALKS, _walk), (_RAISES, _raises), (_SCENARIO, _scenario)):
        if task.startswith(prefix):
            return LegsScore(task, tuple(work(task.removeprefix(prefix))))
    raise ValueError(f"{task} is no task of {NAME}")


def _of(scores: Iterable[LegsScore], prefix: str) -> list[LegsScore]:
    return [score for score in scores if score.task.startswith(prefix)]


def _feet_figures(scores: Sequence[LegsScore], key: str, label: str) -> list[Figure]:
    """Return what is told of real feet: strides found, their times and cadences, and when they were known."""
    counts = sum((score.counts() for score in scores), Counts())
    contact = spread(1000.0 * np.concatenate([score.joined("contact_error_s") for score in scores]))
    cadence = np.asarray([spread(score.joined("cadence_error_per_min")).mean_absolute for score in scores])
    cadence = cadence[np.isfinite(cadence)]
    delay = np.concatenate([score.joined("delay_s") for score in scores])
    rows = (
        ("f1", "strides, F1", counts.f1(), "", 4),
        ("precision", "strides, precision", counts.precision(), "", 4),
        ("recall", "strides, recall", counts.recall(), "", 4),
        ("missed", "strides missed", counts.missed, "", 0),
        ("false", "strides that are none", counts.false, "", 0),
        ("ic_bias_ms", "initial contact, bias", contact.bias, "ms", 1),
        ("ic_sd_ms", "initial contact, sd", contact.sd, "ms", 1),
        ("ic_mae_ms", "initial contact, mean absolute error", contact.mean_absolute, "ms", 1),
        ("cadence_median", "cadence error per stride, median", percentile(cadence, 50), "/min", 3),
        ("cadence_p95", "cadence error per stride, 95th", percentile(cadence, 95), "/min", 3),
        ("delay_median_s", "known after contact, median", percentile(delay, 50), "s", 3),
        ("delay_p95_s", "known after contact, 95th", percentile(delay, 95), "s", 3),
    )
    return [
        Figure(key=f"{key}_{name}", label=f"{label}: {text}", value=value, unit=unit, digits=digits)
        for name, text, value, unit, digits in rows
    ]


def summarise(scores: Sequence[LegsScore]) -> Section:
    """Return the table over all tasks measured."""
    walks, feet, raises, scenarios = (_of(scores, prefix) for prefix in (_WALKS, _FEET, _RAISES, _SCENARIO))
    figures: list[Figure] = []
    if walks:
        figures += _feet_figures(walks, "ipol", f"{len(walks)} walks with a turn")
    if feet:
        figures += _feet_figures(feet, "gaitmap", "feet of another lab")
    if raises:
        false = sum(score.counts().false for score in raises)
        figures.append(Figure(key="raises_false", label="leg raises: strides that are none", value=false, digits=0))
    if scenarios:
        counts = sum((score.counts() for score in scenarios), Counts())
        figures += [
            Figure(key="scenarios_missed", label=f"{len(scenarios)} scenarios: missed", value=counts.missed, digits=0),
            Figure(key="scenarios_false", label=f"{len(scenarios)} scenarios: false", value=counts.false, digits=0),
        ]
    return Section(
        name=NAME,
        title=f"{NAME}: accelerations of feet and shanks, nothing told about axes",
        figures=figures,
        notes=NOTES,
        details=[
            f"{score.task:>28}  hits {counts.hits:2d}  missed {counts.missed:2d}  false {counts.false:2d}"
            for score in scores
            for counts in [score.counts()]
            if counts.hits or counts.missed or counts.false
        ],
    )
