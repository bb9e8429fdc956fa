"""The scenarios by name: what both legs do, and how."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from ankled.simulators.exercises import FORMS, Exercise
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Balance, Fidget, Stand
from ankled.simulators.jump import Jumps
from ankled.simulators.mounts import Mount
from ankled.simulators.reference import MASS_KG, Reference
from ankled.simulators.wearer import Side, Style

Doing: TypeAlias = Stand | Balance | Gait | Exercise | Jumps | Reference | Fidget


class ScenarioError(ValueError):
    """A scenario cannot be simulated as asked; the message is one sentence."""


class Slip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The weight turns on the leg: the sensor by `angle_deg` about an axis of the leg frame, within `duration_s`."""

    side: Side
    time_s: float
    angle_deg: float
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0)
    duration_s: float = 0.3


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is simulated. Everything but the seed, the rate and the sensor's errors."""

    name: str
    description: str
    activities: tuple[Doing, ...]
    style: Style = Style()
    slips: tuple[Slip, ...] = ()
    mount: Mount = Mount()
    mass_kg: float = 1.814
    rate_hz: float = 100.0


def _scenario(
    name: str, description: str, *activities: Doing, style: Style | None = None, slips: tuple[Slip, ...] = ()
) -> Scenario:
    """Return a scenario that stands still for two seconds before and after."""
    quiet = Stand(duration_s=2.0)
    return Scenario(
        name=name,
        description=description,
        activities=(quiet, *activities, quiet),
        style=style or Style(),
        slips=slips,
        mass_kg=MASS_KG,
    )


_EXERCISE = Style(tremor_deg=0.15)

_ALL = (
    _scenario("walk", "walking at 1.25 m/s, 20 strides a leg", Gait(speed_mps=1.25, strides=20)),
    _scenario("walk_slow", "a slow walk at 0.4 m/s, 15 strides a leg", Gait(speed_mps=0.4, strides=15)),
    _scenario("walk_fast", "brisk walking at 1.9 m/s, 25 strides a leg", Gait(speed_mps=1.9, strides=25)),
    _scenario(
        "walk_turn", "walking at 1.2 m/s with U-turns, 26 strides a leg", Gait(speed_mps=1.2, strides=26, turn_every=7)
    ),
    _scenario("run", "running at 9 km/h, 30 strides a leg", Gait(speed_mps=2.5, strides=30, running=True)),
    _scenario("run_fast", "running at 12 km/h, 40 strides a leg", Gait(speed_mps=12.0 / 3.6, strides=40, running=True)),
    _scenario("squat", "10 squats", Exercise(name="squat", reps=10), style=_EXERCISE),
    _scenario(
        "knee_extension", "10 seated knee extensions a leg", Exercise(name="knee_extension", reps=10), style=_EXERCISE
    ),
    _scenario(
        "straight_leg_raise",
        "10 straight leg raises a leg, lying on the back",
        Exercise(name="straight_leg_raise", reps=10),
        style=_EXERCISE,
    ),
    _scenario(
        "hip_abduction",
        "10 side-lying hip abductions a leg, each leg as the upper one",
        Exercise(name="hip_abduction", reps=10),
        style=_EXERCISE,
    ),
    _scenario(
        "hamstring_curl", "10 standing hamstring curls a leg", Exercise(name="hamstring_curl", reps=10), style=_EXERCISE
    ),
    _scenario("leg_raise", "10 standing leg raises a leg", Exercise(name="leg_raise", reps=10), style=_EXERCISE),
    _scenario("jump", "8 jumps of 25 cm", Jumps(reps=8), style=_EXERCISE),
    _scenario(
        "reference",
        "the reference case: 4.0 lb on 26 inch strides, 9.34 N inward at mid-swing, 10 strides a leg",
        Reference(strides=10),
        style=Style(jitter=0.0),
    ),
    _scenario(
        "demo",
        "12 strides a leg, then 6 standing leg raises a leg, which tire; the right leg is weaker",
        Gait(speed_mps=1.2, strides=12),
        Stand(duration_s=2.0),
        Exercise(name="leg_raise", reps=6, fatigue_rom=0.02, fatigue_speed=0.05),
        style=Style(tremor_deg=0.1, rom_right=0.9, time_right=1.02),
    ),
    _scenario(
        "lateral_disturbance",
        "12 straight leg raises a leg that swing sideways from the 8th on",
        Exercise(name="straight_leg_raise", reps=12),
        style=Style(tremor_deg=0.15, lateral_m=0.06, lateral_from=7),
    ),
    _scenario(
        "slip",
        "walking, 40 strides a leg; the left weight turns by 40 deg on the leg after 24 s",
        Gait(speed_mps=1.25, strides=40),
        slips=(Slip(side="left", time_s=24.0, angle_deg=40.0),),
    ),
    _scenario(
        "fatigue",
        "15 seated knee extensions a leg that grow slower by 4 % and smaller by 1.5 % each",
        Exercise(name="knee_extension", reps=15),
        style=Style(tremor_deg=0.15, fatigue_speed=0.04, fatigue_rom=0.015),
    ),
    _scenario(
        "asymmetry",
        "10 seated knee extensions a leg, the right 20 % smaller and 10 % slower",
        Exercise(name="knee_extension", reps=10),
        style=Style(tremor_deg=0.15, rom_right=0.8, time_right=1.1),
    ),
    _scenario("stand", "quiet standing for 40 s", Stand(duration_s=36.0), style=Style(tremor_deg=0.3)),
    _scenario(
        "balance",
        "standing on one leg for 30 s, on the left and on the right",
        Balance(duration_s=30.0),
        style=_EXERCISE,
    ),
    _scenario(
        "walk_balance",
        "12 strides a leg, then standing on one leg for 30 s, on the left and on the right",
        Gait(speed_mps=1.2, strides=12),
        Stand(duration_s=2.0),
        Balance(duration_s=30.0),
        style=_EXERCISE,
    ),
    _scenario(
        "fidget", "small movements and turns of the feet for 40 s", Fidget(duration_s=36.0), style=Style(tremor_deg=0.3)
    ),
)

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
"""Every scenario by name."""


def check(scenario: Scenario) -> None:
    """Raise ScenarioError for a scenario that cannot be performed."""
    postures = set()
    for activity in scenario.activities:
        if isinstance(activity, Exercise):
            if activity.name not in FORMS:
                msg = f"no exercise is called {activity.name!r}; there are {', '.join(FORMS)}"
                raise ScenarioError(msg)
            postures.add(FORMS[activity.name].posture)
        elif not isinstance(activity, Stand):
            postures.add("upright")
        for count in ("strides", "reps"):
            if getattr(activity, count, 1) < 1:
                msg = f"scenario {scenario.name}: {count} is {getattr(activity, count)}, at least 1 is needed"
                raise ScenarioError(msg)
    if len(postures) > 1:
        msg = (
            f"scenario {scenario.name} mixes the postures {', '.join(sorted(postures))}; one recording has one posture"
        )
        raise ScenarioError(msg)


def find(name: str) -> Scenario:
    """Return the scenario called `name`; ScenarioError lists the names there are."""
    try:
        return SCENARIOS[name]
    except KeyError:
        known = ", ".join(SCENARIOS)
        msg = f"no scenario is called {name!r}; there are {known}"
        raise ScenarioError(msg) from None
