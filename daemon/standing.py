"""The record of quiet standing: a member of `records.Record`, in a room of its own."""

from __future__ import annotations

from typing import Literal

import msgspec


class Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="schema", tag="ankled.standing/1"):
    """A spell of quiet standing and its sway: the measures of ISway, under their names there, taken at the ankle.

    `rms_ap_mps2` and `rms_ml_mps2` are null while the leg's axes are not known; all others need gravity alone.
    """

    id: str
    seq: int
    session: str
    node: str
    device: str
    athlete: str | None
    side: Literal["left", "right", "unknown"]
    kind: Literal["standing"] = "standing"
    start_s: float
    end_s: float
    known_at_s: float
    duration_s: float
    start_utc: str | None
    end_utc: str | None
    method: Literal["ISway formulas (Mancini 2012), at the ankle"] = "ISway formulas (Mancini 2012), at the ankle"
    jerk_m2ps5: float
    dist_mps2: float
    rms_mps2: float
    rms_ap_mps2: float | None
    rms_ml_mps2: float | None
    path_mps2: float
    range_mps2: float
    mv_mps: float
    mf_hz: float
    area_m2ps5: float
    power_m2ps4: float
    f50_hz: float
    f95_hz: float
    centroidal_frequency_hz: float
    frequency_dispersion: float
    bandwidth_hz: float
    axis_source: str
    axis_uncertainty_deg: float | None
    missing: int
    clipped: int
    quality: float
    quality_reasons: list[str]
