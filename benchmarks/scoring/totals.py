"""What a session adds up to, against truth: symmetry, load, steps, sets, and the gait figures in their own units."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from ankled.daemon.records import Pair, Rep, Session, Set
from benchmarks.scoring.fields import matched as matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ankled.daemon.records import Record

Errors: TypeAlias = dict[str, list[float]]
"""Found minus true by quantity."""

QUANTITIES: Final = {
    "rom": "rom_deg",
    "time": "duration_s",
    "contact_time": "contact_time_s",
    "force": "lateral_force_peak_n",
    "impulse": "lateral_force_impulse_n_s",
}
"""Compared quantities by the field that they come from."""
_WHOLE_ONLY: Final = ("time", "impulse")
"""Not compared for the first stride of a bout, which is known from its toe-off on only."""
_AROUND_S: Final = 1.0
_GAIT: Final = {"contact_time_s": 1000.0, "duty_factor": 100.0, "stride_length_m": 100.0, "stride_speed_mps": 1.0}
"""Fields of gait and the factor to ms, percentage points, cm and m/s."""


def score(truth: Mapping[str, Sequence[Any]], records: Iterable[Record]) -> Errors:
    """Return the errors of everything that a session adds up to; `truth` by device, which is also the side."""
    errors: Errors = {}
    everything = list(records)
    matched: dict[str, Any] = {}
    for side, reps in truth.items():
        found = [rep for rep in everything if isinstance(rep, Rep) and rep.device == side]
        for kind in ("stride", "rep"):
            mine, theirs = [r for r in reps if r.kind == kind], [r for r in found if r.kind == kind]
            matched |= {theirs[j].id: mine[i] for i, j in matching(kind, mine, theirs).pairs}
        for rep in found:
            if rep.kind == "stride" and rep.id in matched:
                _add_gait(errors, rep, matched[rep.id])
    indices: dict[str, list[float]] = {}
    load = {"left": 0.0, "right": 0.0}
    for record in everything:
        if isinstance(record, Pair) and record.left in matched and record.right in matched:
            left, right = matched[record.left], matched[record.right]
            _add_steps(errors, record, left, right, truth)
            _add_symmetry(errors, record, left, right, indices)
            if record.impulse is not None:
                load["left"] += left.lateral_force_impulse_n_s
                load["right"] += right.lateral_force_impulse_n_s
        elif isinstance(record, Set):
            _add_set(errors, record, truth[record.device])
        elif isinstance(record, Session):
            _add_session(errors, record, indices, load)
    return errors


def _add(errors: Errors, name: str, found: float | None, true: float | None, factor: float = 1.0) -> None:
    if found is not None and true is not None:
        errors.setdefault(name, []).append(factor * (found - true))


def _add_gait(errors: Errors, record: Rep, true: Any) -> None:  # noqa: ANN401  (whatever has the fields of a record)
    for name, factor in _GAIT.items():
        _add(errors, f"{true.movement}_{name}", getattr(record, name), getattr(true, name), factor)


def _index(left: float, right: float) -> float:
    return 200.0 * (abs(right) - abs(left)) / (abs(right) + abs(left))


def _add_symmetry(errors: Errors, pair: Pair, left: Any, right: Any, indices: dict[str, list[float]]) -> None:  # noqa: ANN401  (as above)
    for name, field in QUANTITIES.items():
        found = getattr(pair, name)
        a, b = getattr(left, field), getattr(right, field)
        if found is None or a is None or b is None or (name in _WHOLE_ONLY and (left.first or right.first)):
            continue
        indices.setdefault(name, []).append(_index(a, b))
        _add(errors, f"index_{name}", found.index_percent, _index(a, b))
        _add(errors, f"log_ratio_{name}", found.log_ratio_percent, 100.0 * float(np.log(abs(b) / abs(a))))


def _add_steps(errors: Errors, pair: Pair, left: Any, right: Any, truth: Mapping[str, Sequence[Any]]) -> None:  # noqa: ANN401  (as above)
    if left.kind != "stride":
        return
    for mine, others, found in (
        (left, truth["right"], pair.step_time_left_s),
        (right, truth["left"], pair.step_time_right_s),
    ):
        contacts = [rep.initial_contact_s for rep in others if rep.kind == "stride"]
        before = [contact for contact in contacts if contact < mine.initial_contact_s]
        _add(errors, "step_time", found, mine.initial_contact_s - before[-1] if before else None, 1000.0)
    early, late = sorted((left, right), key=lambda rep: float(rep.end_s))
    if not late.first and late.start_s < early.end_s:
        both = max(0.0, early.toe_off_s - late.start_s) + max(0.0, late.toe_off_s - early.end_s)
        _add(errors, "double_support", pair.double_support_s, both, 1000.0)


def _slope(values: Sequence[float]) -> float | None:
    """Return the median slope of all pairs of values, in percent of their mean per repetition."""
    slopes = [(b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(values), 2)]
    return 100.0 * float(np.median(slopes)) / float(np.mean(values)) if slopes else None


def _trends(one: Set) -> Iterator[tuple[str, float | None]]:
    for name, trend, mean in (
        ("velocity_trend", one.velocity_trend, one.velocity_mean_rad_s),
        ("rom_trend", one.rom_trend, one.rom_mean_deg),
    ):
        yield name, 100.0 * trend.slope_per_rep / mean if trend is not None and mean else None


def _add_set(errors: Errors, one: Set, truth: Sequence[Any]) -> None:
    inside = [
        rep
        for rep in truth
        if rep.kind == one.of and one.start_s - _AROUND_S <= rep.start_s and rep.end_s <= one.end_s + _AROUND_S
    ]
    _add(errors, "set_count", one.count, len(inside))
    if one.count != len(inside) or not inside:
        return
    before = [rep.end_s for rep in truth if rep.end_s <= inside[0].start_s]
    _add(errors, "set_rest", one.rest_before_s, inside[0].start_s - max(before) if before else None, 1000.0)
    if one.of == "stride":
        return
    under_s = sum(rep.duration_s for rep in inside)
    _add(errors, "time_under_tension", one.time_under_tension_s, under_s, 100.0 / under_s)
    velocity = [rep.mean_velocity_rad_s for rep in inside]
    _add(errors, "velocity_loss", one.velocity_loss_percent, 100.0 * (1.0 - velocity[-1] / max(velocity)))
    true = {"velocity_trend": _slope(velocity), "rom_trend": _slope([rep.rom_deg for rep in inside])}
    for name, found in _trends(one):
        _add(errors, name, found, true[name])


def _add_session(errors: Errors, session: Session, indices: Mapping[str, list[float]], load: dict[str, float]) -> None:
    total = load["left"] + load["right"]
    _add(errors, "load_share", session.load_left_percent, 100.0 * load["left"] / total if total else None)
    for name, values in indices.items():
        symmetry = getattr(session, name)
        if symmetry is not None:
            _add(errors, f"mean_index_{name}", symmetry.mean_index_percent, float(np.mean(values[-64:])))
