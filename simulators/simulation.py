"""simulate(): a scenario becomes what the sensors on both legs record, with the truth beside it."""

from __future__ import annotations

import itertools
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.simulators.gait import Gait
from ankled.simulators.idle import Stand
from ankled.simulators.imu import PRESETS, ImuErrors
from ankled.simulators.scenarios import Scenario, ScenarioError, Slip, check, find
from ankled.simulators.truth import Repetition, measure
from ankled.simulators.wearer import SIDES, Activity, Leg, Side
from ankled.simulators.worn import WornSensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.simulators.limb import Limb
    from ankled.simulators.mounts import Mount
    from ankled.simulators.smooth import Floats

RATES_HZ = (10.0, 2000.0)
"""The lowest and the highest sampling rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRecording:
    """What the sensor of one leg recorded, and the truth.

    `time_s` (n,) is the sensor's own time; truth counts true time. `acc` (n, 3) in m/s2 and `gyr` (n, 3) in rad/s are
    in the sensor's frame. `mount_after` is the mount after the last slip. `dropped` counts the rows that were lost,
    and `stands` says when this leg stood alone.
    """

    side: Side
    time_s: Floats
    acc: Floats
    gyr: Floats
    mount: Mount
    mount_after: Mount
    mass_kg: float
    truth: list[Repetition]
    stands: tuple[tuple[float, float], ...]
    slips: tuple[Slip, ...]
    dropped: int
    limb: Limb = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Both legs of one simulated recording."""

    scenario: Scenario
    seed: int
    rate_hz: float
    duration_s: float
    legs: dict[Side, LegRecording]


def simulate(  # noqa: PLR0913  (every argument is one independent wish, all but the first by keyword)
    scenario: str | Scenario,
    *,
    rate_hz: float | None = None,
    seed: int = 0,
    imu: str | ImuErrors = "consumer",
    mount: Mount | None = None,
    mass_kg: float | None = None,
    duration_s: float | None = None,
    with_truth: bool = True,
) -> Simulation:
    """Simulate a scenario, given or by name.

    `duration_s` cuts the recording or makes it longer: gait goes on walking, everything else begins again. The same
    arguments give the same numbers. Without `with_truth` the (slower) truth lists stay empty. Raises ScenarioError.
    """
    chosen = find(scenario) if isinstance(scenario, str) else scenario
    rate = chosen.rate_hz if rate_hz is None else rate_hz
    if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
        msg = f"rate {rate:g} Hz: a sampling rate lies between {RATES_HZ[0]:g} and {RATES_HZ[1]:g} Hz"
        raise ScenarioError(msg)
    if duration_s is not None and not 0.0 < duration_s < float("inf"):
        msg = f"duration {duration_s:g} s: a duration is a positive number of seconds"
        raise ScenarioError(msg)
    if seed < 0:
        msg = f"seed {seed}: a seed is a whole number from 0 on"
        raise ScenarioError(msg)
    check(chosen)
    errors = _errors(imu)
    legs, natural_s = perform(chosen, seed, duration_s)
    duration = natural_s if duration_s is None else duration_s
    mass = chosen.mass_kg if mass_kg is None else mass_kg
    recordings: dict[Side, LegRecording] = {}
    for leg in legs:
        leg.limb.merge()
        sensor = WornSensor(leg.limb, mount or chosen.mount, tuple(s for s in chosen.slips if s.side == leg.side))
        truth = measure(leg, mass_kg=mass, rate_hz=rate, until_s=duration) if with_truth else []
        rows = sensor.record(duration, rate, errors, _generator(seed, f"imu {leg.side}"))
        recordings[leg.side] = LegRecording(
            side=leg.side,
            time_s=rows.time_s,
            acc=rows.acc,
            gyr=rows.gyr,
            mount=sensor.mount,
            mount_after=sensor.mount_after(),
            mass_kg=mass,
            truth=truth,
            stands=tuple(one for one in leg.stands if one[1] <= duration),
            slips=sensor.slips,
            dropped=rows.dropped,
            limb=leg.limb,
        )
    return Simulation(scenario=chosen, seed=seed, rate_hz=rate, duration_s=duration, legs=recordings)


def _errors(imu: str | ImuErrors) -> ImuErrors:
    """Return the sensor errors, given or by the name of a preset."""
    if isinstance(imu, ImuErrors):
        return imu
    if imu not in PRESETS:
        msg = f"no sensor preset is called {imu!r}; there are {', '.join(PRESETS)}"
        raise ScenarioError(msg)
    return PRESETS[imu]


def _generator(seed: int, purpose: str) -> np.random.Generator:
    """Return the random generator for one purpose: changing one does not shift another."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def perform(scenario: Scenario, seed: int, duration_s: float | None) -> tuple[tuple[Leg, Leg], float]:
    """Let both legs do the activities, over and over until `duration_s`; return them and when they end."""
    left, right = (Leg(side, scenario.style, _generator(seed, f"motion {side}")) for side in SIDES)
    legs = (left, right)
    for leg in legs:
        leg.tremor(scenario.style.tremor_deg)
    time_s = 0.0
    for activity in _activities(scenario, duration_s):
        time_s = activity.perform(legs, time_s)
        if duration_s is not None and time_s >= duration_s:
            break
    return legs, time_s


def _activities(scenario: Scenario, duration_s: float | None) -> Iterator[Activity]:
    """Yield the activities: once, or without end if there is a duration to fill."""
    activities = scenario.activities
    if duration_s is None:
        yield from activities
        return
    moving = [one for one in activities if not isinstance(one, Stand)]
    tiring = scenario.style.fatigue_speed != 0.0 or scenario.style.fatigue_rom != 0.0
    if len(moving) == 1 and isinstance(moving[0], Gait) and not tiring:
        gait = moving[0]
        enough = int(1.3 * duration_s / gait.stride_time_s) + 10
        longer = msgspec.structs.replace(gait, strides=max(gait.strides, enough))
        activities = tuple(longer if one is gait else one for one in activities)
    yield from itertools.cycle(activities)
