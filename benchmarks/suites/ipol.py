"""gait_feet_ipol: strides of both feet on walks with a turn, nothing told about axes or movement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.datasets import ipol
from benchmarks.report import Figure, Section
from benchmarks.running import both_feet
from benchmarks.scoring.events import Counts, percentile, spread
from benchmarks.scoring.gait import FootScore, score_foot, strides_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ankled.daemon.records import Record
    from benchmarks.datasets.common import FloatArray
    from benchmarks.datasets.ipol import Walk

NAME = ipol.NAME
tasks = ipol.walk_names
_MEDIAN = 50.0
_P95 = 95.0

NOTES = (
    (
        "Truth and found events are both taken inside the trial's boundaries +-0.2 s; outside, annotations are "
        "incomplete."
    ),
    (
        "A found stride's contact is right within 0.25 s of a true heel-strike, one to one, the closest pairs "
        "first; the same for toe-offs. Errors are found minus true."
    ),
    (
        "Cadence error: cadence - 120/(IC - previous IC) of strides whose two contacts are both matched (`any "
        "match`: every matched stride, also after a contact missed or too many), both feet. Per walk, `per stride`"
        " is the mean of the absolute errors, `of the walk's mean` the absolute value of the mean error; then "
        "median and 95th over walks."
    ),
    (
        "Annotations are whole samples of 10 ms. Contacts without any error would therefore show 0.34 /min per "
        "stride (median; 95th 0.44) and 0.02 /min of the walk's mean: the first of the two cannot reach 0.25."
    ),
    "Delay: known_at_s - initial_contact_s of every stride inside the boundaries.",
    ("Anchors are other people's recordings and methods, batch where not said otherwise: a scale, not a contest."),
)


@dataclass(frozen=True, slots=True)
class WalkScore:
    """One walk, both feet."""

    name: str
    feet: tuple[FootScore, ...]

    def counts(self) -> Counts:
        """Return the counts of contacts of both feet."""
        return sum((foot.contacts for foot in self.feet), Counts())

    def joined(self, column: str) -> FloatArray:
        """Return one column of errors of both feet."""
        return np.concatenate([getattr(foot, column) for foot in self.feet])

    def cadence_error(self) -> float:
        """Return the walk's mean absolute error of cadence; NaN without any."""
        return spread(self.joined("cadence_error_per_min")).mean_absolute


def score_walk(walk: Walk, records: Sequence[Record]) -> WalkScore:
    """Score the records of a walk, devices `left` and `right`."""
    return WalkScore(
        walk.name,
        tuple(
            score_foot(foot.heel_strike_s, foot.toe_off_s, [walk.window_s()], strides_of(records, side))
            for side, foot in walk.feet.items()
        ),
    )


def measure(task: str) -> WalkScore:
    """Run and score one walk."""
    walk = ipol.load_walk(task)
    return score_walk(walk, both_feet({side: foot.data for side, foot in walk.feet.items()}))


def _finite(values: Iterable[float]) -> FloatArray:
    array = np.asarray(list(values))
    return array[np.isfinite(array)]


def _found(scores: Sequence[WalkScore]) -> list[Figure]:
    counts = sum((score.counts() for score in scores), Counts())
    offs = sum((foot.toe_offs for score in scores for foot in score.feet), Counts())
    other = sum(foot.other for score in scores for foot in score.feet)
    return [
        Figure(
            key="f1",
            label="strides, F1",
            value=counts.f1(),
            digits=4,
            at_least=0.98,
            anchor="msDTW (Barth 2015) 0.97-0.98; HMM (Roth 2021), free living, 0.921",
        ),
        Figure(
            key="precision", label="strides, precision", value=counts.precision(), digits=4, anchor="Oudre 2018: 0.98"
        ),
        Figure(key="recall", label="strides, recall", value=counts.recall(), digits=4, anchor="Oudre 2018: 0.98"),
        Figure(key="missed", label="strides missed", value=counts.missed, digits=0),
        Figure(key="false", label="strides that are none", value=counts.false, digits=0),
        Figure(key="other", label="repetitions seen in walks", value=other, digits=0),
        Figure(key="toe_off_f1", label="toe-offs, F1", value=offs.f1(), digits=4),
    ]


def _timing(scores: Sequence[WalkScore]) -> list[Figure]:
    contact = spread(1000.0 * np.concatenate([score.joined("contact_error_s") for score in scores]))
    toe_off = spread(1000.0 * np.concatenate([score.joined("toe_off_error_s") for score in scores]))
    figures: list[Figure] = []
    for key, label, errors, anchor in (
        ("ic", "initial contact", contact, "shank (Fadillioglu 2020): 11 +- 3 ms"),
        ("to", "toe-off", toe_off, "shank (Fadillioglu 2020): 29 +- 11 ms"),
    ):
        figures += [
            Figure(key=f"{key}_bias_ms", label=f"{label}, bias", value=errors.bias, unit="ms", digits=1),
            Figure(key=f"{key}_sd_ms", label=f"{label}, sd", value=errors.sd, unit="ms", digits=1),
            Figure(
                key=f"{key}_mae_ms",
                label=f"{label}, mean absolute error",
                value=errors.mean_absolute,
                unit="ms",
                digits=1,
                at_most=20.0,
                anchor=anchor,
            ),
        ]
    return figures


def _cadence(scores: Sequence[WalkScore]) -> list[Figure]:
    figures: list[Figure] = []
    for key, label, column in (
        ("cadence", "cadence error", "cadence_error_per_min"),
        ("cadence_any", "cadence error, any match", "cadence_error_any_per_min"),
    ):
        errors = [spread(score.joined(column)) for score in scores]
        each = _finite(error.mean_absolute for error in errors)
        mean = _finite(abs(error.bias) for error in errors)
        for part, text, values in (("", "per stride", each), ("_mean", "of the walk's mean", mean)):
            barred = key == "cadence"
            figures += [
                Figure(
                    key=f"{key}{part}_{short}",
                    label=f"{label} {text}, {name}",
                    value=percentile(values, percent),
                    unit="/min",
                    digits=3,
                    at_most=bar if barred else None,
                    anchor="lower back (Mobilise-D): < 8.5 %, about 9 /min" if barred and percent == _MEDIAN else "",
                )
                for short, name, percent, bar in (("median", "median", _MEDIAN, 0.25), ("p95", "95th", _P95, 1.5))
            ]
    return figures


def _delay(scores: Sequence[WalkScore]) -> list[Figure]:
    delay = np.concatenate([score.joined("delay_s") for score in scores])
    late = np.concatenate([score.joined("retroactive_delay_s") for score in scores])
    return [
        Figure(
            key="delay_median_s", label="known after IC, median", value=percentile(delay, _MEDIAN), unit="s", digits=3
        ),
        Figure(
            key="delay_p95_s",
            label="known after IC, 95th percentile",
            value=percentile(delay, _P95),
            unit="s",
            digits=3,
            at_most=0.3,
        ),
        Figure(key="retroactive", label="strides marked retroactive", value=len(late), digits=0),
        Figure(
            key="retroactive_p95_s",
            label="retroactive: known after IC, 95th percentile",
            value=percentile(late, _P95),
            unit="s",
        ),
    ]


def _detail(score: WalkScore) -> str:
    counts = score.counts()
    contact = spread(1000.0 * score.joined("contact_error_s"))
    return (
        f"{score.name:>5}  F1 {counts.f1():.3f}  missed {counts.missed:2d}  false {counts.false:2d}  "
        f"cadence {score.cadence_error():6.3f} /min  IC {contact.bias:+6.1f} +- {contact.sd:5.1f} ms"
    )


def summarise(scores: Sequence[WalkScore]) -> Section:
    """Return the table over all walks measured."""
    worst = sorted(scores, key=lambda score: (score.counts().f1(), -np.nan_to_num(score.cadence_error(), nan=np.inf)))
    return Section(
        name=NAME,
        title=f"{NAME}: {len(scores)} walks with a turn, both feet, 100 Hz",
        figures=[*_found(scores), *_timing(scores), *_cadence(scores), *_delay(scores)],
        notes=NOTES,
        details=["worst walks first:", *(_detail(score) for score in worst)],
    )
