"""Has the weight slipped on the leg? Each stride's own axes are held against those of the strides before.

A slip is a turn of the sensor on the leg that stays. Single strides stray, turns and stairs alter a stride or two, and
another gait tilts the mean specific force forward or back; so several straight strides in a row must disagree with the
reference, agree with each other, and a tilt about y counts only while stride time and swing rate are the same.
"""

from __future__ import annotations

from math import atan2, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLLOW = 0
SUSPECT = 1
SLIPPED = 2

LIMIT_RAD = 15.0 * pi / 180.0
"""A turn by more than this is a slip."""
_SUSPECT_RAD = 10.0 * pi / 180.0
"""A stride that strays by more is held back from the reference."""
STRIDES = 4
"""Strides in a row that must stray."""
ESTABLISHED = 5.0
"""Strides that the reference rests on at least."""
_AGREE = 0.25
"""Largest spread of the straying strides, as a share of the turn."""
_AGREE_RAD = 4.0 * pi / 180.0
"""A spread that is never too large."""
_KEEP = 0.75
"""What a straying stride counts for at the next one."""
_SHARE = 0.1
"""Share by which the reference follows a stride."""
_CHANGED_SHARE = 0.5
"""The same where the gait has changed, so that the tilt of the new one is learnt at once."""
_STRIDE_TIME = 0.15
_SWING_RATE = 0.2
"""Relative changes of a stride from which it counts as another gait."""
_ANOTHER = 3
"""Strides in a row that make another gait."""
_CHANCE = 2.0
"""How many times the spread of single strides a turn must be: at 50 Hz a runner's strides stray by ten degrees."""
_SPREAD_RAD = 5.0 * pi / 180.0
"""How far single strides stray, before any was seen."""

STATE = np.dtype(
    [
        ("left", "f8", (3,)),
        ("up", "f8", (3,)),
        ("strides_n", "f8"),
        ("spread_rad2", "f8"),
        ("stride_n", "f8"),
        ("swing_rad_s", "f8"),
        ("changed_n", "i8"),
        ("strays", "i8"),
        ("weight", "f8"),
        ("new_left", "f8", (3,)),
        ("new_up", "f8", (3,)),
        ("stray_rad", "f8"),
        ("turn_rad", "f8", (3,)),
        ("angle_rad", "f8"),
        ("uncertainty_rad", "f8"),
    ],
    align=True,
)
"""`left`, `up`: the reference, from `strides_n` strides that stray by `spread_rad2` in the mean square. `new_*`: sums
over the straying ones. `stray_rad`: how far the last stride strayed. `turn_rad`: the turn that was found, in the axes
of the leg as a rotation vector of the sensor, `angle_rad` its size."""


@kernel
def forget(s: Any) -> None:
    """Begin a new reference."""
    s.strides_n = 0.0
    s.spread_rad2 = _SPREAD_RAD * _SPREAD_RAD
    s.strays = s.changed_n = 0
    s.weight = s.stray_rad = 0.0


@kernel
def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@kernel
def _triple(x: NDArray[np.float64], y: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    """Return (x cross y) . v."""
    return (x[1] * y[2] - x[2] * y[1]) * v[0] + (x[2] * y[0] - x[0] * y[2]) * v[1] + (x[0] * y[1] - x[1] * y[0]) * v[2]


@kernel
def _square(y: NDArray[np.float64], z: NDArray[np.float64]) -> None:
    """Make `y` a unit vector and `z` a unit vector perpendicular to it."""
    n = sqrt(_dot(y, y))
    for i in range(3):
        y[i] /= n
    along = _dot(y, z)
    for i in range(3):
        z[i] -= along * y[i]
    n = sqrt(_dot(z, z))
    for i in range(3):
        z[i] /= n


@kernel
def turn(s: Any, left: NDArray[np.float64], up: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return how the sensor has turned on the leg if the leg's axes, in its frame, are now `left` and `up` (square).

    A rotation vector in the axes of the leg, rad: the shortest turn from the reference.
    """
    a, b = s.left, s.up
    # x = left cross up; entry (i, j) is new axis i times old axis j.
    xx = _dot(left, a) * _dot(up, b) - _dot(left, b) * _dot(up, a)
    xy, xz = _triple(left, up, a), _triple(left, up, b)
    yx, zx = _triple(a, b, left), _triple(a, b, up)
    yy, yz = _dot(left, a), _dot(left, b)
    zy, zz = _dot(up, a), _dot(up, b)
    rx, ry, rz = 0.5 * (zy - yz), 0.5 * (xz - zx), 0.5 * (yx - xy)
    sine = sqrt(rx * rx + ry * ry + rz * rz)
    angle = atan2(sine, 0.5 * (xx + yy + zz - 1.0))
    if sine < 1e-9:  # none, or half a turn, whose axis is the one that stayed
        if angle < 1.0:
            return 0.0, 0.0, 0.0
        return (pi if xx > 0.0 else 0.0), (pi if yy > 0.0 else 0.0), (pi if zz > 0.0 else 0.0)
    scale = angle / sine
    return scale * rx, scale * ry, scale * rz


@kernel
def stray(s: Any, seen: Any, about_y: float) -> float:
    """Square the axes of `seen`; return how far they stray from the reference, rad. A turn about y weighs `about_y`."""
    _square(seen.left, seen.mean_up)
    rx, ry, rz = turn(s, seen.left, seen.mean_up)
    return sqrt(rx * rx + rz * rz + about_y * ry * ry)


@kernel
def _refer(s: Any, seen: Any, share: float) -> None:
    """Let the reference follow."""
    for i in range(3):
        s.left[i] += share * (seen.left[i] - s.left[i])
        s.up[i] += share * (seen.mean_up[i] - s.up[i])
    _square(s.left, s.up)


@kernel
def watch(s: Any, seen: Any, stride_n: float, swing_rad_s: float) -> int:
    """Take in the axes of a straight stride (stride_axes.SEEN); return FOLLOW, SUSPECT or SLIPPED.

    `stride_n` is its length in samples, `swing_rad_s` the rate of its swing. After SLIPPED `turn_rad`, `angle_rad` and
    `uncertainty_rad` hold the turn, `new_left` and `new_up` the axes it led to; call `accept` then.
    """
    if s.strides_n == 0.0:
        for i in range(3):
            s.left[i] = seen.left[i]
            s.up[i] = seen.mean_up[i]
        _square(s.left, s.up)
        s.strides_n = 1.0
        s.stride_n = stride_n
        s.swing_rad_s = swing_rad_s
        s.stray_rad = 0.0
        return FOLLOW
    same = (
        abs(stride_n - s.stride_n) <= _STRIDE_TIME * s.stride_n
        and abs(swing_rad_s - s.swing_rad_s) <= _SWING_RATE * s.swing_rad_s
    )
    s.stray_rad = stray(s, seen, 1.0 if same else 0.0)
    share = max(_SHARE, 1.0 / (s.strides_n + 1.0))
    s.stride_n += share * (stride_n - s.stride_n)
    s.swing_rad_s += share * (swing_rad_s - s.swing_rad_s)
    s.changed_n = 0 if same else s.changed_n + 1
    if 0 < s.changed_n < _ANOTHER and s.strides_n >= ESTABLISHED:
        return SUSPECT  # a stumble, perhaps, or the stride in which the sensor slipped
    if s.strides_n < ESTABLISHED or s.stray_rad <= _SUSPECT_RAD:
        _believe(s, seen, share if same else max(share, _CHANGED_SHARE))
        return FOLLOW
    s.strays += 1
    keep = _KEEP if s.strays > 1 else 0.0
    s.weight = keep * s.weight + 1.0
    for i in range(3):
        s.new_left[i] = keep * s.new_left[i] + seen.left[i]
        s.new_up[i] = keep * s.new_up[i] + seen.mean_up[i]
    if s.strays < STRIDES:
        return SUSPECT
    # Unit vectors that stray by r about their mean sum up to 1 - r^2 / 2 of their number.
    together = sqrt(_dot(s.new_left, s.new_left)) + sqrt(_dot(s.new_up, s.new_up))
    spread = sqrt(max(0.0, 4.0 - 2.0 * together / s.weight))
    _square(s.new_left, s.new_up)
    rx, ry, rz = turn(s, s.new_left, s.new_up)
    if not same:
        ry = 0.0
    s.turn_rad[0], s.turn_rad[1], s.turn_rad[2] = rx, ry, rz
    s.angle_rad = sqrt(rx * rx + ry * ry + rz * rz)
    s.uncertainty_rad = sqrt(spread * spread / s.weight + s.spread_rad2 / min(s.strides_n, 1.0 / _SHARE))
    least = max(LIMIT_RAD - s.uncertainty_rad, _CHANCE * sqrt(s.spread_rad2))
    if s.angle_rad >= least and spread <= max(_AGREE_RAD, _AGREE * s.angle_rad):
        return SLIPPED
    for i in range(3):  # the sums again, for they go on
        s.new_left[i] *= s.weight
        s.new_up[i] *= s.weight
    _refer(s, seen, share)
    return SUSPECT


@kernel
def _believe(s: Any, seen: Any, share: float) -> None:
    """Let the reference follow a stride that does not stray."""
    s.strays = 0
    s.spread_rad2 += share * (s.stray_rad * s.stray_rad - s.spread_rad2)
    s.strides_n += 1.0
    _refer(s, seen, share)


@kernel
def _carried(
    s: Any, left: NDArray[np.float64], up: NDArray[np.float64], v: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return a direction of the leg, `v` in the frame of the sensor, as the sensor sees it after its turn."""
    x, y, z = _triple(s.left, s.up, v), _dot(s.left, v), _dot(s.up, v)
    return (
        x * (left[1] * up[2] - left[2] * up[1]) + y * left[0] + z * up[0],
        x * (left[2] * up[0] - left[0] * up[2]) + y * left[1] + z * up[1],
        x * (left[0] * up[1] - left[1] * up[0]) + y * left[2] + z * up[2],
    )


@kernel
def carry(s: Any, leg: Any, left: NDArray[np.float64], up: NDArray[np.float64]) -> None:
    """Turn the axes of the leg (leg.STATE) as the sensor has turned, from the reference to `left` and `up` (square).

    `turn_rad`, until then in the axes of the reference, whose vertical is the mean one, is written in those of the leg.
    """
    x, y, z = s.turn_rad[0], s.turn_rad[1], s.turn_rad[2]
    a, b, y_axis, z_axis = s.left, s.up, leg.left, leg.up
    xx = _dot(a, y_axis) * _dot(b, z_axis) - _dot(a, z_axis) * _dot(b, y_axis)
    xy, xz = _triple(y_axis, z_axis, a), _triple(y_axis, z_axis, b)
    s.turn_rad[0] = xx * x + xy * y + xz * z
    s.turn_rad[1] = _triple(a, b, y_axis) * x + _dot(a, y_axis) * y + _dot(b, y_axis) * z
    s.turn_rad[2] = _triple(a, b, z_axis) * x + _dot(a, z_axis) * y + _dot(b, z_axis) * z
    y_axis[0], y_axis[1], y_axis[2] = _carried(s, left, up, y_axis)
    z_axis[0], z_axis[1], z_axis[2] = _carried(s, left, up, z_axis)
    _square(y_axis, z_axis)


@kernel
def moved(s: Any, seen: Any) -> None:
    """Note the turn to the axes of `seen` (squared by `stray`), which were found where no stride was."""
    rx, ry, rz = turn(s, seen.left, seen.mean_up)
    s.turn_rad[0], s.turn_rad[1], s.turn_rad[2] = rx, ry, rz
    s.angle_rad = sqrt(rx * rx + ry * ry + rz * rz)
    s.uncertainty_rad = _SPREAD_RAD


@kernel
def accept(s: Any) -> None:
    """Make the axes that a slip led to the reference."""
    for i in range(3):
        s.left[i] = s.new_left[i]
        s.up[i] = s.new_up[i]
    s.strides_n = ESTABLISHED
    s.strays = 0
    s.stray_rad = 0.0
