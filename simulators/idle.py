"""What is no exercise: standing still on two legs or on one, and fidgeting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.simulators.smooth import BUMP

if TYPE_CHECKING:
    from ankled.simulators.limb import Channel
    from ankled.simulators.wearer import Leg

_KNEE_M = 0.44
_LIFT_RAD = np.deg2rad(75.0)
_LIFT_S = 1.0
_BETWEEN_S = 5.0
"""How a leg is held up: from the knee, how far, how fast; and both feet on the ground in between."""
_SWAY_HZ = np.geomspace(0.2, 2.0, 6)
"""Paces of sway."""
_SWAY_SHARES: dict[Channel, float] = {"pitch": 1.0, "roll": 0.8, "yaw": 0.3}
"""How far it goes in each direction."""


class Stand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing for `duration_s`, but the tremor of the wearer's style."""

    duration_s: float

    def perform(self, legs: tuple[Leg, Leg], start_s: float) -> float:
        """Add nothing; return the end."""
        del legs
        return start_s + self.duration_s


class Balance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Standing on one leg for `duration_s`, first on the left, then on the right, the other lower leg held up behind.

    The leg stood upon sways about the ankle by `sway_deg` of standard deviation, antero-posterior and, a little less,
    medio-lateral. `Leg.stands` says when each leg stood alone.
    """

    duration_s: float
    sway_deg: float = 1.0

    def perform(self, legs: tuple[Leg, Leg], start_s: float) -> float:
        """Add lifting, sway and putting down to both legs and return the end."""
        for leg, other in (legs, legs[::-1]):
            up_s = start_s + _LIFT_S
            down_s = up_s + self.duration_s
            other.limb.joint_height_m = max(other.limb.joint_height_m, _KNEE_M)
            other.pulse("joint_pitch", start_s, up_s, _LIFT_RAD)
            other.pulse("joint_pitch", down_s, down_s + _LIFT_S, -_LIFT_RAD)
            for channel, share in _SWAY_SHARES.items():
                for either in (leg, other):
                    _sway(either, channel, np.deg2rad(share * self.sway_deg), start_s, down_s + _LIFT_S)
            leg.stands.append((up_s, down_s))
            start_s = down_s + _LIFT_S + _BETWEEN_S
        return start_s


def _sway(leg: Leg, channel: Channel, size: float, start_s: float, end_s: float) -> None:
    """Let an angle wander at random about where it was, with a standard deviation of about `size`, slower ways wider.

    At each of several paces it goes, step by step, from one chance place to the next, and home in the end.
    """
    share = 1.0 / _SWAY_HZ
    for hz, part in zip(_SWAY_HZ, share / np.linalg.norm(share), strict=True):
        count = max(2, round(2.0 * hz * (end_s - start_s)))
        border = np.linspace(start_s, end_s, count + 1)
        place = np.concatenate(([0.0], leg.rng.standard_normal(count - 1), [0.0]))
        leg.pulse(channel, border[:-1], border[1:], size * part * np.diff(place))


class Fidget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weight shifted, feet turned on the spot, heels lifted, at random for `duration_s`: none of it a repetition."""

    duration_s: float

    def perform(self, legs: tuple[Leg, Leg], start_s: float) -> float:
        """Add the movements to both legs and return the end."""
        for leg in legs:
            count = max(1, int(self.duration_s / 1.8))
            slot = self.duration_s / count
            begin = start_s + slot * (np.arange(count) + leg.rng.uniform(0.0, 0.3, count))
            end = begin + leg.rng.uniform(0.5, 0.7 * slot, count)
            lean = np.deg2rad(leg.rng.uniform(-6.0, 8.0, count))
            leg.pulse("pitch", begin, end, lean, BUMP)
            leg.pulse("roll", begin, end, np.deg2rad(leg.rng.uniform(-4.0, 4.0, count)), BUMP)
            pivots = leg.rng.random(count) < 0.4  # noqa: PLR2004  (two moves in five are a turn of the foot)
            heading = np.deg2rad(leg.rng.uniform(-40.0, 40.0, count)) * pivots
            turned = np.diff(np.concatenate(([0.0], np.where(pivots, heading, 0.0))))
            leg.pulse("yaw", begin, end, turned)
            place = leg.rng.uniform(-0.03, 0.03, (count, 2)) * pivots[:, None]
            moved = np.diff(np.vstack((np.zeros((1, 2)), place)), axis=0)
            leg.pulse("x", begin, end, moved[:, 0])
            leg.pulse("y", begin, end, moved[:, 1])
            leg.pulse("z", begin, end, leg.rng.uniform(0.0, 0.02, count), BUMP)
        return start_s + self.duration_s
