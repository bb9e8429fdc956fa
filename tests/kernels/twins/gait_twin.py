"""The stride detector, slow and plain: one pass over the whole history, from the definitions of its docstring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ankled.kernels import gait, ring
from tests.kernels.twins import displacement_twin, gait_events_twin
from tests.kernels.twins.vqf_twin import MeanThenButterworth

if TYPE_CHECKING:
    from tests.kernels.twins.windows_twin import Array


@dataclass
class Stride:
    """Events in samples, `previous` None for the first of a bout, and when it was known."""

    previous: float | None
    toe_off: float
    contact: float
    known: int
    travel_m: float
    peak_rad_s: float
    dip_rad_s: float


@dataclass
class _Step:
    """The last swing that carried the leg somewhere."""

    stride: Stride
    landed: float
    published: bool


def find(rows: Array, rate_hz: float, left: Array, up: Array, lever_m: float, params: gait.Params) -> list[Stride]:
    """Return the strides of a leg whose axes are known from the start, in the order in which they are known."""
    smooth = MeanThenButterworth(np.sqrt(2.0) / (2.0 * np.pi * params.lowpass_hz), 1.0 / rate_hz)
    swing = np.array([float(smooth(-w @ left)) for w in rows[:, ring.GYR : ring.GYR + 3]])
    settle = int(np.ceil(params.settle_s * rate_hz))
    found: list[Stride] = []
    last: _Step | None = None
    mean_peak = 0.0
    usual_s = 0.0
    k = 0
    while k < len(rows):
        # Wait for the swing rate to pass the threshold; the bout ends when that takes too long.
        if swing[k] <= max(params.threshold_rad_s, params.relative_threshold * mean_peak):
            if last is not None and (k - last.stride.contact) / rate_hz > params.longest_stride_s:
                last, mean_peak = None, 0.0
            k += 1
            continue
        # Mid-swing is the maximum until the swing rate has come back to zero.
        peak = k
        k += 1
        while k < len(rows) and swing[k] > 0.0 and (k - peak) / rate_hz <= params.longest_swing_s:
            peak = k if swing[k] > swing[peak] else peak
            k += 1
        if k >= len(rows) or swing[k] > 0.0:
            k += 1
            continue
        k += settle
        if k >= len(rows):
            break
        step = _step(rows, rate_hz, left, up, lever_m, params, last, peak, k)
        if step is not None:
            stride, landed, back_m = step
            stride.peak_rad_s = float(swing[peak])
            mean_peak = stride.peak_rad_s if mean_peak == 0.0 else 0.75 * mean_peak + 0.25 * stride.peak_rad_s
            stayed = back_m is not None and back_m <= params.most_return * stride.travel_m
            if last is not None and stayed:
                since_s = (stride.contact - last.stride.contact) / rate_hz
                if usual_s == 0.0 or since_s <= 1.6 * usual_s:
                    stride.previous = last.stride.contact
                    usual_s = since_s if usual_s == 0.0 else usual_s + 0.3 * (since_s - usual_s)
                found += [stride] if last.published else [last.stride, stride]
            else:
                usual_s = 0.0
            last = _Step(stride, landed, published=stayed)
        k += 1
    return found


def _step(
    rows: Array,
    rate_hz: float,
    left: Array,
    up: Array,
    lever_m: float,
    params: gait.Params,
    last: _Step | None,
    peak: int,
    k: int,
) -> tuple[Stride, float, float | None] | None:
    """Judge the swing around `peak` at sample `k`: its stride, where it landed, and how far the stance before moved."""
    first = max(0, int(peak - (params.longest_swing_s + params.longest_stride_s) * rate_hz))
    if last is not None:
        first = max(first, int(last.stride.contact) + 1)
    window = rows[first : k + 1]
    peak -= first + int(0.045 * rate_hz)  # the low-pass is late
    contact = gait_events_twin.contact_after(window, peak, rate_hz, left)
    toe_off, dip = gait_events_twin.toe_off_before(window, peak, rate_hz, left)
    if len(window) < 8 or contact < 0.0 or toe_off < 0.0:
        return None
    if not params.shortest_swing_s <= (contact - toe_off) / rate_hz <= params.longest_swing_s:
        return None
    since_s = None if last is None else (first + contact - last.stride.contact) / rate_hz
    if since_s is not None and since_s < params.shortest_stride_s:
        return None
    # The middle of stance: where the leg turns least in the half second before toe-off, after the landing before.
    begin = max(0.0, toe_off - 0.5 * rate_hz)
    if last is not None:
        begin = max(begin, last.landed - first)
    stance = gait_events_twin.least_motion(window, int(begin), max(int(begin), int(toe_off) - 1))
    landed = min(len(window) - 1.0, contact + 0.1 * rate_hz)
    travel_m = displacement_twin.measure(window, stance, landed, up, lever_m, rate_hz)[0]
    if travel_m < params.least_travel_m:
        return None
    back_m = None  # in running the leg may land and turn least at one instant: then it has not moved between
    if last is not None and since_s is not None and since_s <= params.longest_stride_s:
        start = last.landed - first
        back_m = displacement_twin.measure(window, start, stance, up, lever_m, rate_hz)[0] if stance > start else 0.0
    return Stride(None, first + toe_off, first + contact, k, travel_m, 0.0, dip), first + landed, back_m
