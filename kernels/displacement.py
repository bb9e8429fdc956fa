"""Stride length, height and change of heading between two stance instants, by zero-velocity update."""

from __future__ import annotations

from math import atan2, ceil, degrees, floor, nan, pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

from ankled.kernels.constants import GRAVITY_MPS2
from ankled.kernels.frames import to_earth
from ankled.kernels.jit import kernel
from ankled.kernels.ring import ACC, GYR, QUAT
from ankled.kernels.windows import inside, value_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHANK_LEVER_M = 0.10
"""Default height of a shank-worn sensor above the ankle joint, m: a cuff above the malleoli."""


class Displacement(NamedTuple):
    """Results of `measure`; nan where the interval is empty.

    `residual_mps` is the velocity left at the end before it was removed: large when the leg was not at rest at the
    ends, or when the orientation was wrong between them.
    """

    horizontal_m: float
    vertical_m: float
    residual_mps: float
    heading_deg: float


@kernel
def heading_change(window: NDArray[np.float64], i0: float, i1: float) -> float:
    """Return the rotation of the sensor about the vertical between two positions, deg in (-180, 180], left positive.

    The twist about z of q1 * conj(q0): 2 atan2(z, w). Undefined when the sensor was turned upside down in between.
    """
    a, b = window[floor(i0 + 0.5)], window[floor(i1 + 0.5)]
    aw, ax, ay, az = a[QUAT], a[QUAT + 1], a[QUAT + 2], a[QUAT + 3]
    bw, bx, by, bz = b[QUAT], b[QUAT + 1], b[QUAT + 2], b[QUAT + 3]
    w = bw * aw + bx * ax + by * ay + bz * az
    z = bz * aw - bw * az - bx * ay + by * ax
    turn = 2.0 * atan2(z, w)
    if turn > pi:
        turn -= 2.0 * pi
    elif turn <= -pi:
        turn += 2.0 * pi
    return degrees(turn)


@kernel
def _lever_velocity(
    window: NDArray[np.float64], k: int, z_leg: NDArray[np.float64], lever_m: float
) -> tuple[float, float, float]:
    """Velocity of a sensor `lever_m` up the leg above a resting ankle, earth axes, m/s: R (omega x r)."""
    row = window[k]
    gx, gy, gz = row[GYR], row[GYR + 1], row[GYR + 2]
    rx, ry, rz = lever_m * z_leg[0], lever_m * z_leg[1], lever_m * z_leg[2]
    return to_earth(row, gy * rz - gz * ry, gz * rx - gx * rz, gx * ry - gy * rx)


@kernel
def _at_rest_below(
    window: NDArray[np.float64], position: float, z_leg: NDArray[np.float64], lever_m: float
) -> tuple[float, float, float]:
    """`_lever_velocity` at a fractional position."""
    k = floor(position)
    part = position - k
    x, y, z = _lever_velocity(window, k, z_leg, lever_m)
    if part > 0.0:
        x1, y1, z1 = _lever_velocity(window, k + 1, z_leg, lever_m)
        x, y, z = x + part * (x1 - x), y + part * (y1 - y), z + part * (z1 - z)
    return x, y, z


@kernel
def measure(
    window: NDArray[np.float64],
    i0: float,
    i1: float,
    z_leg: NDArray[np.float64],
    lever_m: float,
    rate_hz: float,
    scratch: NDArray[np.float64],
) -> Displacement:
    """Estimate how far the sensor moved between two instants at which the foot stood still.

    Linear acceleration R(q) a - g z in earth axes, read as straight lines between samples and integrated from i0 to i1.
    The velocity starts at its known value, and what it misses at the end is taken out as a line in time (zero-velocity
    update with linear de-drift); the rest is integrated to the displacement. Known velocity: zero for a foot-worn
    sensor (`lever_m` 0); omega x r for a sensor on the shank, which turns over the standing ankle, with r = `lever_m`
    times the leg's long axis. Horizontal is the length of the horizontal part, vertical is up positive.

    An estimate. Errors: of the ankle that does not rest at the chosen instant (the shank's lever is a rough model of a
    foot that rolls), about residual_mps * T / 2 at worst; of inclination, g sin(error) T^2 / 12 after de-drift when the
    error grows steadily; of clipped or missing samples at the heel's shock. Heading drift within a stride is small.

    Shapes: `window` (n, 12) rows of the history; i0 < i1 fractional samples of the window; `z_leg` (3,), unit, sensor
    frame; `scratch` (m, 8), m >= n, overwritten. Units: m, m/s, deg, Hz. Errors: none raised; an empty interval
    gives nan.

    Source: E. Foxlin, Pedestrian tracking with shoe-mounted inertial sensors, IEEE Comput. Graph. Appl. 25 (2005)
    38-46, doi 10.1109/MCG.2005.140; I. Skog et al., Zero-velocity detection - an algorithm evaluation, IEEE Trans.
    Biomed. Eng. 57 (2010) 2657-2666, doi 10.1109/TBME.2010.2060723. Deviation: a line in time instead of a Kalman
    filter, and the lever of the shank.
    """
    n = window.shape[0]
    i0, i1 = inside(i0, n), inside(i1, n)
    if n == 0 or not i1 > i0:
        return Displacement(nan, nan, nan, nan)
    first, last = floor(i0), ceil(i1)
    for k in range(first, last + 1):
        row = window[k]
        x, y, z = to_earth(row, row[ACC], row[ACC + 1], row[ACC + 2])
        scratch[k, 0], scratch[k, 1], scratch[k, 2] = x, y, z - GRAVITY_MPS2

    start = _at_rest_below(window, i0, z_leg, lever_m)
    stop = _at_rest_below(window, i1, z_leg, lever_m)
    moved = (0.0, 0.0, 0.0)
    missed = (0.0, 0.0, 0.0)
    for c in range(3):
        dx, ex = _integrate(scratch[:, c], i0, i1, rate_hz, start[c], stop[c])
        moved = (moved[1], moved[2], dx)
        missed = (missed[1], missed[2], ex)
    residual = sqrt(missed[0] * missed[0] + missed[1] * missed[1] + missed[2] * missed[2])
    horizontal = sqrt(moved[0] * moved[0] + moved[1] * moved[1])
    return Displacement(horizontal, moved[2], residual, heading_change(window, i0, i1))


@kernel
def _integrate(
    acceleration: NDArray[np.float64], i0: float, i1: float, rate_hz: float, start: float, stop: float
) -> tuple[float, float]:
    """Return (displacement, velocity missed at the end) of one component between two known velocities."""
    speed, distance, a = start, 0.0, i0
    before = value_at(acceleration, i0)
    for k in range(floor(i0) + 1, ceil(i1) + 1):
        b = min(float(k), i1)
        after = value_at(acceleration, b)
        dt = (b - a) / rate_hz
        distance += speed * dt + (2.0 * before + after) * dt * dt / 6.0
        speed += 0.5 * (before + after) * dt
        before, a = after, b
    missed = speed - stop
    return distance - 0.5 * missed * (i1 - i0) / rate_hz, missed
