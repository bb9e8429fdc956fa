"""Every numeric field of records against the truth of a simulation, field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.daemon.records import Rep
from benchmarks.scoring.events import Counts, Match, match_events, match_intervals
from benchmarks.scoring.gait import TOLERANCE_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ankled.daemon.records import Record
    from benchmarks.datasets.common import FloatArray

TIMES_S = (
    "start_s",
    "end_s",
    "initial_contact_s",
    "toe_off_s",
    "peak_s",
    "lateral_force_peak_time_s",
)
"""Instants: errors in ms."""
ANGLES_DEG = ("plane_angle_deg",)
"""Angles that may be zero: errors in deg."""
SIZES = (
    "duration_s",
    "rest_before_s",
    "swing_time_s",
    "contact_time_s",
    "duty_factor",
    "stride_length_m",
    "stride_speed_mps",
    "concentric_s",
    "hold_s",
    "eccentric_s",
    "cadence_per_min",
    "rom_deg",
    "peak_velocity_rad_s",
    "mean_velocity_rad_s",
    "sway_rms_mps2",
    "sway_range_deg",
    "sway_jerk_rms_mps3",
    "lateral_force_peak_n",
    "lateral_force_mean_n",
    "lateral_force_rms_n",
    "lateral_force_impulse_n_s",
    "lateral_force_impact_n",
)
"""Everything else: errors in percent of the median size in the same recording, or of the floor if that is larger."""
FLOORS = {
    "sway_rms_mps2": 0.1,
    "sway_jerk_rms_mps3": 1.0,
    "sway_range_deg": 1.0,
    "lateral_force_peak_n": 0.2,
    "lateral_force_mean_n": 0.2,
    "lateral_force_rms_n": 0.2,
    "lateral_force_impulse_n_s": 0.2,
    "lateral_force_impact_n": 1.0,
}
"""Least sizes: what half a degree of inclination does (0.1 m/s2, on 1.8 kg 0.2 N); of the shock, a newton."""
RIVALS = {
    "lateral_force_peak_n": "lateral_force_rival_n",
    "lateral_force_peak_time_s": "lateral_force_rival_n",
}
"""Fields that a rival decides about; the largest force of the other sign in the truth."""
UNSIGNED = ("lateral_force_impact_n",)
"""Compared by magnitude: a shock swings both ways, and its documentation says that its sign is not reliable."""
RIVALLED = 0.9
"""From this share of a peak on, one of the other sign is as good an answer."""


def unit_of(name: str) -> str:
    """Return the unit of a field's error."""
    if name in TIMES_S:
        return "ms"
    return "deg" if name in ANGLES_DEG else "%"


@dataclass(frozen=True, slots=True)
class LegScore:
    """One leg of a simulation: counts, errors by field (found minus true), and nulls where the truth has a number."""

    strides: Counts
    reps: Counts
    errors: dict[str, FloatArray]
    nulls: dict[str, int]

    def counts(self) -> Counts:
        """Return strides and repetitions together."""
        return self.strides + self.reps


def matched(kind: str, truth: Sequence[Any], found: Sequence[Rep]) -> Match:
    """Pair strides by their contacts, repetitions by their intervals."""
    if kind == "stride":
        return match_events(_ends(truth), _ends(found), TOLERANCE_S)
    return match_intervals(_spans(truth), _spans(found))


def _ends(reps: Sequence[Any]) -> FloatArray:
    return np.asarray([rep.end_s for rep in reps], dtype=np.float64)


def _spans(reps: Sequence[Any]) -> FloatArray:
    return np.asarray([(rep.start_s, rep.end_s) for rep in reps], dtype=np.float64).reshape(-1, 2)


def _scale(name: str, truth: Sequence[Any]) -> float:
    """Return what an error of one unit of the field is in the unit of its error."""
    if name in TIMES_S:
        return 1000.0
    if name in ANGLES_DEG:
        return 1.0
    sizes = [abs(value) for rep in truth if (value := getattr(rep, name)) is not None]
    typical = max(float(np.median(sizes)) if sizes else 0.0, FLOORS.get(name, 0.0))
    return 100.0 / typical if typical > 0.0 else float("nan")


def _error(name: str, true: Any, ours: float) -> float | None:  # noqa: ANN401  (whatever has the fields of a record)
    """Return found minus true; with a rival nearly as large as the peak, minus the nearer one, and no time of it.

    Of a shock only the magnitudes are compared.
    """
    value: float = getattr(true, name)
    rival: float | None = getattr(true, RIVALS[name], None) if name in RIVALS else None
    peak = getattr(true, "lateral_force_peak_n", None) if name in TIMES_S else value
    if name in UNSIGNED:
        return abs(ours) - abs(value)
    if rival is None or peak is None or abs(rival) < RIVALLED * abs(peak):
        return ours - value
    if name in TIMES_S:
        return None
    return min(ours - value, ours - rival, key=abs)


def score_leg(truth: Sequence[Any], records: Iterable[Record], device: str) -> LegScore:
    """Score the records of one device; `truth` are objects with `kind` and the fields of a record.

    Strides are matched by their contact, repetitions by interval. A field is compared where both have a number; a peak
    with a rival of the other sign of at least 90 % of it is compared with the nearer of the two.
    """
    found = [record for record in records if isinstance(record, Rep) and record.device == device]
    counts: dict[str, Counts] = {}
    errors: dict[str, list[float]] = {}
    nulls: dict[str, int] = {}
    for kind in ("stride", "rep"):
        true_reps = [rep for rep in truth if rep.kind == kind]
        found_reps = [rep for rep in found if rep.kind == kind]
        match = matched(kind, true_reps, found_reps)
        counts[kind] = match.counts()
        for name in (*TIMES_S, *ANGLES_DEG, *SIZES):
            scale = _scale(name, true_reps)
            for i, j in match.pairs:
                true, ours = getattr(true_reps[i], name), getattr(found_reps[j], name)
                if true is not None and ours is None:
                    nulls[name] = nulls.get(name, 0) + 1
                elif true is not None and np.isfinite(scale):
                    error = _error(name, true_reps[i], ours)
                    if error is not None:
                        errors.setdefault(name, []).append(scale * error)
    return LegScore(
        strides=counts["stride"],
        reps=counts["rep"],
        errors={name: np.asarray(values) for name, values in errors.items()},
        nulls=nulls,
    )
