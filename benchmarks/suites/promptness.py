"""How soon a result is there: in simulations, the time from the true end of a stride or repetition to its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from ankled.simulators.scenarios import SCENARIOS
from benchmarks.report import Figure, Section
from benchmarks.running import simulated
from benchmarks.scoring.events import percentile
from benchmarks.scoring.fields import matched
from benchmarks.scoring.trust import of_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.datasets.common import FloatArray

NAME = "promptness"
Kind: TypeAlias = Literal["stride", "rep"]
KINDS: dict[Kind, str] = {"stride": "strides: after the contact", "rep": "repetitions: after the leg is back"}

NOTES = (
    (
        "known_at_s minus the true end, of every stride and repetition found in all scenarios, mount found. Those "
        "that waited for the axes to settle, for a second stride or for company are marked retroactive, or are the "
        "first of a bout, and stand apart. The end of a repetition is where its motion ends."
    ),
)


@dataclass(frozen=True, slots=True)
class DelayScore:
    """One scenario, both legs: delays by kind, and those of late ones."""

    task: str
    prompt_s: dict[Kind, FloatArray]
    late_s: FloatArray


def tasks() -> list[str]:
    """Return the names of all scenarios."""
    return list(SCENARIOS)


def measure(task: str) -> DelayScore:
    """Simulate and run one scenario."""
    truth, records = simulated(task, mount_known=False)
    prompt: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
    late: list[float] = []
    for side, reps in truth.items():
        for kind, found in zip(KINDS, of_device(records, side), strict=True):
            true = [one for one in reps if one.kind == kind]
            for i, j in matched(kind, true, found).pairs:
                delay_s = found[j].known_at_s - true[i].end_s
                (late if found[j].retroactive or found[j].first else prompt[kind]).append(delay_s)
    return DelayScore(task, {kind: np.asarray(values) for kind, values in prompt.items()}, np.asarray(late))


def summarise(scores: Sequence[DelayScore]) -> Section:
    """Return the table over all scenarios measured."""
    figures: list[Figure] = []
    for kind, label in KINDS.items():
        delay_s = np.concatenate([score.prompt_s[kind] for score in scores])
        figures += [
            Figure(
                key=f"{kind}_{name}_s",
                label=f"{label}, {text}",
                value=percentile(delay_s, percent),
                unit="s",
                at_most=0.3 if name == "p95" else None,
                anchor=f"{len(delay_s)} of them",
            )
            for name, text, percent in (("median", "median", 50.0), ("p95", "95th percentile", 95.0))
        ]
    late_s = np.concatenate([score.late_s for score in scores])
    figures.append(
        Figure(
            key="late_p95_s",
            label="retroactive ones and firsts, 95th percentile",
            value=percentile(late_s, 95.0),
            unit="s",
            anchor=f"{len(late_s)} of them",
        )
    )
    details = [
        f"{score.task:22} {kind:7} median {percentile(score.prompt_s[kind], 50):5.2f} s  largest "
        f"{score.prompt_s[kind].max():5.2f} s  ({len(score.prompt_s[kind])})"
        for score in scores
        for kind in KINDS
        if len(score.prompt_s[kind])
    ]
    title = f"{NAME}: {len(scores)} scenarios, both legs, 100 Hz"
    return Section(name=NAME, title=title, figures=figures, notes=NOTES, details=details)
