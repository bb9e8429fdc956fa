"""The axis that the leg turns about in the running set, and which way about it lifts the weight.

The axis is the principal direction of the low-passed angular rate with exponential forgetting: no exercise and no
anatomy is assumed. The low-pass keeps the shock of landing from speaking for the movement. The sign comes from the
covariance of the angular rate with the vertical velocity of the sensor (the leaky integral of its vertical linear
acceleration): the weight rises while the leg turns in the direction called positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.constants import GRAVITY_MPS2
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.ring import ACC, GYR, QUAT

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Params:
    """What the movement axis is found with.

    smooth_s: time constant of the first-order low-pass on the angular rate and on the vertical velocity alike.
    forget_s: time constant of the covariances, s: about two slow repetitions.
    velocity_leak_s: leak of the integral of the vertical acceleration.
    gentle_rad_s: root mean square of the rate that the movements before a rest count for at most.
    """

    smooth_s: float = 0.3
    forget_s: float = 10.0
    velocity_leak_s: float = 1.0
    gentle_rad_s: float = 0.15


STATE = np.dtype(
    [
        ("dt_s", "f8"),
        ("smooth", "f8"),
        ("forget", "f8"),
        ("leak", "f8"),
        ("gentle", "f8"),
        ("rate", "f8", (3,)),
        ("velocity", "f8"),
        ("rise", "f8"),
        ("cov", "f8", (6,)),
        ("mean_rate", "f8", (3,)),
        ("mean_velocity", "f8"),
        ("power_velocity", "f8"),
        ("power_rate", "f8"),
        ("cross", "f8", (3,)),
        ("p", "f8", (3,)),
        ("spread_rad_s", "f8"),
        ("share", "f8"),
        ("correlation", "f8"),
        ("speed_mps", "f8"),
        ("lever_m", "f8"),
    ],
    align=True,
)
"""The last six fields are the answer of `solve`: unit vector `p` in the sensor frame (+ lifts), root mean square of
the rate about it, its share of the rate's power, the correlation (0 to 1) of the rate about it with the vertical
velocity, and the standard deviation of that velocity."""


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state, shape (1,), for a grid of `rate_hz`."""
    state = np.zeros(1, STATE)
    dt_s = 1.0 / rate_hz
    state["dt_s"] = dt_s
    state["smooth"] = 1.0 - np.exp(-dt_s / params.smooth_s)
    state["forget"] = 1.0 - np.exp(-dt_s / params.forget_s)
    state["leak"] = 1.0 - np.exp(-dt_s / params.velocity_leak_s)
    state["gentle"] = params.gentle_rad_s
    state["p"] = (0.0, 1.0, 0.0)
    return state


@inlined
def step(s: Any, row: NDArray[np.float64]) -> None:
    """Take in one row of the ring, shape (WIDTH,): covariances only, some thirty multiplications."""
    x = s.rate[0]
    y = s.rate[1]
    z = s.rate[2]
    x += s.smooth * (row[GYR] - x)
    y += s.smooth * (row[GYR + 1] - y)
    z += s.smooth * (row[GYR + 2] - z)
    s.rate[0] = x
    s.rate[1] = y
    s.rate[2] = z

    q0, q1, q2, q3 = row[QUAT], row[QUAT + 1], row[QUAT + 2], row[QUAT + 3]
    rise = (
        2.0 * (q1 * q3 - q0 * q2) * row[ACC]
        + 2.0 * (q2 * q3 + q0 * q1) * row[ACC + 1]
        + (1.0 - 2.0 * (q1 * q1 + q2 * q2)) * row[ACC + 2]
        - GRAVITY_MPS2
    )
    s.velocity += rise * s.dt_s - s.leak * s.velocity
    v = s.rise
    v += s.smooth * (s.velocity - v)
    s.rise = v

    f = s.forget
    s.cov[0] += f * (x * x - s.cov[0])
    s.cov[1] += f * (x * y - s.cov[1])
    s.cov[2] += f * (x * z - s.cov[2])
    s.cov[3] += f * (y * y - s.cov[3])
    s.cov[4] += f * (y * z - s.cov[4])
    s.cov[5] += f * (z * z - s.cov[5])
    s.mean_rate[0] += f * (x - s.mean_rate[0])
    s.mean_rate[1] += f * (y - s.mean_rate[1])
    s.mean_rate[2] += f * (z - s.mean_rate[2])
    s.mean_velocity += f * (v - s.mean_velocity)
    s.power_velocity += f * (v * v - s.power_velocity)
    s.power_rate += f * (x * x + y * y + z * z - s.power_rate)
    s.cross[0] += f * (x * v - s.cross[0])
    s.cross[1] += f * (y * v - s.cross[1])
    s.cross[2] += f * (z * v - s.cross[2])


@kernel
def solve(s: Any) -> None:
    """Write the principal axis and the sign that the covariances speak for now.

    Power iteration on the covariance, squared four times: eight steps of its 16th power's worth for the cost of four
    small products, so that axes whose powers differ by a tenth are still told apart.
    """
    c = s.cov
    a, b, d, e, g, h = c[0], c[1], c[2], c[3], c[4], c[5]
    trace = a + e + h
    if trace < 1e-12:
        s.spread_rad_s = 0.0
        s.share = 0.0
        s.correlation = 0.0
        s.speed_mps = 0.0
        s.lever_m = 0.0
        return
    for _ in range(5):
        k = 1.0 / (a + e + h)
        a, b, d, e, g, h = a * k, b * k, d * k, e * k, g * k, h * k
        a, b, d, e, g, h = (
            a * a + b * b + d * d,
            a * b + b * e + d * g,
            a * d + b * g + d * h,
            b * b + e * e + g * g,
            b * d + e * g + g * h,
            d * d + g * g + h * h,
        )
    # The column with the largest diagonal is never orthogonal to the principal axis.
    if a >= e and a >= h:
        px, py, pz = a, b, d
    elif e >= h:
        px, py, pz = b, e, g
    else:
        px, py, pz = d, g, h
    n = 1.0 / sqrt(px * px + py * py + pz * pz)
    px, py, pz = px * n, py * n, pz * n
    power = c[0] * px * px + c[3] * py * py + c[5] * pz * pz + 2.0 * (c[1] * px * py + c[2] * px * pz + c[4] * py * pz)
    mean = s.mean_velocity
    variance = max(s.power_velocity - mean * mean, 0.0)
    covariance = (
        (s.cross[0] - mean * s.mean_rate[0]) * px
        + (s.cross[1] - mean * s.mean_rate[1]) * py
        + (s.cross[2] - mean * s.mean_rate[2]) * pz
    )
    sign = 1.0 if covariance >= 0.0 else -1.0
    s.p[0] = sign * px
    s.p[1] = sign * py
    s.p[2] = sign * pz
    s.spread_rad_s = sqrt(power)
    s.share = power / trace
    s.speed_mps = sqrt(variance)
    # The evidence for the sign may be younger than that for the axis: its own power of the rate goes with it.
    s.correlation = min(1.0, sign * covariance / sqrt(s.share * s.power_rate * variance + 1e-18))
    s.lever_m = sign * covariance / (s.share * s.power_rate + 1e-18)


@kernel
def rest(s: Any) -> None:
    """Forget, after a rest, which way lifted, and let what moved before weigh no more than a gentle movement.

    The next movement may go the other way about the same axis, and walking would outshout a slow lift for long.
    """
    trace = s.cov[0] + s.cov[3] + s.cov[5]
    if trace > s.gentle * s.gentle:
        k = s.gentle * s.gentle / trace
        for i in range(6):
            s.cov[i] *= k
    s.power_rate = 0.0
    s.mean_velocity = 0.0
    s.power_velocity = 0.0
    for i in range(3):
        s.mean_rate[i] = 0.0
        s.cross[i] = 0.0


@kernel
def interrupt(s: Any) -> None:
    """Forget what cannot be carried over a gap: the velocity and the filters."""
    s.velocity = 0.0
    s.rise = 0.0
    for i in range(3):
        s.rate[i] = 0.0
