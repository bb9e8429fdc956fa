"""Quality on trial: on everything with a truth, whether the wrong records have the lower quality."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from ankled.daemon.settings import DeviceSettings
from ankled.simulators.scenarios import SCENARIOS
from benchmarks.datasets import ipol, leg_raises
from benchmarks.report import Figure, Section
from benchmarks.running import both_feet, records_of, simulated
from benchmarks.scoring.trust import Verdicts, judge_session, judge_simulated, judge_walk, of_device, verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "trust"
_WALK, _RAISES, _SCENARIO = "ipol ", "leg raises ", "scenario "
_HIGH = 0.8
_LOW = 0.5

NOTES = (
    (
        "A stride is wrong that is none, or whose contact is more than 0.1 s off; a repetition that is none, or seen "
        "in a walk; in simulations also one whose duration, range, sway or lateral force (rms) is off by more than a "
        "quarter of its usual size. Mount and movement are found, never told."
    ),
    "Lower quality: how often a wrong record has less quality than a right one, both drawn at random; chance is 0.5.",
)


@dataclass(frozen=True, slots=True)
class TrustScore:
    """The verdicts of one recording."""

    task: str
    verdicts: Verdicts


def tasks() -> list[str]:
    """Return the names of all walks, sessions and scenarios; a session whose intervals are unknown has no verdict."""
    return [
        *(f"{_WALK}{name}" for name in ipol.walk_names()),
        *(f"{_RAISES}{name}" for name in leg_raises.session_names()),
        *(f"{_SCENARIO}{name}" for name in SCENARIOS),
    ]


def _walk(name: str) -> list[Verdicts]:
    walk = ipol.load_walk(name)
    records = both_feet({side: foot.data for side, foot in walk.feet.items()})
    return [
        judge_walk(foot.heel_strike_s, walk.window_s(), *of_device(records, side)) for side, foot in walk.feet.items()
    ]


def _raises(name: str) -> list[Verdicts]:
    session = leg_raises.load_session(name)
    if session.intervals_s is None:
        return []
    records = records_of([DeviceSettings(slug="shank", side="left")], {"shank": session.data})
    return [judge_session(session.intervals_s, *of_device(records, "shank"))]


def _scenario(name: str) -> list[Verdicts]:
    truth, records = simulated(name, mount_known=False)
    return [judge_simulated(reps, *of_device(records, side)) for side, reps in truth.items()]


def measure(task: str) -> TrustScore:
    """Run and judge one recording."""
    for prefix, work in ((_WALK, _walk), (_RAISES, _raises), (_SCENARIO, _scenario)):
        if task.startswith(prefix):
            return TrustScore(task, reduce(add, work(task.removeprefix(prefix)), verdicts([])))
    raise ValueError(f"{task} is no task of {NAME}")


def _figures(label: str, key: str, scores: Sequence[TrustScore], at_least: float | None) -> list[Figure]:
    total = reduce(add, (score.verdicts for score in scores), verdicts([]))
    right, wrong = total.right, total.wrong
    every = np.concatenate([right, wrong])
    high, low = np.sum(every >= _HIGH), np.sum(every < _LOW)
    nothing = float("nan")
    return [
        Figure(
            key=f"{key}separation",
            label=f"{label}: lower quality of the wrong",
            value=total.separation(),
            at_least=at_least,
            anchor=f"{len(right)} right, {len(wrong)} wrong records",
        ),
        Figure(
            key=f"{key}right_mean",
            label=f"{label}: mean quality of the right",
            value=float(right.mean()) if len(right) else nothing,
        ),
        Figure(
            key=f"{key}wrong_mean",
            label=f"{label}: mean quality of the wrong",
            value=float(wrong.mean()) if len(wrong) else nothing,
        ),
        Figure(
            key=f"{key}wrong_of_high_pct",
            label=f"{label}: wrong ones among those of {_HIGH:g} or more",
            value=100.0 * float(np.sum(wrong >= _HIGH)) / float(high) if high else nothing,
            unit="%",
            anchor=f"of {int(high)}",
        ),
        Figure(
            key=f"{key}wrong_of_low_pct",
            label=f"{label}: wrong ones among those below {_LOW:g}",
            value=100.0 * float(np.sum(wrong < _LOW)) / float(low) if low else nothing,
            unit="%",
            anchor=f"of {int(low)}",
        ),
    ]


def summarise(scores: Sequence[TrustScore]) -> Section:
    """Return the table over everything judged."""
    figures = _figures("all", "", scores, 0.8)
    for prefix, label in ((_WALK, "walks"), (_RAISES, "leg raises"), (_SCENARIO, "simulated")):
        chosen = [score for score in scores if score.task.startswith(prefix)]
        if chosen:
            figures += _figures(label, f"{label.replace(' ', '_')}_", chosen, None)
    details = [
        f"{score.task:28} right {len(score.verdicts.right):4d}  wrong {len(score.verdicts.wrong):3d}  qualities of the "
        f"wrong: {', '.join(f'{quality:.2f}' for quality in sorted(score.verdicts.wrong)) or '-'}"
        for score in scores
        if len(score.verdicts.wrong)
    ]
    return Section(
        name=NAME,
        title=f"{NAME}: what quality says of {len(scores)} recordings",
        figures=figures,
        notes=NOTES,
        details=details,
    )
