"""How much to trust a stride, a repetition or a spell of standing: from 0 to 1, and the reasons that lower it.

Each reason takes a factor. The factors are judgements of how much a reason matters, not measured shares of wrong
results.
"""

from __future__ import annotations

from math import degrees, isnan, prod
from typing import TYPE_CHECKING

import msgspec

from ankled.kernels.leg import UNKNOWN
from ankled.kernels.results import STRIDE

if TYPE_CHECKING:
    from ankled.daemon.pipeline.habit import Habit
    from ankled.daemon.records import Rep
    from ankled.kernels.results import ResultRow

_RIVAL = 0.9
"""From this share of the peak force on, one of the other sign makes the sign of the peak a matter of chance."""
_MISSING_SHARE = 0.02
_UNCERTAIN_AXIS_DEG = 10.0
_UNCERTAIN_SIGN = 0.3
_RESIDUAL_MPS = 1.0
_ACCELEROMETER_ONLY = 0.6
_POSTURE_ASSUMED = 0.5
_LIKE = 0.8
"""From this ratio of its sizes to the usual ones on, a repetition is like the others."""
_UNLIKE = 0.3
"""Least factor for one that is not."""
TURN_DEG = 20.0
"""Heading change over a stride from which it counts as part of a turn."""


def _lost(row: ResultRow, rate_hz: float) -> list[tuple[str, float]]:
    """Return the reasons that lie in the samples themselves, with their factors."""
    found: list[tuple[str, float]] = []
    samples = max(1.0, (row.end_s - row.start_s) * rate_hz)
    share = row.missing / samples
    if share > _MISSING_SHARE:
        found.append(("missing_samples", max(0.3, 1.0 - 2.0 * share)))
    if row.clipped:
        found.append(("clipped", 0.7))
    return found


def _together(found: list[tuple[str, float]]) -> tuple[float, list[str]]:
    """Return the product of the factors, and the reasons."""
    return prod((factor for _, factor in found), start=1.0), [reason for reason, _ in found]


def _axes(row: ResultRow) -> list[tuple[str, float]]:
    """Return the reasons that lie in what is known of the leg's axes."""
    found: list[tuple[str, float]] = []
    if row.axis_source == UNKNOWN:
        found.append(("no_anatomical_axis", 1.0))
    elif degrees(row.axis_uncertainty_rad) > _UNCERTAIN_AXIS_DEG:
        found.append(("axis_uncertain", 0.8))
    if row.lateral_rival > _RIVAL:
        found.append(("force_sign_uncertain", 1.0))
    if not row.sway_from_leg_axis:
        found.append(("long_axis_unknown", 1.0))
    return found


def judge(row: ResultRow, rate_hz: float) -> tuple[float, list[str]]:
    """Return quality and reasons of a result row of kind STRIDE or REP."""
    found = _lost(row, rate_hz) + _axes(row)
    if row.kind == STRIDE:
        if abs(row.heading_deg) > TURN_DEG:
            found.append(("turn", 0.8))
        if row.residual_mps > _RESIDUAL_MPS:
            found.append(("displacement_drifted", 0.8))
    else:
        if not row.phases_ok:
            found.append(("phases_unreliable", 0.8))
        if isnan(row.sign_confidence) or row.sign_confidence < _UNCERTAIN_SIGN:
            found.append(("direction_uncertain", 0.8))
        if row.about_vertical:
            found.append(("about_vertical", 0.8))
    return _together(found)


def standing(row: ResultRow, rate_hz: float) -> tuple[float, list[str]]:
    """Return quality and reasons of a result row of kind STANDING."""
    found = _lost(row, rate_hz)
    if row.axis_source == UNKNOWN:
        found.append(("posture_assumed", _POSTURE_ASSUMED))
    elif degrees(row.axis_uncertainty_rad) > _UNCERTAIN_AXIS_DEG:
        found.append(("axis_uncertain", 0.8))
    return _together(found)


def without_gyroscope(quality: float, reasons: list[str]) -> tuple[float, list[str]]:
    """Return quality and reasons of a stride that was found by its accelerations alone: never the full trust."""
    return quality * _ACCELEROMETER_ONLY, [*reasons, "accelerometer_only"]


def unlike_others(rep: Rep, habit: Habit) -> Rep:
    """Return a repetition with the quality that it has among those before it in its set."""
    likeness = 1.0 if rep.first else habit.likeness(rep)
    if likeness >= _LIKE:
        return rep
    quality, reasons = rep.quality * max(_UNLIKE, likeness), [*rep.quality_reasons, "irregular"]
    return msgspec.structs.replace(rep, quality=quality, quality_reasons=reasons)
