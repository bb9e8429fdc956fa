"""What feet do beside walking: steps that turn the wearer, pivots on the ground, shuffling on the spot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import ring
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Stand
from ankled.simulators.scenarios import Scenario
from ankled.simulators.simulation import simulate
from ankled.simulators.smooth import BUMP
from ankled.simulators.wearer import Style
from tests.kernels import chains

if TYPE_CHECKING:
    from ankled.simulators.wearer import Leg


@dataclass
class Footwork:
    """`count` movements a leg, in turn, left first: each turns the foot and sets it down elsewhere.

    `impact_mm` is the size of the shock that ends one, 0 for a foot that never left the ground; the foot comes back to
    its place with the next movement if it goes `to_and_fro`. `done_s` lists when they ended, by side.
    """

    count: int
    turn_deg: float = 0.0
    length_m: float = 0.0
    lift_m: float = 0.0
    impact_mm: float = 0.0
    to_and_fro: bool = False
    lead_s: float = 0.5
    period_s: float = 1.1
    move_s: float = 0.45
    done_s: dict[str, list[float]] = field(default_factory=dict)

    def perform(self, legs: tuple[Leg, Leg], start_s: float) -> float:
        """Add the movements to both legs and return when the last is over."""
        for index, leg in enumerate(legs):
            begin = start_s - self.lead_s + (np.arange(self.count) + 0.5 * index) * self.period_s
            end = begin + self.move_s
            sign = np.where(np.arange(self.count) % 2, -1.0, 1.0) if self.to_and_fro else np.ones(self.count)
            leg.pulse("yaw", begin, end, np.deg2rad(self.turn_deg) * sign)
            leg.pulse("x", begin, end, self.length_m * sign)
            leg.pulse("z", begin, end, self.lift_m, BUMP)
            if self.impact_mm > 0.0:  # the sole comes down on its edge and then lies flat
                leg.pulse("roll", end - 0.2, end + 0.12, np.deg2rad(8.0), BUMP)
            for lag, width, gain in ((0.0, 0.030, -1.0), (0.018, 0.040, 0.5), (0.045, 0.050, -0.25)):
                leg.pulse("z", end + lag, end + lag + width, 1e-3 * gain * self.impact_mm, BUMP)
            self.done_s[leg.side] = list(end)
        return start_s + self.count * self.period_s


def after_a_walk(work: Footwork, side: str) -> tuple[Any, chains.Stream]:
    """Return what a foot and its sensor do when eight strides are followed by `work`, then by standing."""
    activities: tuple[Any, ...] = (Stand(duration_s=2.0), Gait(speed_mps=1.2, strides=8), work, Stand(duration_s=3.0))
    scene = Scenario(name="footwork", description="footwork", activities=activities, style=Style(placement="foot"))
    leg = simulate(scene, rate_hz=100.0).legs[side]  # type: ignore[index]  # by name
    acc, gyr = np.ascontiguousarray(leg.acc), np.ascontiguousarray(leg.gyr)
    return leg, chains.Stream(leg.time_s, acc, gyr, 100.0)


def swing_rate(rows: chains.Array, left: Any) -> chains.Array:
    """Return the swing rate of every row about the leg's `left`, rad/s."""
    return -rows[:, ring.GYR : ring.GYR + 3] @ np.asarray(left)
