"""Alerts: silent on healthy recordings, raised within a few repetitions where a scenario gives a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ankled.daemon.records import Alert, AlertKind, Rep
from ankled.daemon.settings import DeviceSettings, Mount
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.scenarios import SCENARIOS
from ankled.simulators.simulation import simulate
from benchmarks.datasets import everything, leg_raises
from benchmarks.datasets.common import Recording
from benchmarks.report import Figure, Section
from benchmarks.running import records_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ankled.daemon.records import Record

NAME = "alerts"
tasks = everything.names
SEEDS: Final = range(4)
EXPECTED: Final[dict[str, AlertKind]] = {
    "lateral_disturbance": "compensating_movement",
    "fatigue": "fatigue",
    "asymmetry": "asymmetry",
    "slip": "slip",
}
TIRING: Final = "demo"
"""Its six repetitions tire by some 25 %: an alert at the last of them is right, and so is none."""
_ATHLETE: Final = "wearer"

NOTES = (
    (
        "Scenarios: 4 seeds, mount known and found, sensor errors of the class of consumer sensors. Told: of the legs "
        "(asymmetry: pairs of legs) with a reason. Repetitions: from the first one with a reason to the one that "
        "raised the alert, itself included."
    ),
    (
        "False: every alert of the healthy recordings, and in the scenarios every alert without a reason. A patient "
        "with multiple sclerosis and stairs count among the healthy: they gave no reason that they did not begin with."
    ),
    (
        "Leg exercises: the exercise is named, so that a set compares with those before it. Low range is expected of "
        "each set that was done low, and nothing else; velocity that falls within a fast or a low set is counted apart."
    ),
)


@dataclass(frozen=True, slots=True)
class AlertScore:
    """One recording or scenario: how many alerts were due, after how many repetitions they came, and all others."""

    name: str
    due: int
    after: tuple[int, ...]
    others: tuple[str, ...]
    tired: int = 0


def measure(task: str) -> AlertScore:
    """Run and score one recording, or one scenario with all seeds."""
    if task.startswith(everything.SCENARIO):
        return _scenario(task)
    if task.startswith(everything.RAISES):
        return _exercise(task)
    return AlertScore(task, 0, (), tuple(map(_shown, _alerts(_both(everything.legs_of(task))))))


def _both(legs: Mapping[str, Recording], mounts: Mapping[str, Mount] | None = None) -> list[Record]:
    """Return the records of both legs of one wearer."""
    devices = [
        DeviceSettings(
            slug=side, side="left" if side == "left" else "right", athlete=_ATHLETE, mount=(mounts or {}).get(side)
        )
        for side in legs
    ]
    return records_of(devices, legs)


def _alerts(records: Sequence[Record]) -> list[Alert]:
    return [record for record in records if isinstance(record, Alert)]


def _shown(alert: Alert) -> str:
    return f"{alert.alert}: {alert.message}"


def _scenario(task: str) -> AlertScore:
    name = task.removeprefix(everything.SCENARIO)
    kind = EXPECTED.get(name)
    due = tired = 0
    after: list[int] = []
    others: list[str] = []
    for seed in SEEDS:
        legs = simulate(name, seed=seed, mount=MOUNTS["oblique"], with_truth=False).legs
        recordings = {str(side): Recording(leg.time_s, leg.acc, leg.gyr) for side, leg in legs.items()}
        mounts = {str(side): Mount(left=leg.mount.left, up=leg.mount.up) for side, leg in legs.items()}
        for given in (mounts, None):
            records = _both(recordings, given)
            due += 0 if kind is None else {"asymmetry": 1, "slip": len(SCENARIOS[name].slips)}.get(kind, len(legs))
            for alert in _alerts(records):
                if alert.alert == kind:
                    after.append(_after(name, alert, records))
                elif name == TIRING and alert.alert == "fatigue":
                    tired += 1
                else:
                    others.append(_shown(alert))
    return AlertScore(task, due, tuple(after), tuple(others), tired)


def _after(name: str, alert: Alert, records: Sequence[Record]) -> int:
    """Return how many repetitions of the leg, from the first with a reason on, were known when the alert came."""
    scenario = SCENARIOS[name]
    begin_s = min((slip.time_s for slip in scenario.slips), default=0.0)
    known = [
        record
        for record in records
        if isinstance(record, Rep)
        and record.device == (alert.device or "right")
        and begin_s < record.end_s
        and record.known_at_s <= alert.known_at_s
    ]
    return len(known) - scenario.style.lateral_from


def _exercise(task: str) -> AlertScore:
    """Score a session of a correct, a fast and a low set: low range once in the last, and no other alert."""
    session = leg_raises.load_session(task.removeprefix(everything.RAISES))
    device = DeviceSettings(slug="shank", side="left", exercise=session.exercise)
    records = records_of([device], {"shank": session.data})
    low = leg_raises.STYLES.index("low")
    after: list[int] = []
    others: list[str] = []
    tired = 0
    for alert in _alerts(records):
        style = session.set_of(alert.known_at_s)
        if alert.alert == "low_range" and style == low:
            reps = [record for record in records if isinstance(record, Rep) and session.set_of(record.end_s) == low]
            after.append(sum(rep.known_at_s <= alert.known_at_s for rep in reps))
        elif alert.alert == "fatigue" and style > 0:
            tired += 1
        else:
            others.append(_shown(alert))
    return AlertScore(task, 1, tuple(after), tuple(others), tired)


def _told(scores: Sequence[AlertScore], key: str, label: str, at_least: float | None) -> list[Figure]:
    """Return how many of the alerts that were due came, and how soon."""
    after = [count for score in scores for count in score.after]
    due = sum(score.due for score in scores)
    return [
        Figure(
            key=f"{key}_told_pct",
            label=f"{label}: told, of {due}",
            value=100.0 * len(after) / due,
            unit="%",
            digits=0,
            at_least=at_least,
            anchor=f"repetitions until then: median {np.median(after):.0f}, most {max(after)}" if after else "",
        ),
        Figure(
            key=f"{key}_reps_most",
            label=f"{label}: repetitions until then, most",
            value=float(max(after)) if after else float("nan"),
            fine=True,
        ),
    ]


def _false(scores: Sequence[AlertScore], key: str, label: str) -> Figure:
    """Return how many alerts came without a reason."""
    return Figure(
        key=f"{key}_false",
        label=f"false alerts: {len(scores)} {label}",
        value=float(sum(len(score.others) for score in scores)),
        digits=0,
        at_most=0.0,
    )


def summarise(scores: Sequence[AlertScore]) -> Section:
    """Return the table over all recordings and scenarios measured."""
    scenarios, raises, walks, feet = (
        [score for score in scores if score.name.startswith(prefix)]
        for prefix in (everything.SCENARIO, everything.RAISES, everything.WALK, everything.FEET)
    )
    figures: list[Figure] = []
    for score in scenarios:
        if score.due:
            name = score.name.removeprefix(everything.SCENARIO)
            figures += _told([score], name, f"{name}: {EXPECTED[name]}", 100.0)
    if raises:
        figures += _told(raises, "low_sets", "leg_raises_pt, low sets: low_range", None)
    figures += [
        _false(members, key, label)
        for members, key, label in (
            (walks, "walks", "gait_feet_ipol, walks"),
            (feet, "feet", "gait_feet_gaitmap, recordings"),
            (raises, "raises", "leg_raises_pt, sessions"),
            (scenarios, "scenarios", "scenarios"),
        )
        if members
    ]
    figures.append(
        Figure(
            key="tired",
            label="fatigue told where velocity fell unasked (demo; fast and low sets)",
            value=float(sum(score.tired for score in scores)),
            digits=0,
        )
    )
    return Section(
        name=NAME,
        title="alerts: told where there is a reason, silent where there is none",
        figures=figures,
        notes=NOTES,
        details=[f"{score.name}: {text}" for score in scores for text in score.others],
    )
