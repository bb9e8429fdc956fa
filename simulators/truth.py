"""What every repetition truly was, measured on the exact trajectory by the definitions of the records.

The movement turns about p: the leg's y in a stride, in a repetition the principal axis of its angular rate. Sideways
motion tilts that by a degree or two from the joint's axis, which no sensor can know.

Fields have the names of `ankled.rep/1`. The trajectory is sampled at 500 Hz without noise; quantities that a record
defines behind a low-pass are filtered with the zero-phase magnitude of a second order Butterworth filter run forward
and backward that is 3 dB down at the bandwidth. Written apart from the kernels, so that it can judge them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.simulators.limb import Limb
    from ankled.simulators.smooth import Floats
    from ankled.simulators.wearer import Leg, Planned

GRID_HZ = 500.0
"""Rate of the grid that truth is measured on."""
MARGIN_S = 2.0
"""How much more than the repetitions themselves is evaluated, so that no filter meets an edge."""
IMPACT_GUARD_S = 0.030
"""The swing's lateral force ends this long before initial contact."""
_CHUNK_S = 100.0
_ACROSS = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0)}


class Repetition(msgspec.Struct, frozen=True, kw_only=True):
    """The truth about one repetition or stride; null where a record's field is null.

    `start_s` and `end_s` of a repetition are where its motion begins and ends, `onset30_s` and `offset30_s` where the
    angle is 30 % of the excursion away from the valley before and after. `mean_velocity_rad_s` is the mean
    magnitude of the rate about the movement axis over the concentric phase or the swing. Forces count outward positive.
    The `rival` of a peak is the largest force of the other sign in the same interval: which of two equals is larger,
    a sensor cannot tell.
    """

    kind: Literal["stride", "rep"]
    movement: str
    index: int
    start_s: float
    end_s: float
    duration_s: float
    onset30_s: float | None = None
    offset30_s: float | None = None
    initial_contact_s: float | None = None
    toe_off_s: float | None = None
    swing_time_s: float | None = None
    contact_time_s: float | None = None
    duty_factor: float | None = None
    stride_length_m: float | None = None
    stride_speed_mps: float | None = None
    first: bool | None = None
    turn: bool | None = None
    peak_s: float | None = None
    concentric_s: float | None = None
    hold_s: float | None = None
    eccentric_s: float | None = None
    rest_before_s: float | None = None
    cadence_per_min: float | None = None
    rom_deg: float
    peak_velocity_rad_s: float
    mean_velocity_rad_s: float
    plane: Literal["sagittal", "frontal"]
    plane_angle_deg: float
    sway_rms_mps2: float
    sway_range_deg: float
    sway_jerk_rms_mps3: float
    sway_bandwidth_hz: float
    lateral_force_peak_n: float
    lateral_force_rival_n: float
    lateral_force_peak_time_s: float
    lateral_force_mean_n: float
    lateral_force_rms_n: float
    lateral_force_impulse_n_s: float
    lateral_force_impact_n: float | None = None
    lateral_force_impact_rival_n: float | None = None
    bandwidth_hz: float


class _Series:
    """One leg on the fine grid around some repetitions."""

    def __init__(self, limb: Limb, start_s: float, end_s: float, rate_hz: float) -> None:
        steps = np.arange(np.floor((start_s - MARGIN_S) * GRID_HZ), np.ceil((end_s + MARGIN_S) * GRID_HZ) + 1.0)
        self.time_s = steps / GRID_HZ
        exact = limb.at(self.time_s)
        self.bandwidth_hz = min(20.0, 0.4 * rate_hz)
        self.sway_bandwidth_hz = min(10.0, 0.4 * rate_hz)
        self.rate = exact.angular_rate_rad_s
        self.up = exact.up
        self.rotation = exact.rotation
        linear = exact.linear_acceleration_mps2.T
        self.slow = np.stack([low_pass(one, self.sway_bandwidth_hz, GRID_HZ) for one in linear], axis=1)
        self.jerk = np.gradient(self.slow, 1.0 / GRID_HZ, axis=0)
        self.lateral = low_pass(linear[1], self.bandwidth_hz, GRID_HZ)

    def rows(self, start_s: float, end_s: float) -> slice:
        """Return the rows from `start_s` to `end_s`, both included."""
        first, last = np.searchsorted(self.time_s, [start_s - 1e-9, end_s + 1e-9])
        return slice(int(first), int(last))


class _Motion:
    """One repetition: its rows of the series, the axis p it turns about, and rate and angle about it."""

    def __init__(self, series: _Series, one: Planned) -> None:
        self.rows = series.rows(one.start_s, one.end_s)
        self.time_s = series.time_s[self.rows]
        self.p = np.array(_ACROSS[one.axis])
        if one.kind == "rep":
            rate = series.rate[self.rows]
            principal = np.linalg.eigh(rate.T @ rate)[1][:, -1]
            self.p = principal if principal @ self.p > 0.0 else -principal
        e1 = np.cross(self.p, (1.0, 0.0, 0.0) if one.axis == "y" else (0.0, 1.0, 0.0))
        e2 = np.cross(self.p, e1)
        self.rate = series.rate[self.rows] @ self.p
        up = series.up[self.rows]
        self.angle = np.unwrap(np.arctan2(up @ e2, up @ e1))


def low_pass(values: Floats, bandwidth_hz: float, rate_hz: float) -> Floats:
    """Return `values` (n,) after a second order Butterworth low-pass forward and backward, by its magnitude.

    1 / (1 + (f / bandwidth)^4 (sqrt(2) - 1)): both passes together are 3 dB down at the bandwidth.
    """
    n = values.size
    padded = 1 << (n + int(rate_hz)).bit_length()
    frequency = np.fft.rfftfreq(padded, 1.0 / rate_hz)
    spectrum = np.fft.rfft(values, padded) / (1.0 + (np.sqrt(2.0) - 1.0) * (frequency / bandwidth_hz) ** 4)
    return np.fft.irfft(spectrum, padded)[:n]


def measure(leg: Leg, *, mass_kg: float, rate_hz: float, until_s: float) -> list[Repetition]:
    """Return the truth of every repetition of a leg that ends by `until_s`, for a recording at `rate_hz`."""
    found: list[Repetition] = []
    whole = sorted((one for one in leg.planned if one.end_s <= until_s), key=lambda one: one.start_s)
    for group in _groups(whole):
        series = _Series(leg.limb, group[0].start_s, group[-1].end_s, rate_hz)
        force = leg.outward * mass_kg * series.lateral
        for one in group:
            motion = _Motion(series, one)
            fields: dict[str, object] = {
                "kind": one.kind,
                "movement": one.movement,
                "index": len(found),
                "start_s": one.start_s,
                "end_s": one.end_s,
                "duration_s": one.end_s - one.start_s,
                "plane": "frontal" if one.axis == "x" else "sagittal",
                "plane_angle_deg": float(np.rad2deg(np.arccos(min(1.0, abs(motion.p[1]))))),
                "sway_bandwidth_hz": series.sway_bandwidth_hz,
                "bandwidth_hz": series.bandwidth_hz,
            }
            previous = found[-1] if found and found[-1].movement == one.movement else None
            fields |= _stride(one) if one.kind == "stride" else _rep(one, previous, motion)
            begin, end = one.concentric_s or (one.toe_off_s or one.start_s, one.end_s)
            fields |= _about(motion, series, begin, end)
            fields |= _force(one, series, force)
            found.append(Repetition(**fields))  # type: ignore[arg-type]  # gathered by the functions below
    return found


def _groups(planned: list[Planned]) -> Iterator[list[Planned]]:
    """Yield consecutive repetitions in pieces short enough to evaluate at once."""
    group: list[Planned] = []
    for one in planned:
        if group and one.end_s - group[0].start_s > _CHUNK_S:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _stride(one: Planned) -> dict[str, object]:
    """Return what only strides have."""
    assert one.toe_off_s is not None  # noqa: S101  (for the type checker: a planned stride has one)
    stride_time = one.end_s - one.start_s
    contact = None if one.first else one.toe_off_s - one.start_s
    speed = None if one.first or one.stride_length_m is None else one.stride_length_m / stride_time
    return {
        "initial_contact_s": one.end_s,
        "toe_off_s": one.toe_off_s,
        "swing_time_s": one.end_s - one.toe_off_s,
        "contact_time_s": contact,
        "duty_factor": None if contact is None else contact / stride_time,
        "stride_length_m": one.stride_length_m,
        "stride_speed_mps": speed,
        "first": one.first,
        "turn": one.turn,
        "cadence_per_min": None if one.first else 120.0 / stride_time,
    }


def _rep(one: Planned, previous: Repetition | None, motion: _Motion) -> dict[str, object]:
    """Return what only repetitions have."""
    angle, time_s = motion.angle, motion.time_s
    top = int(np.argmax(np.abs(angle - angle[0])))
    assert one.concentric_s is not None  # noqa: S101  (for the type checker: planned repetitions have phases)
    assert one.eccentric_s is not None  # noqa: S101  (likewise)
    rise = np.abs(angle[: top + 1] - angle[0]) <= 0.3 * abs(angle[top] - angle[0])
    fall = np.abs(angle[top:] - angle[-1]) <= 0.3 * abs(angle[top] - angle[-1])
    return {
        "onset30_s": float(time_s[np.flatnonzero(rise)[-1]]),
        "offset30_s": float(time_s[top + np.flatnonzero(fall)[0]]),
        "peak_s": float(time_s[top]),
        "concentric_s": one.concentric_s[1] - one.concentric_s[0],
        "hold_s": one.hold_s,
        "eccentric_s": one.eccentric_s[1] - one.eccentric_s[0],
        "rest_before_s": None if previous is None else one.start_s - previous.end_s,
        "cadence_per_min": None if previous is None else 60.0 / (one.start_s - previous.start_s),
    }


def _about(motion: _Motion, series: _Series, begin_s: float, end_s: float) -> dict[str, object]:
    """Return range, velocities and sway; the mean velocity is that from `begin_s` to `end_s`."""
    rows = motion.rows
    axis = (series.rotation[rows] @ motion.p).mean(axis=0)
    tilt = np.arcsin(np.clip(series.rotation[rows, :, 2] @ (axis / np.linalg.norm(axis)), -1.0, 1.0))
    return {
        "rom_deg": float(np.rad2deg(np.ptp(motion.angle))),
        "peak_velocity_rad_s": float(np.abs(motion.rate).max()),
        "mean_velocity_rad_s": float(np.abs(series.rate[series.rows(begin_s, end_s)] @ motion.p).mean()),
        "sway_rms_mps2": float((series.slow[rows] @ motion.p).std()),
        "sway_range_deg": float(np.rad2deg(np.ptp(tilt))),
        "sway_jerk_rms_mps3": float(np.sqrt(np.mean((series.jerk[rows] @ motion.p) ** 2))),
    }


def _peak(force: Floats) -> tuple[int, float, float]:
    """Return where |force| is largest, the force there, and the largest force of the other sign (or zero)."""
    top = int(np.argmax(np.abs(force)))
    peak = float(force[top])
    return top, peak, float(min(force.min(), 0.0) if peak > 0.0 else max(force.max(), 0.0))


def _force(one: Planned, series: _Series, force: Floats) -> dict[str, object]:
    """Return the lateral force: the peak of the swing for strides, that of the whole for repetitions."""
    rows = series.rows(one.start_s, one.end_s)
    whole = force[rows]
    swing = rows if one.toe_off_s is None else series.rows(one.toe_off_s, one.end_s - IMPACT_GUARD_S)
    top, peak, rival = _peak(force[swing])
    fields: dict[str, object] = {
        "lateral_force_peak_n": peak,
        "lateral_force_rival_n": rival,
        "lateral_force_peak_time_s": float(series.time_s[swing.start + top]),
        "lateral_force_mean_n": float(np.abs(whole).mean()),
        "lateral_force_rms_n": float(np.sqrt(np.mean(whole**2))),
        "lateral_force_impulse_n_s": float(np.abs(whole).sum() / GRID_HZ),
    }
    if one.kind == "stride":
        rest = np.concatenate((force[rows.start : swing.start], force[swing.stop : rows.stop]))
        _, fields["lateral_force_impact_n"], fields["lateral_force_impact_rival_n"] = _peak(rest)
    return fields
