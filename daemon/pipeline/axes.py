"""What the events about the axes of a leg tell."""

from __future__ import annotations

from math import degrees, hypot, isnan
from typing import TYPE_CHECKING

from ankled.kernels.results import SLIP

if TYPE_CHECKING:
    from ankled.kernels.results import ResultRow


def told(row: ResultRow) -> dict[str, float | str]:
    """Return the detail of `slip` or `axis_settled`: the axes from now on, and how far they are from those before."""
    detail: dict[str, float | str] = {"uncertainty_deg": degrees(row.axis_uncertainty_rad)}
    turned_deg = degrees(hypot(row.turn_x_rad, row.turn_y_rad, row.turn_z_rad))
    if row.kind == SLIP:
        detail |= {
            "angle_deg": turned_deg,
            "about_x_deg": degrees(row.turn_x_rad),
            "about_y_deg": degrees(row.turn_y_rad),
            "about_z_deg": degrees(row.turn_z_rad),
        }
    else:
        detail |= {"axis_ratio": row.axis_ratio, "confidence": row.axis_confidence}
        if not isnan(turned_deg):
            detail["changed_deg"] = turned_deg
    return detail | {
        "left_x": row.left_x,
        "left_y": row.left_y,
        "left_z": row.left_z,
        "up_x": row.up_x,
        "up_y": row.up_y,
        "up_z": row.up_z,
    }
