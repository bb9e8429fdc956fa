"""What is only of the moment: the live record, a member of `records.Record`, and decoded samples as they are published.

Neither is a result: nothing is stored, nothing comes twice, and a replay gives none of it but what a sensor said.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Trace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The curve since the message before: values `dt_s` apart, the last at `known_at_s`. Null as their fields are."""

    dt_s: float
    angle_deg: list[float] | None
    lateral_force_n: list[float] | None


class Live(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="schema", tag="ankled.live/1"):
    """The moment of one sensor, at most ten times a second while its wearer moves; null is what is not known now.

    `moving` false: the leg has come to rest, and the next message comes when it moves again; null: no samples come, or
    the sensor computes for itself. `activity`: stride while the wearer walks or runs, rep while a set of repetitions is
    open. `set` is the open set, which begins with its first result; `index` counts its strides or repetitions so far,
    of which `quality` and `cadence_per_min` are of the last, cadence for as long as another one may be under way.
    `phase`: stance or swing of a stride; out, hold, back of a repetition, or rest between two.

    `angle_deg` while walking: the leg from the vertical in its sagittal plane, positive where the knee is ahead of the
    ankle. Else: how far the leg has turned from its rest side about the axis of the movement. `lateral_force_n` is
    outward, `lateral_force_peak_n` the largest since the message before, both low-passed as the trace; they need the
    axes of the leg, and `side`. `sway_rms_mps2` is the root mean square of the acceleration across the plane of the
    movement over the last second. None of these is as exact as in the results, which look at whole repetitions.

    A sensor that computes for itself says cadence (steps of both feet), speed, stride length, distance and `running`.
    """

    session: str
    node: str
    device: str
    athlete: str | None
    side: Literal["left", "right", "unknown"]
    kind: Literal["live"] = "live"
    known_at_s: float
    known_at_utc: str | None
    moving: bool | None
    activity: Literal["stride", "rep"] | None
    phase: Literal["rest", "out", "hold", "back", "stance", "swing"] | None
    set: int | None
    index: int | None
    cadence_per_min: float | None
    angle_deg: float | None
    angular_rate_rad_s: float | None
    lateral_force_n: float | None
    lateral_force_peak_n: float | None
    sway_rms_mps2: float | None
    quality: float | None
    quality_reasons: list[str]
    axis_source: str | None
    axis_uncertainty_deg: float | None
    speed_mps: float | None
    stride_length_m: float | None
    distance_m: float | None
    running: bool | None
    trace: Trace | None


class Imu(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="schema", tag="ankled.imu/1"):
    """Decoded samples of one sensor in its own axes, at most ten messages a second; only where it is asked for.

    Sample i was taken at `t0_s + offset_s[i]` of the session. `missing` samples are known to lack before the first.
    Rounded far below what any sensor resolves: 0.0001 m/s2, 0.00001 rad/s, 1 microsecond. `gyr_rad_s` is null for a
    sensor without gyroscope.
    """

    session: str
    node: str
    device: str
    side: Literal["left", "right", "unknown"]
    kind: Literal["imu"] = "imu"
    t0_s: float
    t0_utc: str | None
    offset_s: list[float]
    acc_mps2: list[tuple[float, float, float]]
    gyr_rad_s: list[tuple[float, float, float]] | None
    missing: int
