"""Repetitions of one exercise session against its known intervals, or against its known counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ankled.daemon.records import Rep, Set
from benchmarks.datasets.leg_raises import REPS_PER_SET, STYLES
from benchmarks.scoring.events import Counts, match_intervals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.daemon.records import Record
    from benchmarks.datasets.common import FloatArray
    from benchmarks.datasets.leg_raises import LegSession


@dataclass(frozen=True, slots=True)
class SessionScore:
    """One session: counts by set (correct, fast, low), and how many strides were seen where there are none."""

    name: str
    exercise: str
    by_interval: bool
    sets: tuple[Counts, ...]
    found: tuple[int, ...]
    strides: int
    set_counts: tuple[int, ...]
    """Repetitions of each set that the pipeline told apart by itself."""
    delay_s: FloatArray
    start_error_s: FloatArray
    end_error_s: FloatArray

    def counts(self) -> Counts:
        """Return the counts of the session; a stride counts as a false repetition."""
        return sum(self.sets, Counts(false=self.strides))


def score_session(session: LegSession, records: Iterable[Record]) -> SessionScore:
    """Score repetitions by interval where intervals are known, else by the count of each set."""
    records = list(records)
    reps = [record for record in records if isinstance(record, Rep)]
    spans = np.asarray([(rep.start_s, rep.end_s) for rep in reps if rep.kind == "rep"]).reshape(-1, 2)
    in_set = np.asarray([session.set_of(float(middle)) for middle in spans.mean(axis=1)], dtype=np.int64)
    found = tuple(int(np.sum(in_set == index)) for index in range(len(STYLES)))
    errors = np.empty((0, 2))
    if session.intervals_s is None:
        sets = [Counts(min(n, REPS_PER_SET), max(REPS_PER_SET - n, 0), max(n - REPS_PER_SET, 0)) for n in found]
    else:
        match = match_intervals(session.intervals_s, spans)
        hits = np.bincount([i // REPS_PER_SET for i, _ in match.pairs], minlength=len(STYLES))
        matched = {j for _, j in match.pairs}
        extra = np.bincount([in_set[j] for j in range(len(spans)) if j not in matched], minlength=len(STYLES))
        sets = [Counts(int(n), REPS_PER_SET - int(n), int(m)) for n, m in zip(hits, extra, strict=True)]
        errors = np.asarray([spans[j] - session.intervals_s[i] for i, j in match.pairs]).reshape(-1, 2)
    return SessionScore(
        name=session.name,
        exercise=session.exercise,
        by_interval=session.intervals_s is not None,
        sets=tuple(sets),
        found=found,
        strides=sum(rep.kind == "stride" for rep in reps),
        set_counts=tuple(record.count for record in records if isinstance(record, Set)),
        delay_s=np.asarray([rep.known_at_s - rep.end_s for rep in reps if rep.kind == "rep"]),
        start_error_s=errors[:, 0],
        end_error_s=errors[:, 1],
    )
