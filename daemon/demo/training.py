"""What the demonstration is about: a simulated wearer of two ankle weights, with sensors of two different makes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.config import Config
from ankled.daemon.config.schema import DeviceConfig
from ankled.daemon.errors import UsageError
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.scenarios import ScenarioError, find

if TYPE_CHECKING:
    from ankled.simulators.radio.world import World

SCENARIO: Final = "demo"
NODE: Final = "demo"
ATHLETE: Final = "wearer"
MAKES: Final = {"left-ankle": "Movesense", "right-ankle": "OpenAnkle"}
"""Who made the sensor that is worn there; the simulated device and its driver bear the same name in small letters."""
SKEW_PPM: Final = 20.0
LONGEST_S: Final = 55.0
"""What is longer is cut, so that everything ends within a minute of the first sample."""


class Training:
    """A simulated session: the devices on the air, and the configuration of a daemon that connects to them.

    The sensors sit askew on the legs and nobody is told how: the pipeline has to find the legs' axes from walking.
    """

    def __init__(self, *, seed: int) -> None:
        """Put the devices together. Raises UsageError for a seed that cannot be used."""
        try:
            # Imported here: the radio of software is an extra, and takes a moment.
            from ankled.simulators.radio.outfit import parse_sensor, worn  # noqa: PLC0415  (see above)
        except ModuleNotFoundError as error:
            message = f"the demonstration needs the package {error.name}, which comes with ankled[radio]"
            raise UsageError(message) from error
        if seed < 0:
            message = f"--seed: {seed} is no seed; allowed is a whole number from 0 on"
            raise UsageError(message)
        self._scenario = find(SCENARIO)
        try:
            self.world: World = worn(
                self._scenario,
                [parse_sensor(f"{label}={make.lower()}") for label, make in MAKES.items()],
                seed=seed,
                mount=MOUNTS["oblique"],
                skew_ppm=SKEW_PPM,
            )
        except ScenarioError as error:
            message = f"--seed: {error}"
            raise UsageError(message) from error
        stage = self.world.stage
        self.duration_s = LONGEST_S if stage is None else min(stage.duration_s, LONGEST_S)
        self._begins_s: float | None = None
        self.description = self._scenario.description

    @property
    def time_s(self) -> float | None:
        """How far the scenario has come; None until all sensors stream."""
        if self._begins_s is None:
            return None
        return min(max(self.world.now_s - self._begins_s, 0.0), self.duration_s)

    async def over(self, connect_s: float) -> None:
        """Wait for the end of the scenario. Raises TimeoutError if it has not begun after `connect_s`."""
        async with asyncio.timeout(connect_s):
            self._begins_s = await self.world.begun()
        await asyncio.sleep(self._begins_s + self.duration_s - self.world.now_s)

    def config(self) -> Config:
        """Return what a daemon is told of these devices: where they are worn, by whom, and what they weigh."""
        return Config(
            node=NODE,
            devices=tuple(
                DeviceConfig(
                    slug=label,
                    address=self.world.address(label),
                    side="left" if label.startswith("left") else "right",
                    athlete=ATHLETE,
                    mass_kg=self._scenario.mass_kg,
                    exercise="leg_raise",
                )
                for label in self.world.labels
            ),
        )


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `bridge/info` while the demonstration runs: nobody should take its figures for a person's."""

    version: str
    session: str
    simulated: bool = True
    description: str
