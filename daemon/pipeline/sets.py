"""Sets: what a run of repetitions or strides adds up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from ankled.daemon.records import Set, Trend
from ankled.kernels import trends

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context
    from ankled.daemon.pipeline.open_set import OpenSet
    from ankled.daemon.settings import DeviceSettings

ClosedBy: TypeAlias = Literal["rest", "movement", "interruption", "stop", "request"]

FATIGUE_LOSS_PERCENT = 20.0
FATIGUE_P = 0.05


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
    falls = trend.slope_per_rep < 0.0 and trend.p_value < FATIGUE_P
    if falls and loss_percent >= FATIGUE_LOSS_PERCENT:
        return "likely"
    return "possible" if falls else "none"


def close(  # noqa: PLR0913, PLR0917  (all that a set record is made of)
    open_set: OpenSet, closed_by: ClosedBy, known_at_s: float, seq: int, device: DeviceSettings, context: Context
) -> Set:
    """Build the record of a set that has ended."""
    strides = open_set.of == "stride"
    velocity, best = open_set.velocity, open_set.velocity_best
    # The best may lie further back than the trend looks.
    loss = None if best is None else trends.velocity_loss_percent([best, velocity[-1]])
    velocity_trend = _trend(velocity)
    stride_time = open_set.stride_time
    start_s, end_s = open_set.start_s, open_set.end_s
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
        movement=open_set.movement,
        count=open_set.count,
        closed_by=closed_by,
        start_s=start_s,
        end_s=end_s,
        known_at_s=known_at_s,
        duration_s=end_s - start_s,
        start_utc=context.utc(start_s),
        end_utc=context.utc(end_s),
        rest_before_s=open_set.rest_before_s,
        time_under_tension_s=None if strides else open_set.total("duration_s"),
        cadence_mean_per_min=open_set.mean("cadence_per_min"),
        stride_time_cv_percent=(
            100.0 * stride_time.deviation / stride_time.mean if stride_time.count >= trends.FEWEST else None
        ),
        contact_time_mean_s=open_set.mean("contact_time_s"),
        rom_mean_deg=open_set.mean("rom_deg"),
        velocity_mean_rad_s=open_set.velocity_total / open_set.velocity_count if velocity else None,
        velocity_best_rad_s=best,
        velocity_last_rad_s=velocity[-1] if velocity else None,
        velocity_loss_percent=loss,
        velocity_trend=velocity_trend,
        rom_trend=_trend(open_set.rom),
        fatigue=_fatigue(loss, velocity_trend),
        sway_rms_mean_mps2=open_set.mean("sway_rms_mps2"),
        lateral_force_peak_mean_n=open_set.mean("lateral_force_peak_n"),
        lateral_force_impulse_n_s=open_set.total("lateral_force_impulse_n_s"),
        quality=open_set.mean("quality") or 0.0,
    )
