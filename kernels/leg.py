"""The axes of one leg in the frame of the sensor that it carries, as far as they are known.

A mount that was configured holds from the start. Otherwise the axes are adopted from the first strides and then
follow every further stride by a small share, so that one odd step does not turn them.
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

_FOLLOW = 0.1
"""Share by which known axes follow a stride."""
_SYSTEMATIC_RAD = 3.0 * pi / 180.0
"""What even many strides leave: the axis a leg swings about is not quite its anatomical one."""
_STRAP_RAD = 2.0 * pi / 180.0
"""How far a strap puts a sensor from where the configuration says it sits."""

STATE = np.dtype(
    [
        ("source", "i8"),
        ("left", "f8", (3,)),
        ("up", "f8", (3,)),
        ("uncertainty_rad", "f8"),
        ("strides_n", "f8"),
        ("push", "f8"),
        ("lever_m", "f8"),
    ],
    align=True,
)
"""`left` (y) and `up` (z), unit, perpendicular; `push` the mean ratio of push-off to swing rate; `lever_m` for ZUPT."""


def init(left: tuple[float, float, float] | None, up: tuple[float, float, float] | None) -> NDArray[np.void]:
    """Return the state, shape (1,), with the axes of a configured mount, or with none."""
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
        state["source"] = CONFIGURED
        state["uncertainty_rad"] = _STRAP_RAD
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
    leg.uncertainty_rad = sqrt(_SYSTEMATIC_RAD**2 + 1.0 / axes.ratio)


@kernel
def turn_round(leg: Any) -> None:
    """Make the wearer's left the right: the other sign of y."""
    for i in range(3):
        leg.left[i] = -leg.left[i]


@kernel
def follow(leg: Any, axes: Any, swing_rate_rad_s: float, push_rate_rad_s: float) -> None:
    """Let the axes follow one more stride, and learn from it where on the leg the sensor sits."""
    leg.strides_n += 1.0
    ratio = -push_rate_rad_s / max(swing_rate_rad_s, 1e-3)
    leg.push += max(_FOLLOW, 1.0 / leg.strides_n) * (ratio - leg.push)
    leg.lever_m = 0.0 if leg.push > FOOT_PUSH else SHANK_LEVER_M
    if leg.source != WALKING:
        return
    share = max(_FOLLOW, 1.0 / (leg.strides_n + 1.0))
    along = leg.left[0] * axes.left[0] + leg.left[1] * axes.left[1] + leg.left[2] * axes.left[2]
    sign = 1.0 if along >= 0.0 else -1.0  # which way is left was settled when the axes were adopted
    for i in range(3):
        leg.left[i] += share * (sign * axes.left[i] - leg.left[i])
        leg.up[i] += share * (axes.z[i] - leg.up[i])
    _square(leg)
    seen = min(leg.strides_n, 1.0 / _FOLLOW)
    leg.uncertainty_rad = sqrt(_SYSTEMATIC_RAD**2 + 1.0 / (axes.ratio * seen))


@kernel
def angle_deg(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the angle between two lines along unit vectors, deg, 0 to 90."""
    cosine = min(1.0, abs(a[0] * b[0] + a[1] * b[1] + a[2] * b[2]))
    return degrees(np.arccos(cosine))
