"""From a result row of the kernels to a `Standing` record."""

from __future__ import annotations

from math import degrees
from typing import TYPE_CHECKING

from ankled.daemon.pipeline.quality import standing
from ankled.daemon.pipeline.reps import AXIS_SOURCES, number, scaled
from ankled.daemon.standing import Standing

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context, Numbers
    from ankled.daemon.settings import DeviceSettings
    from ankled.kernels.results import ResultRow


def make_standing(
    row: ResultRow, numbers: Numbers, device: DeviceSettings, context: Context, rate_hz: float
) -> Standing:
    """Build the record of a row of kind STANDING."""
    quality, reasons = standing(row, rate_hz)
    return Standing(
        id=f"{context.session}/{device.slug}/standing/{numbers.next('standing')}",
        seq=numbers.next_seq(),
        session=context.session,
        node=context.node,
        device=device.slug,
        athlete=device.athlete,
        side=device.side,
        start_s=row.start_s,
        end_s=row.end_s,
        known_at_s=row.known_s,
        duration_s=row.end_s - row.start_s,
        start_utc=context.utc(row.start_s),
        end_utc=context.utc(row.end_s),
        jerk_m2ps5=row.jerk_m2ps5,
        dist_mps2=row.dist_mps2,
        rms_mps2=row.rms_mps2,
        rms_ap_mps2=number(row.rms_ap_mps2),
        rms_ml_mps2=number(row.rms_ml_mps2),
        path_mps2=row.path_mps2,
        range_mps2=row.range_mps2,
        mv_mps=row.mv_mps,
        mf_hz=row.mf_hz,
        area_m2ps5=row.area_m2ps5,
        power_m2ps4=row.power_m2ps4,
        f50_hz=row.f50_hz,
        f95_hz=row.f95_hz,
        centroidal_frequency_hz=row.cf_hz,
        frequency_dispersion=row.fd,
        bandwidth_hz=row.bandwidth_hz,
        axis_source=AXIS_SOURCES[row.axis_source],
        axis_uncertainty_deg=scaled(row.axis_uncertainty_rad, degrees(1.0)),
        missing=row.missing,
        clipped=row.clipped,
        quality=quality,
        quality_reasons=reasons,
    )
