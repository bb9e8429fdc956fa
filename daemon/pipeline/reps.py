"""From a result row of the kernels to a `Rep` record: mass, the outward sign, nulls, names."""

from __future__ import annotations

from math import degrees, isnan
from typing import TYPE_CHECKING, NamedTuple

from ankled.daemon.pipeline.quality import TURN_DEG, judge
from ankled.daemon.records import Plane, Rep
from ankled.kernels.leg import CONFIGURED, STORED, UNKNOWN, WALKING
from ankled.kernels.results import STRIDE

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context
    from ankled.daemon.settings import DeviceSettings
    from ankled.kernels.results import ResultRow

_SAGITTAL_DEG = 30.0
_FRONTAL_DEG = 60.0
_RUN_DUTY = 0.5
AXIS_SOURCES = {UNKNOWN: "none", CONFIGURED: "configured", WALKING: "walking", STORED: "stored"}


class Place(NamedTuple):
    """Where a repetition stands: its sequence number, set, number in the set, and what came before it in the set."""

    seq: int
    counter: int
    set: int
    number: int
    previous_start_s: float | None
    previous_end_s: float | None


def number(value: float) -> float | None:
    """Return the value, or None for nan."""
    return None if isnan(value) else value


def scaled(value: float, factor: float | None) -> float | None:
    """Return value * factor, or None if either is missing."""
    return None if factor is None or isnan(value) else value * factor


def plane_of(angle_deg: float) -> Plane:
    """Name the plane of a movement whose axis lies `angle_deg` from the medio-lateral axis."""
    if isnan(angle_deg):
        return "unknown"
    if angle_deg <= _SAGITTAL_DEG:
        return "sagittal"
    return "frontal" if angle_deg >= _FRONTAL_DEG else "oblique"


def make_rep(row: ResultRow, place: Place, device: DeviceSettings, context: Context, rate_hz: float) -> Rep:
    """Build the record of a row of kind STRIDE or REP."""
    stride = row.kind == STRIDE
    kind = "stride" if stride else "rep"
    start_s, end_s = row.start_s, row.end_s
    duration_s = end_s - start_s
    first = row.first != 0
    toe_off_s = number(row.toe_off_s)
    contact_time_s = toe_off_s - start_s if stride and not first and toe_off_s is not None else None
    duty_factor = contact_time_s / duration_s if contact_time_s is not None else None
    travel_m = number(row.travel_m)
    if stride:
        cadence = None if first else 120.0 / duration_s
        movement = "run" if duty_factor is not None and duty_factor < _RUN_DUTY else "walk"
    else:
        previous = place.previous_start_s
        cadence = 60.0 / (start_s - previous) if previous is not None and start_s > previous else None
        movement = device.exercise or "exercise"
    mass_kg = device.mass_kg
    outward = {"left": mass_kg, "right": -mass_kg, "unknown": None}[device.side]
    quality, reasons = judge(row, rate_hz)
    lateral_peak_s = number(row.lateral_peak_s)
    return Rep(
        id=f"{context.session}/{device.slug}/{kind}/{place.counter}",
        seq=place.seq,
        session=context.session,
        node=context.node,
        device=device.slug,
        athlete=device.athlete,
        side=device.side,
        set=place.set,
        index=place.number,
        kind="stride" if stride else "rep",
        movement=movement,
        start_s=start_s,
        end_s=end_s,
        known_at_s=row.known_s,
        duration_s=duration_s,
        start_utc=context.utc(start_s),
        end_utc=context.utc(end_s),
        initial_contact_s=end_s if stride else None,
        toe_off_s=toe_off_s,
        swing_time_s=end_s - toe_off_s if toe_off_s is not None else None,
        contact_time_s=contact_time_s,
        duty_factor=duty_factor,
        stride_length_m=travel_m,
        stride_speed_mps=travel_m / duration_s if travel_m is not None and not first else None,
        first=first if stride else None,
        turn=abs(row.heading_deg) > TURN_DEG if stride else None,
        peak_s=number(row.peak_s),
        concentric_s=number(row.concentric_s),
        hold_s=number(row.hold_s),
        eccentric_s=number(row.eccentric_s),
        rest_before_s=(
            max(0.0, start_s - place.previous_end_s) if not stride and place.previous_end_s is not None else None
        ),
        cadence_per_min=cadence,
        rom_deg=number(row.rom_deg),
        peak_velocity_rad_s=number(row.peak_rad_s),
        mean_velocity_rad_s=number(row.mean_rad_s),
        plane=plane_of(row.plane_angle_deg),
        plane_angle_deg=number(row.plane_angle_deg),
        sway_rms_mps2=number(row.sway_rms_mps2),
        sway_range_deg=number(row.sway_range_deg),
        sway_jerk_rms_mps3=number(row.sway_jerk_rms_mps3),
        sway_bandwidth_hz=number(row.sway_bandwidth_hz),
        lateral_force_peak_n=scaled(row.lateral_peak_mps2, outward),
        lateral_force_peak_time_s=lateral_peak_s,
        lateral_force_mean_n=scaled(row.lateral_mean_mps2, mass_kg),
        lateral_force_rms_n=scaled(row.lateral_rms_mps2, mass_kg),
        lateral_force_impulse_n_s=scaled(row.lateral_impulse_mps, mass_kg),
        lateral_force_impact_n=scaled(row.lateral_impact_mps2, outward),
        lateral_force_uncertainty_n=scaled(row.lateral_uncertainty_mps2, mass_kg),
        mass_kg=mass_kg,
        mass_source=device.mass_source,
        axis_source=AXIS_SOURCES[row.axis_source],
        axis_uncertainty_deg=scaled(row.axis_uncertainty_rad, degrees(1.0)),
        bandwidth_hz=number(row.lateral_bandwidth_hz),
        missing=row.missing,
        clipped=row.clipped,
        retroactive=row.retroactive != 0,
        quality=quality,
        quality_reasons=reasons,
    )
