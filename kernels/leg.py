"""The axes of one leg in the frame of the sensor that it carries, as far as they are known.

A mount that was configured holds from the start. Otherwise the axes are adopted from the first strides and then
follow every further straight stride by a small share, so that one odd step does not turn them. Until then, axes that
an earlier session has found may stand in: for repetitions, with an uncertainty that says the weight was put on anew.
"""

from __future__ import annotations

from math import degrees, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.displacement import SHANK_LEVER_M
from ankled.kernels.gait_events import FOOT_PUSH
from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN = 0
CONFIGURED = 1
WALKING = 2
STORED = 3

_FOLLOW = 0.1
"""Share by which known axes follow a stride."""
_SYSTEMATIC_RAD = 1.5 * pi / 180.0
"""What even many strides leave: 1.3 deg on simulated legs, whose swing is not quite about y, and 1.5 deg (68 %) between
two walks of one person in the same shoes."""
_STRAP_RAD = 2.0 * pi / 180.0
"""How far a strap puts a sensor from where the configuration says it sits."""
_ANEW_RAD = 20.0 * pi / 180.0
"""How far apart two ways are to put on the same weight: an assumption; most of it is a turn about the leg."""
_ADOPTED = 2.0
"""How many strides the axes that were adopted count for."""

STATE = np.dtype(
    [
        ("source", "i8"),
        ("left", "f8", (3,)),
        ("up", "f8", (3,)),
        ("uncertainty_rad", "f8"),
        ("settled_rad", "f8"),
        ("strides_n", "f8"),
        ("push", "f8"),
        ("pushes_n", "f8"),
        ("lever_m", "f8"),
    ],
    align=True,
)
"""`left` (y) and `up` (z), unit, perpendicular; `push` the mean ratio of push-off to swing rate; `lever_m` for ZUPT.

`settled_rad` is the uncertainty without the doubt that the last strides may have raised."""


def init(
    left: tuple[float, float, float] | None, up: tuple[float, float, float] | None, *, stored: bool = False
) -> NDArray[np.void]:
    """Return the state, shape (1,), with the axes of a configured mount, with `stored` ones, or with none."""
    array = np.zeros(1, STATE)
    state: Any = array[0]
    state["uncertainty_rad"] = pi
    if left is not None and up is not None:
        y = np.asarray(left, dtype=np.float64)
        z = np.asarray(up, dtype=np.float64)
        y = y / np.linalg.norm(y)
        z = z - (z @ y) * y
        if not np.linalg.norm(z) > 1e-6:  # parallel up to rounding
            message = "the mount's left and up are parallel; they must be two different directions"
            raise ValueError(message)
        state["left"] = y
        state["up"] = z / np.linalg.norm(z)
        state["source"] = STORED if stored else CONFIGURED
        state["uncertainty_rad"] = state["settled_rad"] = _ANEW_RAD if stored else _STRAP_RAD
    return array


@kernel
def _square(leg: Any) -> None:
    """Make `left` a unit vector and `up` a unit vector perpendicular to it."""
    y, z = leg.left, leg.up
    n = sqrt(y[0] * y[0] + y[1] * y[1] + y[2] * y[2])
    for i in range(3):
        y[i] /= n
    along = y[0] * z[0] + y[1] * z[1] + y[2] * z[2]
    for i in range(3):
        z[i] -= along * y[i]
    n = sqrt(z[0] * z[0] + z[1] * z[1] + z[2] * z[2])
    for i in range(3):
        z[i] /= n


@kernel
def adopt(leg: Any, axes: Any) -> None:
    """Take the axes that gait has found (gait_axes.STATE after `solve`)."""
    for i in range(3):
        leg.left[i] = axes.left[i]
        leg.up[i] = axes.z[i]
    _square(leg)
    leg.source = WALKING
    leg.strides_n = 0.0
    leg.settled_rad = sqrt(_SYSTEMATIC_RAD**2 + 1.0 / axes.ratio)
    leg.uncertainty_rad = leg.settled_rad


@kernel
def is_known(leg: Any) -> bool:
    """Tell whether the axes are known well enough for strides; stored ones are yet to be verified."""
    return leg.source == CONFIGURED or leg.source == WALKING  # noqa: PLR1714  (compiled: no tuple)


@kernel
def turn_round(leg: Any) -> None:
    """Make the wearer's left the right: the other sign of y."""
    for i in range(3):
        leg.left[i] = -leg.left[i]


@kernel
def take(leg: Any, other: Any) -> None:
    """Make `leg` equal to `other`."""
    for i in range(3):
        leg.left[i] = other.left[i]
        leg.up[i] = other.up[i]
    leg.source = other.source
    leg.uncertainty_rad = other.uncertainty_rad
    leg.settled_rad = other.settled_rad
    leg.strides_n = other.strides_n
    leg.push = other.push
    leg.pushes_n = other.pushes_n
    leg.lever_m = other.lever_m


@kernel
def place(leg: Any, swing_rate_rad_s: float, push_rate_rad_s: float) -> None:
    """Learn from one more stride where on the leg the sensor sits."""
    leg.pushes_n += 1.0
    ratio = -push_rate_rad_s / max(swing_rate_rad_s, 1e-3)
    leg.push += max(_FOLLOW, 1.0 / leg.pushes_n) * (ratio - leg.push)
    leg.lever_m = 0.0 if leg.push > FOOT_PUSH else SHANK_LEVER_M


@kernel
def follow(leg: Any, seen: Any, spread_rad2: float) -> None:
    """Let axes found in walking follow one more straight stride (stride_axes.SEEN); clear the doubt about any.

    `spread_rad2` is the mean square by which single strides stray from their mean.
    """
    if leg.source == WALKING:
        leg.strides_n += 1.0
        share = max(_FOLLOW, 1.0 / (leg.strides_n + _ADOPTED))
        along = leg.left[0] * seen.left[0] + leg.left[1] * seen.left[1] + leg.left[2] * seen.left[2]
        sign = 1.0 if along >= 0.0 else -1.0  # which way is left was settled when the axes were adopted
        for i in range(3):
            leg.left[i] += share * (sign * seen.left[i] - leg.left[i])
            leg.up[i] += share * (seen.z[i] - leg.up[i])
        _square(leg)
        leg.settled_rad = sqrt(_SYSTEMATIC_RAD**2 + share * spread_rad2)
    leg.uncertainty_rad = leg.settled_rad


@kernel
def doubt(leg: Any, stray_rad: float) -> None:
    """Say that the last stride strays so far from the axes: they may be wrong by as much."""
    leg.uncertainty_rad = sqrt(leg.settled_rad**2 + stray_rad**2)


@kernel
def slipped(leg: Any, uncertainty_rad: float) -> None:
    """Take note that the axes were turned after a slip that walking has found, up to `uncertainty_rad`."""
    leg.source = WALKING
    leg.strides_n = _ADOPTED
    leg.settled_rad = sqrt(_SYSTEMATIC_RAD**2 + uncertainty_rad**2)
    leg.uncertainty_rad = leg.settled_rad


@kernel
def angle_deg(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the angle between two lines along unit vectors, deg, 0 to 90."""
    cosine = min(1.0, abs(a[0] * b[0] + a[1] * b[1] + a[2] * b[2]))
    return degrees(np.arccos(cosine))
