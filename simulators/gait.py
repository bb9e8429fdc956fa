"""Walking and running: footprints along a path, and the shank's (or foot's) motion between them.

True instants: `initial_contact_s` is when the foot reaches its footprint and the shock starts, `toe_off_s` when the
toe leaves the ground. The minima of the swing rate (-gyr . y) that a detector looks for do not stand there, as they
do not on people: on the shank the one of the contact comes 11 ms late and the one of the push-off 29 ms early (the
errors of contact events from a shank gyroscope, Fadillioglu et al. 2020; the directions are ours), on the foot 20 ms
late and 55 ms early; in running up to 10 ms more. A test holds these offsets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.simulators.smooth import BUMP
from ankled.simulators.wearer import HALF_STANCE_M, Leg, Planned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ankled.simulators.smooth import Floats

_TURNING_RAD = 0.1
"""A stride whose footprints differ by more than this is part of a turn."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Angles of the segment about y in one stride, deg forward lean, and the timing of their changes.

    At initial contact the segment leans back by `contact_deg`; the shock turns it forward by `loading_deg` within
    `loading_s` around `loading_lag_s` after contact; stance carries it to `stance_deg`; push-off, centred
    `push_lead_s` before toe-off and `push_width` of the swing time wide, would take it to `swing_deg`, and the swing,
    from `swing_start` to `swing_end` of the swing time, takes it back.
    """

    contact_deg: float
    loading_deg: float
    stance_deg: float
    swing_deg: float
    loading_s: float
    loading_lag_s: float
    push_lead_s: float
    push_width: float
    swing_start: float
    swing_end: float


WALK_SHANK = Pattern(18.0, 9.0, 9.0, 58.0, 0.13, 0.011, 0.029, 0.95, 0.10, 1.0)
RUN_SHANK = Pattern(8.0, 9.0, 7.0, 90.0, 0.09, 0.011, 0.029, 0.65, 0.25, 1.0)
WALK_FOOT = Pattern(20.0, 20.0, 0.0, 68.0, 0.16, 0.020, 0.055, 0.90, 0.10, 1.0)
RUN_FOOT = Pattern(12.0, 12.0, 0.0, 95.0, 0.09, 0.020, 0.055, 0.60, 0.20, 1.0)


class Gait(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Walking or running `strides` strides a leg at `speed_mps`; a U-turn after every `turn_every` strides.

    Stride time and contact time follow from the speed. The left leg begins; the feet end side by side.
    """

    speed_mps: float
    strides: int
    running: bool = False
    turn_every: int | None = None
    turn_steps: int = 6
    impact_mm: float = 1.2

    @property
    def stride_time_s(self) -> float:
        """Return the usual stride time at this speed: 1.09 s at 1.25 m/s walking, 0.70 s at 12 km/h."""
        if self.running:
            return 0.74 * math.pow(self.speed_mps / 2.5, -0.18)
        return 1.09 * math.pow(self.speed_mps / 1.25, -0.42)

    @property
    def duty_factor(self) -> float:
        """Return the share of the stride that the foot is on the ground."""
        return 0.41 - 0.03 * self.speed_mps if self.running else 0.66 - 0.04 * self.speed_mps

    def pattern(self, placement: str) -> Pattern:
        """Return the segment's angles: those of slow walking are smaller."""
        if placement == "foot":
            return RUN_FOOT if self.running else WALK_FOOT
        return RUN_SHANK if self.running else WALK_SHANK

    def perform(self, legs: tuple[Leg, Leg], start_s: float) -> float:
        """Add the strides to both legs and return when the last foot is down."""
        steps = 2 * self.strides
        leader = legs[0]
        factor = np.tile([leg.time for leg in legs], self.strides) * leader.jitter(steps)
        factor *= (1.0 - leader.style.fatigue_speed) ** -(np.arange(steps) // 2)
        stride_time = self.stride_time_s * factor
        swing = (1.0 - self.duty_factor) * stride_time
        contact = start_s + 0.4 + swing[0] + np.concatenate(([0.0], np.cumsum(0.5 * stride_time[1:])))

        turning = self._turning(steps)
        length = 0.5 * self.stride_time_s * self.speed_mps * leader.jitter(steps) * np.where(turning, 0.5, 1.0)
        length *= (1.0 - leader.style.fatigue_rom) ** (np.arange(steps) // 2)
        length[-1] = 0.0  # the last foot comes down beside the other
        first_heading = leader.heading_rad
        heading = first_heading + np.cumsum(np.where(turning, np.pi / self.turn_steps, 0.0))
        before = np.concatenate(([first_heading], heading[:-1]))
        walked = np.cumsum(length[:, None] * _direction(0.5 * (heading + before)), axis=0)

        half_width = 0.05 if self.running else HALF_STANCE_M
        body = 0.5 * (legs[0].ankle_m + legs[1].ankle_m) + walked
        end = start_s
        for index, leg in enumerate(legs):
            mine = slice(index, None, 2)
            prints = body[mine] + leg.outward * half_width * _left(heading[mine])
            end = max(end, self._stride(leg, contact[mine], swing[mine], prints, heading[mine]))
        return end

    def _turning(self, steps: int) -> NDArray[np.bool_]:
        """Return which steps are part of a U-turn."""
        if self.turn_every is None:
            return np.zeros(steps, dtype=bool)
        period = 2 * self.turn_every + self.turn_steps
        place = np.arange(steps) % period
        whole = np.arange(steps) - place + period <= steps
        return (place >= 2 * self.turn_every) & whole

    def _stride(self, leg: Leg, contact: Floats, swing: Floats, prints: Floats, heading: Floats) -> float:
        """Add the strides of one leg: its contacts (k,), swing times (k,), footprints (k, 2) and headings (k,)."""
        count = contact.size
        toe_off = contact - swing
        rom = leg.rom * (1.0 - leg.style.fatigue_rom) ** np.arange(count) * leg.jitter(count)
        rom *= 1.0 if self.running else np.clip(0.45 + 0.44 * self.speed_mps, 0.4, 1.1)
        pattern = self.pattern(leg.style.placement)
        end = turn_segment(leg, pattern, toe_off, contact, rom)
        previous = np.vstack((leg.ankle_m, prints[:-1]))
        moved = prints - previous
        heading_before = np.concatenate(([leg.heading_rad], heading[:-1]))

        rise = 0.30 * swing  # the heel leaves the ground this long before the toe
        begin, span = toe_off - rise, rise + swing
        for share in (0.0, 0.2, 0.4):
            for channel, row in (("x", 0), ("y", 1)):
                leg.pulse(channel, begin + share * span, begin + (share + 0.6) * span, moved[:, row] / 3.0)  # type: ignore[arg-type]  # literal
        lift = (0.16 if self.running else 0.07) * rom
        leg.pulse("z", begin, toe_off + (0.8 if self.running else 0.7) * swing, lift, BUMP)
        leg.pulse("z", toe_off + 0.3 * swing, contact, 0.3 * lift, BUMP)

        outwards = 0.025 * rom + np.where(np.arange(count) >= leg.style.lateral_from, leg.style.lateral_m, 0.0)
        sideways = (leg.outward * outwards)[:, None] * _left(0.5 * (heading + heading_before))
        for channel, row in (("x", 0), ("y", 1)):
            leg.pulse(channel, toe_off - 0.1 * swing, contact, sideways[:, row], BUMP)  # type: ignore[arg-type]  # literal
        leg.pulse("yaw", toe_off, contact - 0.1 * swing, heading - heading_before)
        leg.pulse("yaw", toe_off - 0.3 * swing, toe_off + 0.8 * swing, -leg.outward * np.deg2rad(1.0) * rom, BUMP)
        leg.pulse("roll", toe_off - 0.2 * swing, contact, leg.outward * np.deg2rad(1.5) * rom, BUMP)
        self._impact(leg, contact, heading, rom)

        leg.planned += _planned(self, contact, toe_off, np.hypot(*moved.T), np.abs(heading - heading_before))
        leg.ankle_m, leg.heading_rad = prints[-1], float(heading[-1])
        return end

    def _impact(self, leg: Leg, contact: Floats, heading: Floats, rom: Floats) -> None:
        """Add the shock of the heel: a short burst that decays, down and back first, a little sideways."""
        size = 1e-3 * self.impact_mm * (1.8 if self.running else min(self.speed_mps / 1.25, 1.4)) * rom
        along = 0.5 * _direction(heading) - 0.4 * leg.outward * _left(heading)
        for lag, width, gain in ((0.0, 0.030, -1.0), (0.018, 0.040, 0.5), (0.045, 0.050, -0.25)):
            begin = contact + lag
            leg.pulse("z", begin, begin + width, gain * size, BUMP)
            leg.pulse("x", begin, begin + width, gain * size * along[:, 0], BUMP)
            leg.pulse("y", begin, begin + width, gain * size * along[:, 1], BUMP)


def turn_segment(leg: Leg, pattern: Pattern, toe_off: Floats, contact: Floats, rom: Floats) -> float:
    """Add the pitch of consecutive strides, from standing upright to standing upright; return when it is upright."""
    swing = contact - toe_off
    before = np.deg2rad(pattern.stance_deg) * rom
    before[0] = 0.0
    after = np.append(before[1:], 0.0)
    back = -np.deg2rad(pattern.contact_deg) * rom
    loading = np.deg2rad(pattern.loading_deg) * rom
    top = np.deg2rad(pattern.swing_deg) * rom
    push = toe_off - pattern.push_lead_s
    half = 0.5 * pattern.push_width * swing
    leg.pulse("pitch", push - half, push + half, top - before)
    leg.pulse("pitch", toe_off + pattern.swing_start * swing, toe_off + pattern.swing_end * swing, back - top)
    shock = contact + pattern.loading_lag_s
    leg.pulse("pitch", shock - 0.5 * pattern.loading_s, shock + 0.5 * pattern.loading_s, loading)
    settled = np.append(toe_off[1:], contact[-1] + 0.6)
    leg.pulse("pitch", contact, settled, after - back - loading)
    return float(settled[-1])


def _planned(gait: Gait, contact: Floats, toe_off: Floats, length: Floats, turned: Floats) -> list[Planned]:
    """Return the strides as planned."""
    return [
        Planned(
            kind="stride",
            movement="run" if gait.running else "walk",
            start_s=float(contact[k - 1] if k else toe_off[0]),
            end_s=float(contact[k]),
            toe_off_s=float(toe_off[k]),
            stride_length_m=float(length[k]),
            first=k == 0,
            turn=bool(turned[k] > _TURNING_RAD),
        )
        for k in range(contact.size)
    ]


def _direction(heading: Floats) -> Floats:
    """Return unit vectors ahead, (k, 2)."""
    return np.stack((np.cos(heading), np.sin(heading)), axis=-1)


def _left(heading: Floats | float) -> Floats:
    """Return unit vectors to the left, (..., 2)."""
    return np.stack((-np.sin(heading), np.cos(heading)), axis=-1)
