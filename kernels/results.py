"""Result rows: what the chain found and measured, as numbers in leg axes and SI units. Records are made of them.

A field that does not apply or could not be measured is nan. Forces are per kilogram of the weight, along the leg's y
(to the wearer's left); mass and the outward sign are applied when a record is written.
"""

from __future__ import annotations

import numpy as np

STRIDE = 1
REP = 2
GAP = 3
REST = 4
AXES = 5

RESULT = np.dtype(
    [
        ("kind", "i8"),
        ("known_s", "f8"),
        ("start_s", "f8"),
        ("end_s", "f8"),
        ("retroactive", "i8"),
        ("missing", "i8"),
        ("clipped", "i8"),
        # strides
        ("first", "i8"),
        ("toe_off_s", "f8"),
        ("travel_m", "f8"),
        ("heading_deg", "f8"),
        ("residual_mps", "f8"),
        # repetitions
        ("peak_s", "f8"),
        ("concentric_s", "f8"),
        ("hold_s", "f8"),
        ("eccentric_s", "f8"),
        ("phases_ok", "i8"),
        ("sign_confidence", "f8"),
        # both
        ("rom_deg", "f8"),
        ("about_vertical", "i8"),
        ("peak_rad_s", "f8"),
        ("mean_rad_s", "f8"),
        ("plane_angle_deg", "f8"),
        ("sway_rms_mps2", "f8"),
        ("sway_range_deg", "f8"),
        ("sway_from_leg_axis", "i8"),
        ("sway_jerk_rms_mps3", "f8"),
        ("sway_bandwidth_hz", "f8"),
        ("lateral_peak_mps2", "f8"),
        ("lateral_peak_s", "f8"),
        ("lateral_mean_mps2", "f8"),
        ("lateral_rms_mps2", "f8"),
        ("lateral_impulse_mps", "f8"),
        ("lateral_impact_mps2", "f8"),
        ("lateral_uncertainty_mps2", "f8"),
        ("lateral_bandwidth_hz", "f8"),
        ("axis_source", "i8"),
        ("axis_uncertainty_rad", "f8"),
        ("axis_ratio", "f8"),
        ("axis_confidence", "f8"),
        # gaps
        ("gap_s", "f8"),
    ],
    align=True,
)
"""One row. `kind` is one of the constants above; AXES: the axes of the leg have settled; REST: a set ended."""
