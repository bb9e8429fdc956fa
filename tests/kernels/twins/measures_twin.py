"""What is measured on one stride or repetition, put together from the twins of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import ring
from tests.kernels.twins import angle_twin, lateral_twin, sway_twin, windows_twin

if TYPE_CHECKING:
    from tests.kernels.twins.windows_twin import Array

FORCE = ("mean_mps2", "rms_mps2", "impulse_mps", "peak_mps2", "", "peak_s", "impact_mps2", "uncertainty_mps2", "rival")


def _measure(
    rows: Array,
    whole: tuple[float, float],
    motion: tuple[float, float],
    swing: tuple[float, float],
    p: Array,
    leg: Any,
    rate_hz: float,
    *,
    rests: bool,
) -> dict[str, float]:
    """Measure [whole] of a history: rate over `motion`, peak of the lateral force over `swing`; leg None: unknown."""
    context = int(0.15 * rate_hz) + 1
    first = max(0, int(np.floor(whole[0])) - context)
    window = rows[first : int(np.ceil(whole[1])) + context + 1]
    whole, motion, swing = ((a - first, b - first) for a, b in (whole, motion, swing))
    rom, about_vertical, peak, mean = angle_twin.measure(window, whole, motion, p, rate_hz)
    rms, jerk = sway_twin.rms_and_jerk(window, whole, p, rate_hz)
    out = {
        "rom_deg": rom,
        "about_vertical": float(about_vertical),
        "peak_rad_s": peak,
        "mean_rad_s": mean,
        "sway_rms_mps2": rms,
        "sway_jerk_rms_mps3": jerk,
        "sway_range_deg": sway_twin.range_deg(window, whole, p, None if leg is None else leg["up"]),
        "sway_from_leg_axis": float(leg is not None),
        "sway_bandwidth_hz": min(10.0, 0.4 * rate_hz),
        "lateral_bandwidth_hz": min(20.0, 0.4 * rate_hz),
    }
    if leg is None:
        out |= {f"lateral_{name}": np.nan for name in FORCE if name}
        out |= {"plane_angle_deg": np.nan, "axis_uncertainty_rad": np.nan}
    else:
        doubt, bandwidth_hz = float(leg["uncertainty_rad"]), out["lateral_bandwidth_hz"]
        between = np.degrees(np.arctan2(np.linalg.norm(np.cross(p, leg["left"])), abs(p @ leg["left"])))
        rests = rests and between <= 30.0
        force = lateral_twin.measure(window, whole, swing, leg["left"], doubt, rests, bandwidth_hz, rate_hz)
        out |= {f"lateral_{name}": value for name, value in zip(FORCE, force, strict=True) if name}
        out |= {"plane_angle_deg": between, "axis_uncertainty_rad": doubt}
    touched = window[int(np.floor(whole[0])) : int(np.ceil(whole[1])) + 1, ring.FLAGS]
    out["missing"] = float(np.sum(touched % 2.0 == 1.0))
    out["clipped"] = float(np.sum(touched >= 2.0))
    return out


def _time(rows: Array, position: float) -> float:
    """Time of a fractional row."""
    return float(windows_twin.at(rows[:, ring.TIME], position))


def stride(rows: Array, found: Any, leg: Any, rate_hz: float) -> dict[str, float]:
    """Return the fields of a stride (gait.FOUND) known at the last row."""
    first = found["previous_contact"] < 0.0
    start = found["toe_off"] if first else found["previous_contact"]
    end = found["contact"]
    swing = (found["toe_off"], max(found["toe_off"], end - 0.030 * rate_hz))
    axis = leg["left"]
    out = _measure(rows, (start, end), (found["toe_off"], end), swing, axis, leg, rate_hz, rests=False)
    out |= {"first": float(first), "start_s": _time(rows, start), "end_s": _time(rows, end)}
    out |= {"toe_off_s": _time(rows, found["toe_off"]), "known_s": float(rows[-1, ring.TIME])}
    out |= {name: float(found[name]) for name in ("travel_m", "heading_deg", "residual_mps")}
    for name in ("peak_s", "concentric_s", "hold_s", "eccentric_s", "gap_s"):
        out[name] = np.nan
    return out


def principal(rows: Array, whole: tuple[float, float], axis: Array, rate_hz: float) -> Array:
    """Return the principal axis of the mean rates of blocks of 80 ms, on the side of `axis`."""
    first, last = int(np.ceil(whole[0])), int(np.floor(whole[1]))
    block = max(1, int(np.floor(0.08 * rate_hz + 0.5)))
    rate = rows[first : last + 1, ring.GYR : ring.GYR + 3]
    blocks = rate[: len(rate) // block * block].reshape(-1, block, 3).mean(axis=1)
    if not np.any(blocks):
        return axis
    p = np.linalg.svd(blocks)[2][0]
    return np.asarray(p if p @ axis >= 0.0 else -p)


def repetition(rows: Array, found: Any, leg: Any, rate_hz: float) -> dict[str, float]:
    """Return the fields of a repetition (reps.FOUND) known at the last row; `leg` None when its axes are unknown."""
    start, end = found["start"], found["end"]
    phases = (start, found["concentric_end"], found["eccentric_start"], end)
    axis = principal(rows, (start, end), found["axis"], rate_hz)
    out = _measure(rows, (start, end), phases[:2], (start, end), axis, leg, rate_hz, rests=True)
    out |= {"first": 0.0, "start_s": _time(rows, start), "end_s": _time(rows, end)}
    out |= {"peak_s": _time(rows, found["peak"]), "known_s": float(rows[-1, ring.TIME])}
    lengths = np.diff(phases) / rate_hz if found["phases_ok"] else np.full(3, np.nan)
    out |= dict(zip(("concentric_s", "hold_s", "eccentric_s"), map(float, lengths), strict=True))
    for name in ("toe_off_s", "travel_m", "heading_deg", "residual_mps", "gap_s", "lateral_impact_mps2"):
        out[name] = np.nan
    return out
