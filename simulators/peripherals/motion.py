"""Motion: what one leg does, as the exact readings of a sensor on it at any moment of the radio's time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ankled.simulators.simulation import perform
from ankled.simulators.worn import WornSensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.simulators.mounts import Mount
    from ankled.simulators.scenarios import Scenario
    from ankled.simulators.smooth import Floats
    from ankled.simulators.wearer import Side


AHEAD_S: Final = 0.25
"""How far ahead boards may work out their readings: a scenario begins no sooner than that."""


class Stage:
    """What all sensors of one wearer share: the moment at which the scenario begins.

    Before it begins the wearer stands as at its first moment. With `repeat` the scenario begins again at its end,
    without it the wearer stays as at its last moment.
    """

    def __init__(self, duration_s: float, *, repeat: bool = False) -> None:
        self.duration_s = duration_s
        self.repeat = repeat
        self.begins_s: float | None = None

    def begin(self, now_s: float) -> None:
        """Begin half a second after `now_s`, unless it has begun."""
        if self.begins_s is None:
            self.begins_s = now_s + 2.0 * AHEAD_S

    def seconds(self, time_s: Floats) -> Floats:
        """Return scenario time for radio time."""
        if self.begins_s is None:
            return np.zeros_like(time_s)
        passed = np.maximum(time_s - self.begins_s, 0.0)
        last_s = self.duration_s - 1e-6
        return np.asarray(np.mod(passed, last_s) if self.repeat else np.minimum(passed, last_s))


class Motion:
    """One leg of a scenario."""

    def __init__(self, sensor: WornSensor, stage: Stage) -> None:
        self.sensor = sensor
        self.stage = stage

    def at(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Return exact specific force (n, 3) in m/s2 and angular rate (n, 3) in rad/s at times of the radio, s."""
        gyr, acc = self.sensor.ideal(self.stage.seconds(time_s))
        return acc, gyr


def stage(
    scenario: Scenario, *, seed: int = 0, mount: Mount | None = None, repeat: bool = False
) -> tuple[Stage, Mapping[Side, Motion]]:
    """Return both legs of a scenario, and the stage they share. The motion is that of `simulate`, same seed."""
    legs, duration_s = perform(scenario, seed, None)
    shared = Stage(duration_s, repeat=repeat)
    motions: dict[Side, Motion] = {}
    for leg in legs:
        leg.limb.merge()
        slips = tuple(slip for slip in scenario.slips if slip.side == leg.side)
        motions[leg.side] = Motion(WornSensor(leg.limb, mount or scenario.mount, slips), shared)
    return shared, motions
