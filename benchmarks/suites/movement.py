"""Walking or exercise, told by the pipeline alone: whether each record is of the kind of what was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ankled.daemon.records import Rep
from ankled.daemon.settings import DeviceSettings
from benchmarks.datasets import everything
from benchmarks.report import Figure, Section
from benchmarks.running import records_of, simulated

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "movement_auto"
tasks = everything.names

NOTES = (
    (
        "Recordings of walks, stairs and feet hold strides alone, those of leg exercises repetitions alone. In a "
        "scenario a record is of the right kind where something of this kind was done while it lasted; where nothing "
        "was done, none is."
    ),
)


@dataclass(frozen=True, slots=True)
class KindScore:
    """One recording: how many of its records are of the right kind, and how many are not."""

    task: str
    right: int
    wrong: int


def _overlaps(rep: Rep, truth: Sequence[Any]) -> bool:
    return any(one.kind == rep.kind and one.start_s < rep.end_s and rep.start_s < one.end_s for one in truth)


def _records(task: str) -> list[Rep]:
    legs = everything.legs_of(task)
    devices = [DeviceSettings(slug=side, side="left" if side == "left" else "right") for side in legs]
    return [record for record in records_of(devices, legs) if isinstance(record, Rep)]


def measure(task: str) -> KindScore:
    """Run one recording and count its kinds."""
    if task.startswith(everything.SCENARIO):
        truth, records = simulated(task.removeprefix(everything.SCENARIO), mount_known=False)
        told = [_overlaps(record, truth[record.device]) for record in records if isinstance(record, Rep)]
    else:
        kind = "rep" if task.startswith(everything.RAISES) else "stride"
        told = [record.kind == kind for record in _records(task)]
    return KindScore(task, sum(told), len(told) - sum(told))


def summarise(scores: Sequence[KindScore]) -> Section:
    """Return the table over all recordings measured."""
    figures: list[Figure] = []
    parts = (
        ("", "all", ""),
        ("walks_", "walks, stairs and feet", (everything.WALK, everything.FEET)),
        ("raises_", "leg exercises", everything.RAISES),
        ("scenarios_", "scenarios", everything.SCENARIO),
    )
    for key, label, prefix in parts:
        chosen = [score for score in scores if score.task.startswith(prefix)]
        right, wrong = sum(score.right for score in chosen), sum(score.wrong for score in chosen)
        if right + wrong:
            figures.append(
                Figure(
                    key=f"{key}right_pct",
                    label=f"{label}: records of the right kind",
                    value=100.0 * right / (right + wrong),
                    unit="%",
                    at_least=98.0 if not key else None,
                    anchor=f"{wrong} wrong of {right + wrong}",
                )
            )
    return Section(
        name=NAME,
        title=f"{NAME}: {len(scores)} recordings, walking and exercise told apart without a hint",
        figures=figures,
        notes=NOTES,
        details=[
            f"{score.task:30} wrong {score.wrong} of {score.right + score.wrong}" for score in scores if score.wrong
        ],
    )
