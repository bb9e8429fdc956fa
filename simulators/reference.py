"""The reference case: a 4.0 lb weight on a 26 inch stride, 9.34 N inward at mid-swing.

Forward 0.660 m by minimum jerk in a swing of 0.40 s, outward A sin^4(pi t / T) with A = 2.09 cm and T = 0.40 s. The
sensor turns about y alone, as a shank does in walking, so the lateral axis stays lateral; it sits on the axis of
that turn, so the turn adds no acceleration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.simulators.gait import WALK_SHANK, turn_segment
from ankled.simulators.smooth import MINIMUM_JERK, SINE4
from ankled.simulators.wearer import Leg, Planned

if TYPE_CHECKING:
    from ankled.simulators.smooth import Floats

MASS_KG = 1.814
STRIDE_M = 0.660
SWING_S = 0.40
STANCE_S = 0.60
OUTWARD_M = 0.0209


class Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`strides` equal strides a leg, the right leg half a stride after the left."""

    strides: int

    def perform(self, legs: tuple[Leg, Leg], start_s: float) -> float:
        """Add the strides to both legs and return when both stand."""
        period = SWING_S + STANCE_S
        count = np.arange(self.strides, dtype=np.float64)
        end = start_s
        for index, leg in enumerate(legs):
            leg.limb.sensor_height_m = 0.0
            toe_off: Floats = start_s + 0.5 + 0.5 * period * index + period * count
            contact: Floats = toe_off + SWING_S
            end = max(end, turn_segment(leg, WALK_SHANK, toe_off, contact, np.ones(self.strides)))
            leg.pulse("x", toe_off, contact, STRIDE_M, MINIMUM_JERK)
            leg.pulse("y", toe_off, contact, leg.outward * OUTWARD_M, SINE4)
            leg.planned += [
                Planned(
                    kind="stride",
                    movement="walk",
                    start_s=float(contact[k - 1] if k else toe_off[0]),
                    end_s=float(contact[k]),
                    toe_off_s=float(toe_off[k]),
                    stride_length_m=STRIDE_M,
                    first=k == 0,
                    turn=False,
                )
                for k in range(self.strides)
            ]
        return end
