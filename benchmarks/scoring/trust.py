"""Does quality mean something? Records that are right and records that are wrong, and the quality each was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.daemon.records import Rep
from benchmarks.scoring.events import inside, match_events, match_intervals
from benchmarks.scoring.fields import matched
from benchmarks.scoring.gait import TOLERANCE_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ankled.daemon.records import Record
    from benchmarks.datasets.common import FloatArray

LATE_S = 0.1
"""A contact further than this from the true one is wrong."""
OFF = 0.25
"""A figure further than this share of its usual size from the truth is wrong."""
MAIN_FIELDS = ("duration_s", "rom_deg", "sway_rms_mps2", "lateral_force_rms_n")
"""What a user reads first."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The qualities of right and of wrong records."""

    right: FloatArray
    wrong: FloatArray

    def __add__(self, other: Verdicts) -> Verdicts:
        """Return the verdicts of both together."""
        return Verdicts(np.concatenate([self.right, other.right]), np.concatenate([self.wrong, other.wrong]))

    def separation(self) -> float:
        """Return how often a wrong record has less quality than a right one, ties half; NaN without one of them."""
        if not len(self.right) or not len(self.wrong):
            return float("nan")
        less = self.wrong[:, None] < self.right[None, :]
        equal = self.wrong[:, None] == self.right[None, :]
        return float(np.mean(less + 0.5 * equal))


def verdicts(judged: Iterable[tuple[Rep, bool]]) -> Verdicts:
    """Return the qualities of records by whether they are right."""
    pairs = list(judged)
    return Verdicts(
        np.asarray([rep.quality for rep, right in pairs if right], dtype=np.float64),
        np.asarray([rep.quality for rep, right in pairs if not right], dtype=np.float64),
    )


def of_device(records: Iterable[Record], device: str) -> tuple[list[Rep], list[Rep]]:
    """Return the strides and the repetitions of one device."""
    reps = [record for record in records if isinstance(record, Rep) and record.device == device]
    return [rep for rep in reps if rep.kind == "stride"], [rep for rep in reps if rep.kind == "rep"]


def judge_walk(
    contact_s: FloatArray, span_s: tuple[float, float], strides: Sequence[Rep], reps: Sequence[Rep]
) -> Verdicts:
    """Judge what was reported inside a walk whose contacts are known: a repetition there is wrong."""
    truth_s = contact_s[inside(contact_s, [span_s])]
    seen = [rep for rep in strides if span_s[0] <= rep.end_s <= span_s[1]]
    match = match_events(truth_s, np.asarray([rep.end_s for rep in seen]), TOLERANCE_S)
    near = {j for i, j in match.pairs if abs(seen[j].end_s - truth_s[i]) <= LATE_S}
    inner = [rep for rep in reps if span_s[0] <= rep.start_s and rep.end_s <= span_s[1]]
    return verdicts([*((rep, j in near) for j, rep in enumerate(seen)), *((rep, False) for rep in inner)])


def judge_session(intervals_s: FloatArray, strides: Sequence[Rep], reps: Sequence[Rep]) -> Verdicts:
    """Judge repetitions whose intervals are known: a stride there is wrong."""
    match = match_intervals(intervals_s, np.asarray([(rep.start_s, rep.end_s) for rep in reps]).reshape(-1, 2))
    hits = {j for _, j in match.pairs}
    return verdicts([*((rep, j in hits) for j, rep in enumerate(reps)), *((rep, False) for rep in strides)])


def judge_simulated(truth: Sequence[Any], strides: Sequence[Rep], reps: Sequence[Rep]) -> Verdicts:
    """Judge what was reported of a leg whose motion is known: the event and the main figures must be right."""
    total = verdicts([])
    for kind, found in (("stride", strides), ("rep", reps)):
        true = [one for one in truth if one.kind == kind]
        match = matched(kind, true, found)
        sizes = {name: _size(true, name) for name in MAIN_FIELDS}
        right = {j for i, j in match.pairs if _close(true[i], found[j], sizes)}
        total += verdicts((rep, j in right) for j, rep in enumerate(found))
    return total


def _size(true: Sequence[Any], name: str) -> float:
    values = [abs(value) for one in true if (value := getattr(one, name)) is not None]
    return float(np.median(values)) if values else 0.0


def _close(true: Any, found: Rep, sizes: dict[str, float]) -> bool:  # noqa: ANN401  (truths of several kinds)
    for name, size in sizes.items():
        expected, got = getattr(true, name), getattr(found, name)
        if expected is not None and got is not None and abs(got - expected) > OFF * size:
            return False
    return True
