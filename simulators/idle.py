"""What is no exercise: standing still, and fidgeting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.simulators.smooth import BUMP

if TYPE_CHECKING:
    from ankled.simulators.wearer import Leg


class Stand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing for `duration_s`, but the tremor of the wearer's style."""

    duration_s: float

    def perform(self, legs: tuple[Leg, Leg], start_s: float) -> float:
        """Add nothing; return the end."""
        del legs
        return start_s + self.duration_s


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
