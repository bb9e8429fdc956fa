"""Plyometric jumps: crouch, push, flight in free fall, landing, recovery. Both legs together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.polynomial import Polynomial

from ankled.simulators.limb import GRAVITY_MPS2
from ankled.simulators.smooth import BUMP
from ankled.simulators.wearer import Leg, Planned

if TYPE_CHECKING:
    from ankled.simulators.smooth import Floats, Jet

PUSH_S = 0.16
"""Duration of the push that throws the ankle up, and of the one that stops it."""
EDGE_S = 0.03
"""How long the ground's force takes to vanish at take-off and to come back at landing."""

_STEP = Polynomial([0.0, 0.0, 0.0, 0.0, 35.0, -84.0, 70.0, -20.0])
_BUMP = Polynomial([0.0, 4.0, -4.0]) ** 4
_BUMP_AREA = float(_BUMP.integ()(1.0))


@dataclass(frozen=True, slots=True)
class Flights:
    """Height of the ankle in jumps: the acceleration is -g between take-off and landing, with a push on either side.

    `middle_s` (k,) is the top of each flight, `flight_s` (k,) the time between the middles of its edges. The pushes
    mirror each other, so height and velocity are zero again after landing.
    """

    middle_s: Floats
    flight_s: Floats

    def add_to(self, time_s: Floats, jet: Jet) -> None:
        """Add height and its derivatives at `time_s` to `jet`."""
        for middle, flight in zip(self.middle_s, self.flight_s, strict=True):
            inner = 0.5 * (flight - EDGE_S)
            rows = slice(*np.searchsorted(time_s, [middle - inner - PUSH_S, middle + inner + PUSH_S]))
            t = time_s[rows] - middle
            push = GRAVITY_MPS2 * flight / (2.0 * PUSH_S * _BUMP_AREA)
            for gain, polynomial, begin, width in (
                (push, _BUMP, -inner - PUSH_S, PUSH_S),
                (-GRAVITY_MPS2, _STEP, -inner - EDGE_S, EDGE_S),
                (GRAVITY_MPS2, _STEP, inner, EDGE_S),
                (push, _BUMP, inner, PUSH_S),
            ):
                jet[:, rows] += gain * _twice_integrated(polynomial, t - begin, width)


def _twice_integrated(polynomial: Polynomial, t: Floats, width: float) -> Jet:
    """Return the jet whose second derivative is the pulse `polynomial` of t/width: 0 before, its last value after."""
    once, twice = polynomial.integ(), polynomial.integ(2)
    u = np.clip(t / width, 0.0, 1.0)
    beyond = np.maximum(t - width, 0.0)
    last = float(polynomial(1.0))
    speed = width * float(once(1.0))
    return np.stack(
        (
            width * width * twice(u) + speed * beyond + 0.5 * last * beyond * beyond,
            width * once(u) + last * beyond,
            polynomial(u),
        )
    )


class Jumps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reps` jumps with `flight_s` in the air, one every `period_s`: 0.45 s of flight is a jump of 25 cm."""

    reps: int
    flight_s: float = 0.45
    period_s: float = 3.0

    def perform(self, legs: tuple[Leg, Leg], start_s: float) -> float:
        """Add the jumps to both legs and return when the last is over."""
        leader = legs[0]
        lost = (1.0 - leader.style.fatigue_rom) ** np.arange(self.reps)
        flight = self.flight_s * lost * leader.jitter(self.reps)
        start = start_s + self.period_s * np.arange(self.reps)
        take_off = start + 0.95
        landing = take_off + flight
        end = landing + 0.9
        for leg in legs:
            leg.limb.base[:] = np.eye(3)
            crouch = np.deg2rad(28.0) * leg.rom * lost * leg.jitter(self.reps)
            leg.pulse("pitch", start, start + 0.65, crouch)
            leg.pulse("pitch", start + 0.62, take_off, -crouch)
            leg.pulse("pitch", landing, landing + 0.25, 0.9 * crouch)
            leg.pulse("pitch", landing + 0.3, end, -0.9 * crouch)
            leg.limb.add("z", Flights(0.5 * (take_off + landing), flight))
            drift = 0.01 * leg.outward * leg.jitter(self.reps)
            drift += np.where(np.arange(self.reps) >= leg.style.lateral_from, leg.outward * leg.style.lateral_m, 0.0)
            leg.pulse("y", take_off - 0.1, landing + 0.1, drift, BUMP)
            leg.pulse("z", landing, landing + 0.03, -0.002, BUMP)
            leg.planned += [
                Planned(
                    kind="rep",
                    movement="jump",
                    start_s=float(start[k]),
                    end_s=float(end[k]),
                    concentric_s=(float(start[k] + 0.62), float(take_off[k])),
                    hold_s=0.0,
                    eccentric_s=(float(landing[k]), float(landing[k] + 0.25)),
                )
                for k in range(self.reps)
            ]
        return float(end[-1])
