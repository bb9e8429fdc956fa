"""What the repetition detector is set by and what it remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import radians
from typing import TYPE_CHECKING

import numpy as np

from ankled.kernels import company, leaps, leg_angle, movement_axis
from ankled.kernels.phases import FOUND

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 16
"""Repetitions that one step can report; more wait for the next step."""


@dataclass(frozen=True, slots=True)
class Params:
    """What counts as a repetition.

    min_range_deg: smallest range of motion.
    alone_range_deg: below this range a repetition is published only once another like it has followed; two others
        are needed where it turns about the vertical, as feet do that are turned on the spot.
    hysteresis: turning back that makes a turning point, as a part of the range of the last repetitions.
    min_time_s, max_time_s: shortest and longest repetition.
    min_hold_s: shortest stillness at the far end that is a hold.
    memory_s: time constant with which the range of the last repetitions is forgotten.
    dwell_s, dwell_deg: the leg dwells when it stays within +-dwell_deg for dwell_s.
    look_back_s: how far back the detector runs again when the axis has changed.
    min_rate_deg_s: root mean square of the rate below which no axis is taken.
    turn_deg: the axis is replaced when the motion's axis is further away than this.
    min_correlation, min_lever_m, min_speed_mps: the sign is that of the vertical velocity where the correlation, the
        velocity gained per angular rate and the velocity itself all reach these; else the side that the leg rested on
        before the first excursion decides. A squat tilts the shank about the ankle: its lever is some 4 cm, and the
        scale error of an accelerometer makes as much.
    """

    min_range_deg: float = 3.0
    alone_range_deg: float = 8.0
    hysteresis: float = 0.25
    min_time_s: float = 0.3
    max_time_s: float = 30.0
    min_hold_s: float = 0.3
    memory_s: float = 10.0
    dwell_s: float = 1.0
    dwell_deg: float = 1.0
    look_back_s: float = 20.0
    min_rate_deg_s: float = 0.5
    turn_deg: float = 12.0
    min_correlation: float = 0.4
    min_lever_m: float = 0.06
    min_speed_mps: float = 0.02
    axis: movement_axis.Params = field(default_factory=movement_axis.Params)


_SOLVE_S = 0.1
_SETTLE_S = 0.5
_SMOOTH_S = 0.1
_PAUSE_S = 0.2

STATE = np.dtype(
    [
        ("dt_s", "f8"),
        ("min_range", "f8"),
        ("alone_range", "f8"),
        ("hysteresis", "f8"),
        ("min_time", "f8"),
        ("max_time", "f8"),
        ("min_hold", "f8"),
        ("keep", "f8"),
        ("memory", "f8"),
        ("dwell_n", "i8"),
        ("dwell", "f8"),
        ("pause_n", "i8"),
        ("look_back", "i8"),
        ("min_rate", "f8"),
        ("same_axis", "f8"),
        ("min_correlation", "f8"),
        ("min_lever", "f8"),
        ("min_speed", "f8"),
        ("smooth", "f8"),
        ("solve_n", "i8"),
        ("until_solve", "i8"),
        ("settle_n", "i8"),
        ("motion", movement_axis.STATE),
        ("leg", leg_angle.STATE),
        ("has_axis", "i8"),
        ("open", "i8"),
        ("kept", "i8"),  # up to this sample a rest says nothing of the side: it may be in the middle of a repetition
        ("fixed_at", "i8"),
        ("first", "i8"),
        ("at", "i8"),
        ("mode", "i8"),
        ("x", "f8"),
        ("rate", "f8"),
        ("still_x", "f8"),
        ("still_n", "i8"),
        ("anchor_x", "f8"),
        ("valley_x", "f8"),
        ("valley", "i8"),
        ("peak_x", "f8"),
        ("peak", "i8"),
        ("low_x", "f8"),
        ("low", "i8"),
        ("fastest", "f8"),
        ("fast", "i8"),
        ("slow_n", "i8"),
        ("patience_n", "i8"),
        ("left", "i8"),
        ("rested", "i8"),
        ("inner_x", "f8"),
        ("inner_peak_x", "f8"),
        ("inner_out", "i8"),
        ("inner_n", "i8"),
        ("range", "f8"),
        ("last_range", "f8"),
        ("last_end", "i8"),
        ("done", "i8"),  # what lies before it is described already, and never looked at again
        ("waiting", "i8"),
        ("n", "i8"),
        ("leap", leaps.STATE),
        ("alone", FOUND, (company.MOST,)),
        ("last", FOUND),
        ("held", FOUND),
        ("now", FOUND),
        ("next", FOUND),
        ("found", FOUND, (MOST,)),
    ],
    align=True,
)


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state, shape (1,), for a grid of `rate_hz`."""
    state = np.zeros(1, STATE)
    state["dt_s"] = 1.0 / rate_hz
    state["min_range"] = radians(params.min_range_deg)
    state["alone_range"] = radians(params.alone_range_deg)
    state["hysteresis"] = params.hysteresis
    state["min_time"] = params.min_time_s * rate_hz
    state["max_time"] = params.max_time_s * rate_hz
    state["min_hold"] = params.min_hold_s * rate_hz
    state["memory"] = params.memory_s * rate_hz
    state["keep"] = 1.0 - 1.0 / (params.memory_s * rate_hz)
    state["dwell_n"] = max(1, round(params.dwell_s * rate_hz))
    state["dwell"] = radians(params.dwell_deg)
    state["pause_n"] = max(1, round(_PAUSE_S * rate_hz))
    state["look_back"] = round(params.look_back_s * rate_hz)
    state["min_rate"] = radians(params.min_rate_deg_s)
    state["same_axis"] = np.cos(radians(params.turn_deg))
    state["min_correlation"] = params.min_correlation
    state["min_lever"] = params.min_lever_m
    state["min_speed"] = params.min_speed_mps
    state["smooth"] = 1.0 - np.exp(-1.0 / (_SMOOTH_S * rate_hz))
    state["solve_n"] = max(1, round(_SOLVE_S * rate_hz))
    state["settle_n"] = round(_SETTLE_S * rate_hz)
    state["motion"] = movement_axis.init(params.axis, rate_hz)[0]
    state["leg"]["dt_s"] = 1.0 / rate_hz
    state["first"] = -1
    state["last_end"] = -1
    state["done"] = -1
    state["leap"] = leaps.init(rate_hz)[0]
    state["fixed_at"] = -(1 << 40)
    return state
