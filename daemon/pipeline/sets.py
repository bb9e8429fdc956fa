"""Sets: what a run of repetitions or strides adds up to."""

from __future__ import annotations

from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from ankled.daemon.records import Rep, Set, Trend
from ankled.kernels import trends

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context
    from ankled.daemon.settings import DeviceSettings

ClosedBy: TypeAlias = Literal["rest", "movement", "interruption", "stop", "request"]

_FATIGUE_LOSS_PERCENT = 20.0
_FATIGUE_P = 0.05


class OpenSet(msgspec.Struct, kw_only=True):
    """A set that goes on: its number, what it is of, and its repetitions so far."""

    number: int
    of: Literal["stride", "rep"]
    rest_before_s: float | None
    reps: list[Rep] = []


def _mean(values: list[float | None]) -> float | None:
    """Return the mean of what is there, or None."""
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def _trend(values: list[float]) -> Trend | None:
    """Return slope and test over the last repetitions, or None for too few."""
    slope = trends.theil_sen(values)
    test = trends.mann_kendall(values)
    if slope is None or test is None:
        return None
    return Trend(slope_per_rep=slope.slope, slope_low=slope.low, slope_high=slope.high, p_value=test.p_value)


def _fatigue(loss_percent: float | None, trend: Trend | None) -> Literal["none", "possible", "likely", "unknown"]:
    """Say what velocity loss and trend together speak for. A trend, not a prescription."""
    if loss_percent is None or trend is None:
        return "unknown"
    falls = trend.slope_per_rep < 0.0 and trend.p_value < _FATIGUE_P
    if falls and loss_percent >= _FATIGUE_LOSS_PERCENT:
        return "likely"
    return "possible" if falls else "none"


def _movement(reps: list[Rep]) -> str:
    """Return the movement that most of the repetitions had."""
    names = [rep.movement for rep in reps]
    return max(sorted(set(names)), key=names.count)


def close(  # noqa: PLR0913, PLR0917  (all that a set record is made of)
    open_set: OpenSet, closed_by: ClosedBy, known_at_s: float, seq: int, device: DeviceSettings, context: Context
) -> Set:
    """Build the record of a set that has ended."""
    reps = open_set.reps
    strides = open_set.of == "stride"
    # Walks begin and end slowly, and that is no fatigue: only strides amid others speak of velocity.
    steady = [rep for rep in reps[:-1] if not rep.first and not rep.turn] if strides else reps
    velocity = [rep.mean_velocity_rad_s for rep in steady if rep.mean_velocity_rad_s is not None]
    rom = [rep.rom_deg for rep in reps if rep.rom_deg is not None]
    loss = trends.velocity_loss_percent(velocity)
    velocity_trend = _trend(velocity)
    stride_times = [rep.duration_s for rep in reps if strides and not rep.first and not rep.turn]
    start_s = min(rep.start_s for rep in reps)
    end_s = max(rep.end_s for rep in reps)
    impulses = [rep.lateral_force_impulse_n_s for rep in reps if rep.lateral_force_impulse_n_s is not None]
    return Set(
        id=f"{context.session}/{device.slug}/set/{open_set.number}",
        seq=seq,
        session=context.session,
        node=context.node,
        device=device.slug,
        athlete=device.athlete,
        side=device.side,
        set=open_set.number,
        of=open_set.of,
        movement=_movement(reps),
        count=len(reps),
        closed_by=closed_by,
        start_s=start_s,
        end_s=end_s,
        known_at_s=known_at_s,
        duration_s=end_s - start_s,
        start_utc=context.utc(start_s),
        end_utc=context.utc(end_s),
        rest_before_s=open_set.rest_before_s,
        time_under_tension_s=None if strides else sum(rep.duration_s for rep in reps),
        cadence_mean_per_min=_mean([rep.cadence_per_min for rep in reps]),
        stride_time_cv_percent=(
            100.0 * pstdev(stride_times) / fmean(stride_times) if len(stride_times) >= trends.FEWEST else None
        ),
        contact_time_mean_s=_mean([rep.contact_time_s for rep in reps]),
        rom_mean_deg=_mean(list(rom)),
        velocity_mean_rad_s=_mean(list(velocity)),
        velocity_best_rad_s=max(velocity, default=None),
        velocity_last_rad_s=velocity[-1] if velocity else None,
        velocity_loss_percent=loss,
        velocity_trend=velocity_trend,
        rom_trend=_trend(rom),
        fatigue=_fatigue(loss, velocity_trend),
        sway_rms_mean_mps2=_mean([rep.sway_rms_mps2 for rep in reps]),
        lateral_force_peak_mean_n=_mean([rep.lateral_force_peak_n for rep in reps]),
        lateral_force_impulse_n_s=sum(impulses) if impulses else None,
        quality=fmean(rep.quality for rep in reps),
    )
