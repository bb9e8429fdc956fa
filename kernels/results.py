"""Result rows: what the chain found and measured, as numbers in leg axes and SI units. Records are made of them.

A field that does not apply or could not be measured is nan. Forces are per kilogram of the weight, along the leg's y
(to the wearer's left); mass and the outward sign are applied when a record is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

import numpy as np

from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIDE = 1
REP = 2
GAP = 3
REST = 4
AXES = 5
SLIP = 6
STANDING = 7


class ResultRow(NamedTuple):
    """One row as Python numbers. `kind` is one of the constants above."""

    kind: int
    known_s: float
    start_s: float
    end_s: float
    retroactive: int
    missing: int
    clipped: int
    # strides
    first: int
    toe_off_s: float
    travel_m: float
    heading_deg: float
    residual_mps: float
    # repetitions
    peak_s: float
    concentric_s: float
    hold_s: float
    eccentric_s: float
    phases_ok: int
    sign_confidence: float
    # both
    rom_deg: float
    about_vertical: int
    peak_rad_s: float
    mean_rad_s: float
    plane_angle_deg: float
    sway_rms_mps2: float
    sway_range_deg: float
    sway_from_leg_axis: int
    sway_jerk_rms_mps3: float
    sway_bandwidth_hz: float
    lateral_peak_mps2: float
    lateral_peak_s: float
    lateral_mean_mps2: float
    lateral_rms_mps2: float
    lateral_impulse_mps: float
    lateral_impact_mps2: float
    lateral_uncertainty_mps2: float
    lateral_rival: float
    lateral_bandwidth_hz: float
    axis_source: int
    axis_uncertainty_rad: float
    axis_ratio: float
    axis_confidence: float
    # gaps
    gap_s: float
    # axes that have settled, after a slip or at last
    left_x: float
    left_y: float
    left_z: float
    up_x: float
    up_y: float
    up_z: float
    turn_x_rad: float
    turn_y_rad: float
    turn_z_rad: float
    # quiet standing, see quiet.measure
    jerk_m2ps5: float
    dist_mps2: float
    rms_mps2: float
    rms_ap_mps2: float
    rms_ml_mps2: float
    path_mps2: float
    range_mps2: float
    mv_mps: float
    mf_hz: float
    area_m2ps5: float
    power_m2ps4: float
    f50_hz: float
    f95_hz: float
    cf_hz: float
    fd: float
    bandwidth_hz: float


RESULT = np.dtype(
    [(name, {int: "i8", float: "f8"}[kind]) for name, kind in get_type_hints(ResultRow).items()], align=True
)
"""One row as the kernels write it. AXES says that the axes of the leg have settled, REST that a set ended, SLIP that
the weight has turned on the leg. `turn_*`: how far the axes turned that were held before, as a rotation vector."""

_BLANK = np.zeros(1, RESULT)
for _name in RESULT.names or ():
    if RESULT[_name].kind == "f":
        _BLANK[_name] = np.nan


@kernel
def begin(out: NDArray[np.void], n: int, kind: int, known_s: float) -> Any:
    """Return row `n` of `out`, emptied of what it held before, as a row of `kind` that became known at `known_s`."""
    out[n] = _BLANK[0]
    row = out[n]
    row.kind = kind
    row.known_s = known_s
    return row


@kernel
def write_axes(row: Any, leg: Any, x: float, y: float, z: float) -> None:
    """Write the axes of the leg (leg.STATE) to a row, and the turn that led to them, a rotation vector in rad."""
    row.left_x, row.left_y, row.left_z = leg.left[0], leg.left[1], leg.left[2]
    row.up_x, row.up_y, row.up_z = leg.up[0], leg.up[1], leg.up[2]
    row.turn_x_rad, row.turn_y_rad, row.turn_z_rad = x, y, z
    row.axis_source = leg.source
    row.axis_uncertainty_rad = leg.uncertainty_rad
