"""Records: the results that leave the daemon, as frozen structs. Units live in the field names.

Every key of a record is always present in its JSON; null means what the documentation of the field says. An id is
`session/device-or-athlete/kind/counter`, never random, so that the same input gives the same id again.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from ankled.daemon.moments import Live
from ankled.daemon.standing import Standing

__all__ = [
    "Alert",
    "AlertKind",
    "Event",
    "Live",
    "Pair",
    "Plane",
    "Record",
    "Rep",
    "Session",
    "Set",
    "Severity",
    "Side",
    "Standing",
    "Symmetry",
    "Trend",
    "to_json",
]

Side: TypeAlias = Literal["left", "right", "unknown"]
Plane: TypeAlias = Literal["sagittal", "frontal", "oblique", "unknown"]
AlertKind: TypeAlias = Literal[
    "compensating_movement", "asymmetry", "slip", "low_range", "fatigue", "more_sets_than_planned"
]
Severity: TypeAlias = Literal["notice", "warning"]


class Rep(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="schema", tag="ankled.rep/1"):
    """One repetition or one stride of one leg.

    A stride is closed by an initial contact (`end_s` = `initial_contact_s`); `start_s` is the contact before it, or
    the toe-off for the `first` stride of a bout. Times count from the session's start.
    """

    id: str
    seq: int
    session: str
    node: str
    device: str
    athlete: str | None
    side: Side
    set: int
    index: int
    kind: Literal["stride", "rep"]
    movement: str
    start_s: float
    end_s: float
    known_at_s: float
    duration_s: float
    start_utc: str | None
    end_utc: str | None

    initial_contact_s: float | None
    toe_off_s: float | None
    swing_time_s: float | None
    contact_time_s: float | None
    duty_factor: float | None
    stride_length_m: float | None
    stride_speed_mps: float | None
    first: bool | None
    turn: bool | None

    peak_s: float | None
    concentric_s: float | None
    hold_s: float | None
    eccentric_s: float | None
    rest_before_s: float | None

    cadence_per_min: float | None
    rom_deg: float | None
    peak_velocity_rad_s: float | None
    mean_velocity_rad_s: float | None
    plane: Plane
    plane_angle_deg: float | None

    sway_rms_mps2: float | None
    sway_range_deg: float | None
    sway_jerk_rms_mps3: float | None
    sway_bandwidth_hz: float | None

    lateral_force_peak_n: float | None
    lateral_force_peak_time_s: float | None
    lateral_force_mean_n: float | None
    lateral_force_rms_n: float | None
    lateral_force_impulse_n_s: float | None
    lateral_force_impact_n: float | None
    lateral_force_uncertainty_n: float | None

    mass_kg: float
    mass_source: str
    axis_source: str
    axis_uncertainty_deg: float | None
    bandwidth_hz: float | None

    missing: int
    clipped: int
    retroactive: bool
    quality: float
    quality_reasons: list[str]


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """Trend of one quantity over the last (at most 64) repetitions of a set.

    Theil-Sen slope per repetition with its 95 % interval, and the two-sided p of the Mann-Kendall test.
    """

    slope_per_rep: float
    slope_low: float
    slope_high: float
    p_value: float


class Set(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ankled.set/1"):
    """A run of repetitions or strides closed by rest, by a change of movement or by the end of the session."""

    id: str
    seq: int
    session: str
    node: str
    device: str
    athlete: str | None
    side: Side
    set: int
    kind: Literal["set"] = "set"
    of: Literal["stride", "rep"]
    movement: str
    count: int
    closed_by: Literal["rest", "movement", "interruption", "stop", "request"]
    start_s: float
    end_s: float
    known_at_s: float
    duration_s: float
    start_utc: str | None
    end_utc: str | None
    rest_before_s: float | None
    time_under_tension_s: float | None
    cadence_mean_per_min: float | None
    stride_time_cv_percent: float | None
    contact_time_mean_s: float | None
    rom_mean_deg: float | None
    velocity_mean_rad_s: float | None
    velocity_best_rad_s: float | None
    velocity_last_rad_s: float | None
    velocity_loss_percent: float | None
    velocity_trend: Trend | None
    rom_trend: Trend | None
    fatigue: Literal["none", "possible", "likely", "unknown"]
    sway_rms_mean_mps2: float | None
    lateral_force_peak_mean_n: float | None
    lateral_force_impulse_n_s: float | None
    quality: float


class Symmetry(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity of both legs over paired repetitions: index 100 (R - L) / (0.5 (R + L)), log ratio 100 ln(R / L).

    `low_percent` and `high_percent` bound the mean index at 95 %; null with fewer than three pairs.
    """

    left: float
    right: float
    index_percent: float
    log_ratio_percent: float
    mean_index_percent: float
    low_percent: float | None
    high_percent: float | None
    pairs: int


class Pair(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ankled.pair/1"):
    """A repetition or stride of the left leg beside the one of the right leg that belongs to it."""

    id: str
    seq: int
    session: str
    node: str
    athlete: str
    kind: Literal["pair"] = "pair"
    of: Literal["stride", "rep"]
    index: int
    left: str
    right: str
    start_s: float
    end_s: float
    known_at_s: float
    step_time_left_s: float | None
    step_time_right_s: float | None
    cadence_per_min: float | None
    double_support_s: float | None
    rom: Symmetry | None
    time: Symmetry | None
    contact_time: Symmetry | None
    force: Symmetry | None
    impulse: Symmetry | None
    load_left_percent: float | None
    load_right_percent: float | None


class Session(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ankled.session/1"):
    """Totals of one athlete, written when the session ends."""

    id: str
    seq: int
    session: str
    node: str
    athlete: str
    kind: Literal["session"] = "session"
    start_s: float
    end_s: float
    known_at_s: float
    devices: list[str]
    sets: int
    reps: int
    strides: int
    pairs: int
    alerts: int
    rom: Symmetry | None
    time: Symmetry | None
    contact_time: Symmetry | None
    force: Symmetry | None
    impulse: Symmetry | None
    load_left_percent: float | None
    load_right_percent: float | None


class Alert(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ankled.alert/1"):
    """Something a coach should look at, with the figures that made us say so.

    Of one device, or with `device` null of both legs of an athlete. `side` is the leg it is about, in an asymmetry the
    weaker one. `quantity` names what is out of the ordinary, `about` the records that show it.
    """

    id: str
    seq: int
    session: str
    node: str
    device: str | None
    athlete: str | None
    side: Side
    set: int | None
    kind: Literal["alert"] = "alert"
    alert: AlertKind
    severity: Severity
    quantity: str | None
    known_at_s: float
    known_at_utc: str | None
    about: list[str]
    message: str
    evidence: dict[str, float]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ankled.event/1"):
    """Something that happened to a stream and touches its results, such as an interrupted repetition or a lost link."""

    id: str
    seq: int
    session: str
    node: str
    device: str
    kind: Literal["event"] = "event"
    event: Literal["interrupted", "axis_settled", "slip", "connected", "disconnected", "sensor_error", "inputs_lost"]
    known_at_s: float
    detail: dict[str, float | str]


Record: TypeAlias = Rep | Standing | Set | Pair | Session | Alert | Event | Live


def to_json(record: Record) -> bytes:
    """Return the record as one line of JSON, every key present."""
    return msgspec.json.encode(record)
