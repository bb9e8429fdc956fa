"""Exercises: repetitions of lift, hold, lower and rest about one joint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from ankled.simulators.smooth import BUMP, Floats
from ankled.simulators.wearer import Leg, Planned

if TYPE_CHECKING:
    from ankled.simulators.limb import Channel

UPRIGHT = np.eye(3)
SUPINE = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""Lying on the back: the anterior axis points up, the proximal one along -x of the earth."""
LEFT_UPPERMOST = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""Lying on the right side: the left leg's y points up."""
RIGHT_UPPERMOST = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Lying on the left side: the right leg's y points down."""


@dataclass(frozen=True, slots=True)
class Form:
    """One exercise: which angle goes how far, about a joint how high above the ankle, and how long each phase takes.

    `angle_deg` is pitch (forward lean positive), or roll counted outward. `concentric` says which half raises the
    weight or, in a squat, the body. `together`: both legs at once, else in turn.
    """

    channel: Channel
    angle_deg: float
    posture: Literal["upright", "supine", "side"]
    joint_height_m: float
    lift_s: float
    hold_s: float
    lower_s: float
    rest_s: float
    concentric: Literal["lift", "lower"] = "lift"
    together: bool = False


FORMS: dict[str, Form] = {
    "squat": Form("pitch", 30.0, "upright", 0.0, 1.2, 0.3, 1.0, 1.2, concentric="lower", together=True),
    "knee_extension": Form("joint_pitch", -80.0, "upright", 0.44, 1.0, 0.8, 1.2, 0.7),
    "straight_leg_raise": Form("joint_pitch", -60.0, "supine", 0.88, 1.2, 1.0, 1.4, 0.7),
    "hip_abduction": Form("joint_roll", 35.0, "side", 0.88, 1.1, 0.8, 1.3, 0.7),
    "hamstring_curl": Form("joint_pitch", 90.0, "upright", 0.44, 0.9, 0.4, 1.2, 0.7),
    "leg_raise": Form("joint_pitch", -45.0, "upright", 0.88, 0.8, 0.3, 0.9, 0.4),
}
"""Every exercise by name; `leg_raise` is the straight leg raised forward while standing."""


class Exercise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reps` repetitions a leg of the exercise `name`. Unless both legs go together, they take turns, left first.

    Lying abduction is recorded with each leg as the upper one. `fatigue_rom` and `fatigue_speed` are the fractions lost
    per repetition of this exercise, beside those that the style takes from every activity.
    """

    name: str
    reps: int
    fatigue_rom: float = 0.0
    fatigue_speed: float = 0.0

    def perform(self, legs: tuple[Leg, Leg], start_s: float) -> float:
        """Add the repetitions to both legs and return when the last is over."""
        form = FORMS[self.name]
        for leg in legs:
            self._take_posture(leg, form)
        phases = [_phases(leg, form, self.reps, self.fatigue_speed) for leg in legs]
        active = [p[:, :3].sum(axis=1) for p in phases]
        start = np.empty((2, self.reps))
        if form.together:
            period = np.maximum(active[0], active[1]) + form.rest_s
            start[:] = start_s + np.concatenate(([0.0], np.cumsum(period[:-1])))
        else:
            period = active[0] + active[1] + 2.0 * form.rest_s
            start[0] = start_s + np.concatenate(([0.0], np.cumsum(period[:-1])))
            start[1] = start[0] + active[0] + form.rest_s
        for index, leg in enumerate(legs):
            self._repeat(leg, form, start[index], phases[index])
        return float(max(start[0, -1] + active[0][-1], start[1, -1] + active[1][-1]))

    def _take_posture(self, leg: Leg, form: Form) -> None:
        side = LEFT_UPPERMOST if leg.side == "left" else RIGHT_UPPERMOST
        leg.limb.base[:] = {"upright": UPRIGHT, "supine": SUPINE, "side": side}[form.posture]
        leg.limb.joint_height_m = max(leg.limb.joint_height_m, form.joint_height_m)

    def _repeat(self, leg: Leg, form: Form, start: Floats, phases: Floats) -> None:
        """Add repetitions that begin at `start` (k,) with lift, hold and lower times `phases` (k, 3)."""
        count = start.size
        sign = leg.outward if form.channel == "joint_roll" else 1.0
        tired = ((1.0 - leg.style.fatigue_rom) * (1.0 - self.fatigue_rom)) ** np.arange(count)
        size = sign * np.deg2rad(form.angle_deg) * leg.rom * tired * leg.jitter(count)
        rest = np.deg2rad(leg.style.rest_jitter_deg) * np.clip(leg.rng.standard_normal(count), -2.0, 2.0)
        rest *= leg.style.jitter > 0.0
        lifted, lowering = start + phases[:, 0], start + phases[:, 0] + phases[:, 1]
        end = lowering + phases[:, 2]
        # Two steps of different length: a lift starts faster than it ends, so its force has one clear peak.
        raised = 0.5 * (size - np.concatenate(([0.0], rest[:-1])))
        leg.pulse(form.channel, start, lifted, raised)
        leg.pulse(form.channel, start, start + 0.7 * phases[:, 0], raised)
        leg.pulse(form.channel, lowering, end, rest - size)
        self._sideways(leg, form, start, end)
        lift = [(float(a), float(b)) for a, b in zip(start, lifted, strict=True)]
        lower = [(float(a), float(b)) for a, b in zip(lowering, end, strict=True)]
        if form.concentric == "lower":
            lift, lower = lower, lift
        leg.planned += [
            Planned(
                kind="rep",
                movement=self.name,
                start_s=float(start[k]),
                end_s=float(end[k]),
                axis="x" if form.channel == "joint_roll" else "y",
                concentric_s=lift[k],
                hold_s=float(phases[k, 1]),
                eccentric_s=lower[k],
            )
            for k in range(count)
        ]

    def _sideways(self, leg: Leg, form: Form, start: Floats, end: Floats) -> None:
        """Add a little motion out of the plane, and the disturbance if there is one: out, in and out again."""
        count = start.size
        usual = 0.02 * leg.jitter(count)
        size = usual + np.where(np.arange(count) >= leg.style.lateral_from, leg.style.lateral_m, 0.0)
        channel: Channel = "y"
        arm = form.joint_height_m - leg.limb.sensor_height_m
        if form.channel == "joint_roll":
            channel, size = "joint_pitch", size / arm
        elif form.channel == "joint_pitch":
            channel, size = "joint_roll", size * leg.outward / arm
        else:
            size = size * leg.outward
        third = (end - start) / 3.0
        for index, gain in enumerate((1.0, -0.3, 0.2)):
            leg.pulse(channel, start + index * third, start + (index + 1) * third, gain * size, BUMP)


def _phases(leg: Leg, form: Form, count: int, fatigue_speed: float) -> Floats:
    """Return lift, hold and lower times of `count` repetitions, s, shape (count, 3)."""
    base = np.array([form.lift_s, form.hold_s, form.lower_s])
    jitter = leg.jitter(3 * count).reshape(count, 3)
    slower = ((1.0 - leg.style.fatigue_speed) * (1.0 - fatigue_speed)) ** -np.arange(count)[:, None]
    times = base * jitter * leg.time
    times[:, [0, 2]] *= slower
    return times
