"""What the demonstration is about: a simulated pair of ankle weights, as the inputs that two sensors would give."""

from __future__ import annotations

from heapq import merge
from math import ceil
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ankled.daemon.errors import UsageError
from ankled.daemon.inputs import ClockAnchor, Config, Tick
from ankled.daemon.settings import DeviceSettings, PipelineSettings
from ankled.drivers.samples import Samples
from ankled.simulators.imu import CONSUMER
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.scenarios import ScenarioError, find
from ankled.simulators.simulation import simulate
from ankled.simulators.wearer import SIDES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.inputs import Input
    from ankled.simulators.simulation import LegRecording, Simulation

SCENARIO: Final = "demo"
NODE: Final = "demo"
ATHLETE: Final = "wearer"
LONGEST_S: Final = 55.0
"""What is longer is cut, so that everything ends within a minute of the first sample."""

_PACKET: Final = 10
_TICK_S: Final = 1.0
_NS: Final = 1_000_000_000


class Training:
    """A simulated session: who wears what, and the packets of both sensors.

    The sensors sit askew on the legs and nobody is told how: the pipeline has to find the legs' axes from walking.
    """

    def __init__(self, *, seed: int, session: str) -> None:
        """Simulate, which takes a moment. Raises UsageError for a seed that cannot be used."""
        try:
            made = simulate(SCENARIO, seed=seed, imu=CONSUMER, mount=MOUNTS["oblique"], with_truth=False)
        except ScenarioError as error:
            message = f"--seed: {error}"
            raise UsageError(message) from error
        self._made: Simulation = made
        self._session = session
        self.description = find(SCENARIO).description
        self.duration_s = min(made.duration_s, LONGEST_S)

    def settings(self, origin_ns: int) -> PipelineSettings:
        """Return the settings of a session whose times count from host time `origin_ns`."""
        legs = [self._made.legs[side] for side in SIDES]
        return PipelineSettings(
            node=NODE,
            session=self._session,
            origin_ns=origin_ns,
            devices=tuple(
                DeviceSettings(
                    slug=slug(leg),
                    side=leg.side,
                    athlete=ATHLETE,
                    mass_kg=leg.mass_kg,
                    mass_source="configured",
                    exercise="leg_raise",
                    rate_hz=self._made.rate_hz,
                    acc_range_mps2=CONSUMER.acc_range_mps2,
                    gyr_range_rad_s=CONSUMER.gyr_range_rad_s,
                )
                for leg in legs
            ),
        )

    def inputs(self, origin_ns: int, utc_ns: int) -> Iterator[Input]:
        """Yield everything up to the end, in the order of host time; the Stop is the caller's.

        `utc_ns` is the wall clock at `origin_ns`. A packet comes when its last sample has been taken.
        """
        yield Config(host_ns=origin_ns, settings=self.settings(origin_ns))
        yield ClockAnchor(host_ns=origin_ns, utc_ns=utc_ns)
        ticks: Iterator[Input] = (
            Tick(host_ns=origin_ns + round(count * _TICK_S * _NS))
            for count in range(1, ceil(self.duration_s / _TICK_S))
        )
        packets: list[Iterator[Input]] = [self._packets(leg, origin_ns) for leg in self._made.legs.values()]
        yield from merge(ticks, *packets, key=_moment)

    def _packets(self, leg: LegRecording, origin_ns: int) -> Iterator[Samples]:
        """Yield the packets of one sensor."""
        count = int(np.searchsorted(leg.time_s, self.duration_s))
        for first in range(0, count, _PACKET):
            part = slice(first, min(first + _PACKET, count))
            time_s = leg.time_s[part]
            yield Samples(
                device=slug(leg),
                host_ns=origin_ns + round(float(time_s[-1]) * _NS),
                time_s=time_s,
                acc=leg.acc[part],
                gyr=leg.gyr[part],
            )


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `bridge/info` while the demonstration runs: nobody should take its figures for a person's."""

    version: str
    session: str
    simulated: bool = True
    description: str


def slug(leg: LegRecording) -> str:
    """Return the name of the device on a leg."""
    return f"{leg.side}-ankle"


def _moment(given: Input) -> int:
    """Return when an input happened."""
    return given.host_ns
