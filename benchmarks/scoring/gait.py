"""One foot's strides against its true contacts and toe-offs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ankled.daemon.records import Rep
from benchmarks.scoring.events import BoolArray, Counts, Match, inside, match_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ankled.daemon.records import Record
    from benchmarks.datasets.common import FloatArray

TOLERANCE_S = 0.25
"""A found event this far from a true one is still it."""
LONGEST_STRIDE_S = 2.5
"""Two true contacts further apart than this are no stride (standing, or an annotation left out)."""


@dataclass(frozen=True, slots=True)
class Strides:
    """What was reported for one foot, in order of contact; NaN where a field was null."""

    contact_s: FloatArray
    toe_off_s: FloatArray
    cadence_per_min: FloatArray
    length_m: FloatArray
    known_at_s: FloatArray
    retroactive: BoolArray
    other: int
    """Records of a repetition: on a walk each is a false one."""


def strides_of(records: Iterable[Record], device: str) -> Strides:
    """Return the strides of one device among `records`."""
    reps = [record for record in records if isinstance(record, Rep) and record.device == device]
    strides = [rep for rep in reps if rep.kind == "stride" and rep.initial_contact_s is not None]
    strides.sort(key=lambda rep: rep.end_s if rep.initial_contact_s is None else rep.initial_contact_s)

    def column(values: Iterable[float | None]) -> FloatArray:
        return np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)

    return Strides(
        contact_s=column(rep.initial_contact_s for rep in strides),
        toe_off_s=column(rep.toe_off_s for rep in strides),
        cadence_per_min=column(rep.cadence_per_min for rep in strides),
        length_m=column(rep.stride_length_m for rep in strides),
        known_at_s=column(rep.known_at_s for rep in strides),
        retroactive=np.asarray([rep.retroactive for rep in strides], dtype=np.bool_),
        other=len(reps) - len(strides),
    )


@dataclass(frozen=True, slots=True)
class FootScore:
    """Counts and errors (found minus true) of one foot."""

    contacts: Counts
    toe_offs: Counts
    contact_error_s: FloatArray
    toe_off_error_s: FloatArray
    cadence_error_per_min: FloatArray
    """Of strides whose both contacts are matched, one after the other on either side."""
    cadence_error_any_per_min: FloatArray
    """Of every matched stride with a cadence: a contact missed or too many before it counts too."""
    delay_s: FloatArray
    retroactive_delay_s: FloatArray
    other: int


def _cadence_errors(
    truth_s: FloatArray, found: Strides, keep: Sequence[int], match: Match
) -> tuple[FloatArray, FloatArray]:
    """Return (errors of consecutive matches, errors of all matches); `keep` maps the match's found to `found`."""
    partner = dict(match.pairs)
    consecutive: list[float] = []
    every: list[float] = []
    for i, j in match.pairs:
        cadence = found.cadence_per_min[keep[j]]
        if i == 0 or np.isnan(cadence) or truth_s[i] - truth_s[i - 1] > LONGEST_STRIDE_S:
            continue
        error = float(cadence - 120.0 / (truth_s[i] - truth_s[i - 1]))
        every.append(error)
        if partner.get(i - 1) == j - 1 and j > 0:
            consecutive.append(error)
    return np.asarray(consecutive), np.asarray(every)


def score_foot(
    contact_s: FloatArray, toe_off_s: FloatArray, spans_s: Sequence[tuple[float, float]], found: Strides
) -> FootScore:
    """Score `found` against true contacts and toe-offs (both in order), all taken inside `spans_s` only."""
    contact_s = contact_s[inside(contact_s, spans_s)]
    toe_off_s = toe_off_s[inside(toe_off_s, spans_s)]
    keep = np.flatnonzero(inside(found.contact_s, spans_s))
    match = match_events(contact_s, found.contact_s[keep], TOLERANCE_S)
    offs = found.toe_off_s[inside(found.toe_off_s, spans_s)]
    off_match = match_events(toe_off_s, offs, TOLERANCE_S)
    consecutive, every = _cadence_errors(contact_s, found, keep.tolist(), match)
    delay = (found.known_at_s - found.contact_s)[keep]
    late = found.retroactive[keep]
    return FootScore(
        contacts=match.counts(),
        toe_offs=off_match.counts() if len(toe_off_s) else Counts(),
        contact_error_s=np.asarray([found.contact_s[keep[j]] - contact_s[i] for i, j in match.pairs]),
        toe_off_error_s=np.asarray([offs[j] - toe_off_s[i] for i, j in off_match.pairs]),
        cadence_error_per_min=consecutive,
        cadence_error_any_per_min=every,
        delay_s=delay[~late],
        retroactive_delay_s=delay[late],
        other=found.other,
    )


def length_errors_m(length_m: dict[float, float], found: Strides) -> tuple[FloatArray, FloatArray]:
    """Return (found minus true, true) stride lengths of the contacts that have one and were found with one."""
    truth = np.asarray(sorted(length_m))
    match = match_events(truth, found.contact_s, TOLERANCE_S)
    pairs = [(found.length_m[j], length_m[float(truth[i])]) for i, j in match.pairs if not np.isnan(found.length_m[j])]
    table = np.asarray(pairs, dtype=np.float64).reshape(-1, 2)
    return table[:, 0] - table[:, 1], table[:, 1]
