"""leg_raises_pt: four leg exercises in three styles, nothing told about the exercise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ankled.daemon.settings import DeviceSettings
from benchmarks.datasets import leg_raises
from benchmarks.datasets.leg_raises import REPS_PER_SET, STYLES
from benchmarks.report import Figure, Section
from benchmarks.running import records_of
from benchmarks.scoring.events import Counts, percentile, spread
from benchmarks.scoring.reps import SessionScore, score_session

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = leg_raises.NAME
DEVICE = "shank"
tasks = leg_raises.session_names

NOTES = (
    (
        "Person 1: a found repetition is right where it shares more than half of the shorter interval with a "
        "labelled one, one to one. Person 2: intervals are unknown, so each set counts against its 10."
    ),
    (
        "The two longest pauses of a session part its sets (10 correct, 10 fast, 10 low); a stride seen here is a "
        "false repetition. Missed and false are shares of the 30 repetitions of each session."
    ),
    "The anchor's figures come from all 5 people and 8 exercises of the same study, offline, with templates.",
)


def measure(task: str) -> SessionScore:
    """Run and score one session, as the left leg."""
    session = leg_raises.load_session(task)
    records = records_of([DeviceSettings(slug=DEVICE, side="left")], {DEVICE: session.data})
    return score_session(session, records)


def _share(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else float("nan")


def _within_one(scores: Sequence[SessionScore], styles: Sequence[int]) -> float:
    found = [score.found[style] for score in scores for style in styles]
    return _share(sum(abs(count - REPS_PER_SET) <= 1 for count in found), len(found))


def _all_within_one(found: Sequence[int]) -> bool:
    return all(abs(count - REPS_PER_SET) <= 1 for count in found)


def _counted(label: str, key: str, scores: Sequence[SessionScore]) -> list[Figure]:
    counts = sum((score.counts() for score in scores), Counts())
    whole = counts.hits + counts.missed
    missed, false = _share(counts.missed, whole), _share(counts.false, whole)
    return [
        Figure(key=f"{key}missed_pct", label=f"{label}missed", value=missed, unit="%", at_most=3.0, anchor="8.58 %"),
        Figure(key=f"{key}false_pct", label=f"{label}false", value=false, unit="%", at_most=2.0, anchor="4.91 %"),
    ]


def _sets(scores: Sequence[SessionScore]) -> list[Figure]:
    figures = [
        Figure(
            key="within_one_pct",
            label="sets counted within +-1",
            value=_within_one(scores, range(len(STYLES))),
            unit="%",
            digits=1,
            at_least=95.0,
            anchor="RecoFit 2014 (arm) 93 %; Soro 2019 91 %",
        )
    ]
    told = [len(score.set_counts) == len(STYLES) and _all_within_one(score.set_counts) for score in scores]
    figures.append(
        Figure(
            key="sessions_in_sets_pct",
            label="sessions parted into their three sets of 10 +-1",
            value=_share(sum(told), len(told)),
            unit="%",
            digits=1,
        )
    )
    for index, style in enumerate(STYLES):
        counts = sum((score.sets[index] for score in scores), Counts())
        whole = counts.hits + counts.missed
        within = _within_one(scores, [index])
        label = f"style {style}: "
        figures += [
            Figure(key=f"{style}_within_one_pct", label=f"{label}within +-1", value=within, unit="%", digits=1),
            Figure(key=f"{style}_missed_pct", label=f"{label}missed", value=_share(counts.missed, whole), unit="%"),
            Figure(key=f"{style}_false_pct", label=f"{label}false", value=_share(counts.false, whole), unit="%"),
        ]
    return figures


def _detail(score: SessionScore) -> str:
    counts = score.counts()
    how = "intervals" if score.by_interval else "counts"
    return (
        f"{score.name} {score.exercise:22} found {score.found} missed {counts.missed} false {counts.false} "
        f"strides {score.strides} (by {how})"
    )


def summarise(scores: Sequence[SessionScore]) -> Section:
    """Return the table over all sessions measured."""
    labelled = [score for score in scores if score.by_interval]
    delay = np.concatenate([score.delay_s for score in scores])
    start = spread(np.concatenate([score.start_error_s for score in scores]))
    end = spread(np.concatenate([score.end_error_s for score in scores]))
    return Section(
        name=NAME,
        title=f"{NAME}: {len(scores)} sessions of 30 repetitions, lower leg, 25 Hz, movement auto",
        figures=[
            *_counted("", "", scores),
            *_counted("by interval (person 1): ", "interval_", labelled),
            *_sets(scores),
            Figure(
                key="strides",
                label="strides seen in exercises",
                value=sum(score.strides for score in scores),
                digits=0,
            ),
            Figure(key="delay_median_s", label="known after the end, median", value=percentile(delay, 50), unit="s"),
            Figure(key="delay_p95_s", label="known after the end, 95th", value=percentile(delay, 95), unit="s"),
            Figure(key="start_mae_s", label="start, mean absolute error", value=start.mean_absolute, unit="s"),
            Figure(key="end_mae_s", label="end, mean absolute error", value=end.mean_absolute, unit="s"),
        ],
        notes=NOTES,
        details=[_detail(score) for score in scores],
    )
