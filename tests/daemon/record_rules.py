"""What holds for every record of a repetition or stride, whatever it was made of: definitions, ranges, nulls."""

from __future__ import annotations

from math import isclose, isfinite
from typing import TYPE_CHECKING, Any

import msgspec

from ankled.daemon.records import Rep, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

STRIDES_ONLY = (
    "initial_contact_s", "toe_off_s", "swing_time_s", "contact_time_s", "duty_factor", "stride_length_m",
    "stride_speed_mps", "first", "turn", "lateral_force_impact_n",
)  # fmt: skip
REPS_ONLY = ("peak_s", "concentric_s", "hold_s", "eccentric_s", "rest_before_s")
NEED_SIDE = ("lateral_force_peak_n", "lateral_force_impact_n")
NEED_AXIS = (
    "plane_angle_deg", "lateral_force_peak_n", "lateral_force_peak_time_s", "lateral_force_mean_n",
    "lateral_force_rms_n", "lateral_force_impulse_n_s", "lateral_force_impact_n", "lateral_force_uncertainty_n",
    "axis_uncertainty_deg",
)  # fmt: skip
NOT_NEGATIVE = (
    "duration_s", "swing_time_s", "contact_time_s", "stride_length_m", "stride_speed_mps", "concentric_s", "hold_s",
    "eccentric_s", "rest_before_s", "cadence_per_min", "rom_deg", "peak_velocity_rad_s", "sway_rms_mps2",
    "sway_range_deg", "sway_jerk_rms_mps3", "lateral_force_mean_n", "lateral_force_rms_n", "lateral_force_impulse_n_s",
    "lateral_force_uncertainty_n", "axis_uncertainty_deg", "missing", "clipped",
)  # fmt: skip


def fields(rep: Rep) -> dict[str, Any]:
    """Return the record as whoever reads its JSON sees it; every key of the struct is there, and no NaN."""
    line = to_json(rep)
    assert b"\n" not in line
    read: dict[str, Any] = msgspec.json.decode(line)
    assert list(read) == ["schema", *Rep.__struct_fields__]
    assert all(isfinite(value) for value in read.values() if isinstance(value, float))
    return read


def check_rep(rep: Rep) -> None:
    """Assert all that the table of fields says of one record."""
    read = fields(rep)
    assert rep.known_at_s >= rep.end_s > rep.start_s
    assert isclose(rep.duration_s, rep.end_s - rep.start_s)
    assert all(read[name] is None or read[name] >= 0.0 for name in NOT_NEGATIVE)
    assert 0.0 <= rep.quality <= 1.0
    assert (rep.start_utc is None) == (rep.end_utc is None)
    if rep.axis_source == "none":
        assert all(read[name] is None for name in NEED_AXIS)
        assert rep.plane == "unknown"
        assert "no_anatomical_axis" in rep.quality_reasons
    else:
        assert rep.plane_angle_deg is not None
        assert 0.0 <= rep.plane_angle_deg <= 90.0
    if rep.side == "unknown":
        assert all(read[name] is None for name in NEED_SIDE)
    if rep.lateral_force_peak_time_s is not None:
        assert rep.start_s <= rep.lateral_force_peak_time_s <= rep.end_s
    if rep.lateral_force_rms_n is not None:
        assert rep.lateral_force_mean_n is not None
        assert rep.lateral_force_mean_n <= rep.lateral_force_rms_n * (1.0 + 1e-9)
    if rep.kind == "stride":
        _check_stride(rep, read)
    else:
        _check_repetition(rep, read)


def _check_stride(rep: Rep, read: dict[str, Any]) -> None:
    assert all(read[name] is None for name in REPS_ONLY)
    assert rep.initial_contact_s == rep.end_s
    assert rep.toe_off_s is not None
    assert rep.swing_time_s is not None
    assert rep.first is not None
    assert rep.turn is not None
    assert isclose(rep.swing_time_s, rep.end_s - rep.toe_off_s)
    if rep.first:
        assert rep.start_s == rep.toe_off_s
        assert rep.contact_time_s is rep.cadence_per_min is rep.duty_factor is rep.stride_speed_mps is None
    else:
        assert rep.start_s < rep.toe_off_s < rep.end_s
        assert rep.contact_time_s is not None
        assert rep.cadence_per_min is not None
        assert rep.duty_factor is not None
        assert isclose(rep.contact_time_s, rep.toe_off_s - rep.start_s)
        assert isclose(rep.cadence_per_min, 120.0 / rep.duration_s)
        assert isclose(rep.duty_factor, rep.contact_time_s / rep.duration_s)
        assert 0.0 < rep.duty_factor < 1.0
        assert rep.movement == ("run" if rep.duty_factor < 0.5 else "walk")


def _check_repetition(rep: Rep, read: dict[str, Any]) -> None:
    assert all(read[name] is None for name in STRIDES_ONLY)
    assert rep.peak_s is not None
    assert rep.start_s <= rep.peak_s <= rep.end_s
    phases = (rep.concentric_s, rep.hold_s, rep.eccentric_s)
    if "phases_unreliable" in rep.quality_reasons:
        assert phases == (None, None, None)
    else:
        assert isclose(sum(phase for phase in phases if phase is not None), rep.duration_s, abs_tol=1e-3)


def check_reps(reps: Sequence[Rep]) -> None:
    """Assert what holds for one device's repetitions and strides: each for itself, and as a row."""
    for rep in reps:
        check_rep(rep)
    previous: Rep | None = None
    for rep in reps:
        if rep.kind == "rep":
            follows = previous is not None and previous.set == rep.set
            if previous is not None and follows and rep.start_s > previous.start_s:
                assert rep.cadence_per_min is not None
                assert isclose(rep.cadence_per_min, 60.0 / (rep.start_s - previous.start_s))
            else:
                assert rep.cadence_per_min is None
            rest_s = None if previous is None else max(0.0, rep.start_s - previous.end_s)
            assert rep.rest_before_s == rest_s
        previous = rep
