"""The two legs that activities move, and what was planned for each: shared by every activity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec
import numpy as np

from ankled.simulators.limb import Channel, Limb
from ankled.simulators.smooth import STEP, Floats, Pulses, Shape, Waves

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Side: TypeAlias = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")

HALF_STANCE_M = 0.09
"""How far from the middle a foot stands."""
_TREMOR_WAVES = 5
_TREMOR_HZ = (0.15, 2.5)


class Style(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this wearer moves: everything the same activity can differ in.

    `rom_right` and `time_right` scale range and duration on the right leg. `fatigue_rom` and `fatigue_speed` are the
    fractions lost per repetition or stride. `lateral_m` is an extra lateral excursion from repetition or stride
    `lateral_from` on. `jitter` is the relative spread between repetitions, `tremor_deg` the size of a slow wander of
    the leg that never stops, `rest_jitter_deg` the spread of the angle the leg comes to rest at.
    """

    rom_right: float = 1.0
    time_right: float = 1.0
    fatigue_rom: float = 0.0
    fatigue_speed: float = 0.0
    lateral_m: float = 0.0
    lateral_from: int = 0
    jitter: float = 0.03
    tremor_deg: float = 0.0
    rest_jitter_deg: float = 1.0
    placement: Literal["shank", "foot"] = "shank"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One repetition or stride as the activity made it; times are those of the motion itself, s."""

    kind: Literal["stride", "rep"]
    movement: str
    start_s: float
    end_s: float
    axis: Literal["x", "y"] = "y"
    toe_off_s: float | None = None
    stride_length_m: float | None = None
    first: bool | None = None
    turn: bool | None = None
    concentric_s: tuple[float, float] | None = None
    hold_s: float | None = None
    eccentric_s: tuple[float, float] | None = None


@dataclass(slots=True)
class Leg:
    """One leg under construction. `outward` is +1 on the left and -1 on the right leg: the sign of outward y."""

    side: Side
    style: Style
    rng: np.random.Generator
    limb: Limb = field(default_factory=Limb)
    planned: list[Planned] = field(default_factory=list)
    stands: list[tuple[float, float]] = field(default_factory=list)
    """From when to when this leg stood alone, s."""
    ankle_m: Floats = field(init=False)
    """Where the foot stands, earth x and y."""
    heading_rad: float = 0.0

    def __post_init__(self) -> None:
        """Put the foot beside the other."""
        self.ankle_m = np.array([0.0, self.outward * HALF_STANCE_M])

    @property
    def outward(self) -> float:
        """Return the sign that makes y, roll or yaw outward."""
        return 1.0 if self.side == "left" else -1.0

    @property
    def rom(self) -> float:
        """Return the factor of this leg's range."""
        return self.style.rom_right if self.side == "right" else 1.0

    @property
    def time(self) -> float:
        """Return the factor of this leg's durations."""
        return self.style.time_right if self.side == "right" else 1.0

    def jitter(self, count: int) -> Floats:
        """Return `count` factors around one, never further off than three standard deviations."""
        return 1.0 + self.style.jitter * np.clip(self.rng.standard_normal(count), -3.0, 3.0)

    def pulse(
        self,
        channel: Channel,
        start_s: ArrayLike,
        end_s: ArrayLike,
        amplitude: ArrayLike,
        shape: Shape = STEP,
    ) -> None:
        """Add one pulse, or one for each row of the arrays, from `start_s` to `end_s`."""
        start, end, size = np.broadcast_arrays(
            np.atleast_1d(np.asarray(start_s, dtype=np.float64)), np.asarray(end_s), np.asarray(amplitude)
        )
        kept = size != 0.0
        if kept.any():
            start, end, size = start[kept], end[kept], size[kept].astype(np.float64)
            self.limb.add(channel, Pulses(shape, start, end - start, size))

    def tremor(self, degrees: float) -> None:
        """Let pitch, roll and yaw wander slowly for the whole recording, with about `degrees` of standard deviation."""
        if degrees == 0.0:
            return
        for channel in ("pitch", "roll", "yaw"):
            frequency_hz = np.geomspace(*_TREMOR_HZ, _TREMOR_WAVES) * self.rng.uniform(0.8, 1.25, _TREMOR_WAVES)
            weight = 1.0 / frequency_hz
            weight *= np.sqrt(2.0) * np.deg2rad(degrees) / np.linalg.norm(weight)
            phase = self.rng.uniform(0.0, 2.0 * np.pi, _TREMOR_WAVES)
            self.limb.add(channel, Waves(2.0 * np.pi * frequency_hz, phase, weight))


class Activity(Protocol):
    """Something both legs do for a while."""

    def perform(self, legs: tuple[Leg, Leg], start_s: float) -> float:
        """Add the motion to both legs from `start_s` on and return when it ends."""
