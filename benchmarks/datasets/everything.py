"""Every recording and every scenario by one name, for what is measured on all of them alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.simulators.scenarios import SCENARIOS
from ankled.simulators.simulation import simulate
from benchmarks.datasets import gaitmap, ipol, leg_raises
from benchmarks.datasets.common import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

WALK, RAISES, FEET, SCENARIO = "ipol ", "leg raises ", "gaitmap ", "scenario "


def names() -> list[str]:
    """Return the names of all recordings and scenarios: a prefix that says which kind, and a name."""
    return [
        *(f"{WALK}{name}" for name in ipol.walk_names()),
        *(f"{RAISES}{name}" for name in leg_raises.session_names()),
        *(f"{FEET}{each.name}" for each in gaitmap.load_passes()),
        *(f"{SCENARIO}{name}" for name in SCENARIOS),
    ]


def legs_of(name: str) -> Mapping[str, Recording]:
    """Return what the sensors of a recording or scenario measured, by side; a single leg is the left one."""
    if name.startswith(WALK):
        return {side: foot.data for side, foot in ipol.load_walk(name.removeprefix(WALK)).feet.items()}
    if name.startswith(RAISES):
        return {"left": leg_raises.load_session(name.removeprefix(RAISES)).data}
    if name.startswith(FEET):
        return next(each.feet for each in gaitmap.load_passes() if name == f"{FEET}{each.name}")
    legs = simulate(name.removeprefix(SCENARIO)).legs
    return {side: Recording(leg.time_s, leg.acc, leg.gyr) for side, leg in legs.items()}
