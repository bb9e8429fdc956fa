"""The stride detector, slow and plain: one pass over the whole history, from the definitions of its docstring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ankled.kernels import gait, ring
from tests.kernels.twins import displacement_twin, gait_events_twin
from tests.kernels.twins.vqf_twin import MeanThenButterworth

if TYPE_CHECKING:
    from tests.kernels.twins.windows_twin import Array


@dataclass
class Stride:
    """Events in samples, `previous` None for the first of a bout, and when it was known; rates 0 without a swing."""

    previous: float | None
    toe_off: float
    contact: float
    known: int
    travel_m: float
    heading_deg: float
    peak_rad_s: float = 0.0
    dip_rad_s: float = 0.0


@dataclass
class _Step:
    """The last swing that carried the leg somewhere."""

    stride: Stride
    landed: float
    published: bool


@dataclass
class _Walk:
    """The leg on its way: what it delivered, its axes, and what was found so far."""

    rows: Array
    rate_hz: float
    left: Array
    up: Array
    lever_m: float
    params: gait.Params
    last: _Step | None = None
    mean_peak: float = 0.0
    usual: float = 0.0
    found: list[Stride] = field(default_factory=list)

    def samples(self, seconds: float) -> float:
        """Return a time in samples."""
        return seconds * self.rate_hz

    def moved(self, first: int, last: int, start: float, stop: float) -> tuple[float, float, float]:
        """Return horizontal displacement, velocity missed and heading changed from `start` to `stop`."""
        window = self.rows[first : last + 1]
        horizontal, _, missed = displacement_twin.measure(
            window, start - first, stop - first, self.up, self.lever_m, self.rate_hz
        )
        return horizontal, missed, displacement_twin.heading_change(window, start - first, stop - first)

    def stance(self, first: int, toe_off: float) -> float:
        """Return the middle of stance: where the leg turns least in half a second before toe-off."""
        begin = max(float(first), toe_off - self.samples(0.5), self.last.landed if self.last else 0.0)
        last = max(int(begin), int(toe_off) - 1)
        return float(gait_events_twin.least_motion(self.rows, int(begin), last))

    def timely(self, toe_off: float, contact: float) -> bool:
        """Tell whether swing and stride last as long as they may."""
        swing_s = (contact - toe_off) / self.rate_hz
        stride_s = (contact - self.last.stride.contact) / self.rate_hz if self.last else np.inf
        p = self.params
        return p.shortest_swing_s <= swing_s <= p.longest_swing_s and stride_s >= p.shortest_stride_s

    def carried(self, first: int, k: int, toe_off: float, contact: float) -> tuple[Stride, float, float, bool]:
        """Return the stride these events would make, its landing, the velocity missed, whether it stood."""
        stance, landed = self.stance(first, toe_off), min(float(k), contact + self.samples(0.1))
        travel_m, missed_mps, heading_deg = self.moved(first, k, stance, landed)
        stayed = False
        if self.last is not None and contact - self.last.stride.contact <= self.samples(self.params.longest_stride_s):
            # In running the leg may land and turn least at one instant: then it has not moved between.
            back_m = self.moved(first, k, self.last.landed, stance)[0] if stance > self.last.landed else 0.0
            stayed = back_m <= self.params.most_return * travel_m
        return Stride(None, toe_off, contact, k, travel_m, heading_deg), landed, missed_mps, stayed

    def take(self, stride: Stride, landed: float, *, stayed: bool) -> None:
        """Add a step to what was found: the first of a bout with the second."""
        if self.last is not None and stayed:
            since = stride.contact - self.last.stride.contact
            if self.usual == 0.0 or since <= 1.6 * self.usual:
                stride.previous = self.last.stride.contact
                self.usual = since if self.usual == 0.0 else self.usual + 0.3 * (since - self.usual)
            self.found += [stride] if self.last.published else [self.last.stride, stride]
        else:
            self.usual = 0.0
        self.last = _Step(stride, landed, published=stayed)

    def swing(self, peak: int, k: int, peak_rad_s: float) -> None:
        """Judge the swing around `peak` at sample `k`."""
        p = self.params
        first = max(0, int(peak - self.samples(p.longest_swing_s) - self.samples(p.longest_stride_s)))
        if self.last is not None:
            first = max(first, int(self.last.stride.contact) + 1)
        window = self.rows[first : k + 1]
        peak -= first + int(0.045 * self.rate_hz)  # the low-pass is late
        _, dip = gait_events_twin.toe_off_before(window, peak, self.rate_hz, self.left)
        shank = -dip <= 1.1 * peak_rad_s
        contact = gait_events_twin.contact_after(window, peak, self.rate_hz, self.left, shank=shank)
        toe_off, _ = gait_events_twin.toe_off_before(window, peak, self.rate_hz, self.left, shank=shank)
        if len(window) < 8 or contact < 0.0 or toe_off < 0.0:
            return
        earlier, size = gait_events_twin.landing(window, max(0, peak), int(contact), self.rate_hz)
        toe_off, contact, earlier = first + toe_off, first + contact, first + earlier
        if contact - earlier > self.samples(0.2) and size >= p.least_shock_mps2 and earlier > toe_off:
            stood = self.moved(first, k, self.stance(first, toe_off), earlier + self.samples(0.1))
            contact = earlier if stood[1] <= p.most_residual_mps else contact
        if not self.timely(toe_off, contact):
            return
        stride, landed, _, stayed = self.carried(first, k, toe_off, contact)
        if stride.travel_m < p.least_travel_m:
            return
        stride.peak_rad_s, stride.dip_rad_s = peak_rad_s, dip
        self.mean_peak = peak_rad_s if self.mean_peak == 0.0 else 0.75 * self.mean_peak + 0.25 * peak_rad_s
        self.take(stride, landed, stayed=stayed)

    def motion(self, since: int, until: int, k: int) -> None:
        """Judge the motion from rest to rest, of a bout in which a step is due."""
        p = self.params
        assert self.last is not None
        first = int(self.last.stride.contact) + 1
        begin = since - first + int(0.4 * (until - since))
        place, size = gait_events_twin.landing(self.rows[first : k + 1], begin, k - first, self.rate_hz)
        contact = first + place
        strides = (contact - self.last.stride.contact) / self.usual
        if size < p.least_shock_mps2 or not p.least_rhythm <= strides <= 1.6 or not self.timely(since, contact):
            return
        stride, landed, missed_mps, stayed = self.carried(first, k, since, contact)
        if not stayed or stride.travel_m < p.least_travel_m:
            return
        if missed_mps > p.most_residual_mps or abs(stride.heading_deg) > p.most_turn_deg:
            return
        fast = gait_events_twin.fast_from(self.rows, since, int(contact))
        stride.toe_off = min(float(fast), contact - self.samples(p.shortest_swing_s))
        self.take(stride, landed, stayed=True)


def find(rows: Array, rate_hz: float, left: Array, up: Array, lever_m: float, params: gait.Params) -> list[Stride]:
    """Return the strides of a leg whose axes are known from the start, in the order in which they are known."""
    smooth = MeanThenButterworth(np.sqrt(2.0) / (2.0 * np.pi * params.lowpass_hz), 1.0 / rate_hz)
    swing = np.array([float(smooth(-w @ left)) for w in rows[:, ring.GYR : ring.GYR + 3]])
    settle, still = (int(np.ceil(seconds * rate_hz)) for seconds in (params.settle_s, params.still_s))
    begun, moved = _motions(rows, rate_hz, params)
    walk = _Walk(rows, rate_hz, left, up, lever_m, params)
    k = 0
    while k < len(rows):
        # Wait for the swing rate to pass the threshold; the bout ends when that takes too long.
        if swing[k] <= max(params.threshold_rad_s, params.relative_threshold * walk.mean_peak):
            if walk.last is not None:
                contact = walk.last.stride.contact
                if (k - contact) / rate_hz > params.longest_stride_s:
                    walk.last, walk.mean_peak = None, 0.0
                elif k - moved[k] == still and begun[k] > contact and walk.usual > 0.0:
                    walk.motion(int(begun[k]), int(moved[k]), k)
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
        walk.swing(peak, k, float(swing[peak]))
        k += 1
    return walk.found


def _motions(rows: Array, rate_hz: float, params: gait.Params) -> tuple[Array, Array]:
    """Return for every sample when the motion it lies in, or behind, began, and when the leg moved last."""
    index = np.arange(len(rows))
    moving = np.linalg.norm(rows[:, ring.GYR : ring.GYR + 3], axis=1) > params.restless_rad_s
    moved = np.maximum.accumulate(np.where(moving, index, 0))
    rested = index - np.concatenate(([0], moved[:-1])) > int(np.ceil(params.rest_s * rate_hz))
    begun = np.maximum.accumulate(np.where(moving & rested, index, 0))
    return begun, moved
