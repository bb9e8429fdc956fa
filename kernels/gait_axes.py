"""The axes of a walking leg, found from its motion alone, for any rotation of the sensor in its pocket.

Two ideas. The medio-lateral axis y is the principal direction of the low-passed angular rate in the plane that is
horizontal in stance: walking turns the leg about y far more than about anything else, and turning on the spot, which
happens about the vertical, is out of that plane. Its sign comes from velocity: with w the angular rate's magnitude and
v the leaky-integrated linear acceleration, the leg moves forward while it turns fast, so the covariance of w with
v along z x y is negative for the true y. Since v . (z x y) = y . (v x z), one vector accumulates that covariance for
every candidate direction at once.

Leg frame: x anterior, y to the wearer's left, z up the leg; right-handed on both legs.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels import lowpass
from ankled.kernels.constants import GRAVITY_MPS2
from ankled.kernels.jit import inlined, kernel
from ankled.kernels.principal import across
from ankled.kernels.ring import ACC, GYR, QUAT

if TYPE_CHECKING:
    from numpy.typing import NDArray


LOWPASS_SHARE = 0.4
"""Largest bandwidth of the low-pass as a share of the rate: at half of it there would be none."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the axes of a walking leg are found with.

    lowpass_hz: bandwidth of the angular rate they rest on; keeps the shock of the heel out.
    active_rad_s: angular rate above which a sample speaks about y.
    forget_s: time constant of y and its sign, counted in active time.
    stance_rad_s: angular rate at which a sample weighs half as a witness of the vertical.
    stance_forget_s: time constant of the vertical, counted in weight.
    velocity_leak_s: leak of the velocity integral.
    """

    lowpass_hz: float = 5.0
    active_rad_s: float = 0.7
    forget_s: float = 5.0
    stance_rad_s: float = 0.5
    stance_forget_s: float = 1.5
    velocity_leak_s: float = 0.8


STATE = np.dtype(
    [
        ("rates", lowpass.bank_dtype(3)),
        ("dt_s", "f8"),
        ("active_rad_s", "f8"),
        ("gain", "f8"),
        ("stance_rad_s", "f8"),
        ("stance_gain", "f8"),
        ("leak", "f8"),
        ("active_n", "f8"),
        ("stance_n", "f8"),
        ("rate", "f8", (3,)),
        ("cov", "f8", (3, 3)),
        ("up", "f8", (3,)),
        ("velocity", "f8", (3,)),
        ("mean_rate", "f8"),
        ("var_rate", "f8"),
        ("mean_side", "f8", (3,)),
        ("var_side", "f8"),
        ("cross", "f8", (3,)),
        ("left", "f8", (3,)),
        ("z", "f8", (3,)),
        ("ratio", "f8"),
        ("confidence", "f8"),
    ],
    align=True,
)


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state before the first sample, shape (1,), for a grid of `rate_hz`."""
    array = np.zeros(1, STATE)
    state: Any = array[0]
    dt_s = 1.0 / rate_hz
    lowpass.init_bank(state["rates"], sqrt(2.0) / (2.0 * np.pi * min(params.lowpass_hz, LOWPASS_SHARE * rate_hz)), dt_s)
    state["dt_s"] = dt_s
    state["active_rad_s"] = params.active_rad_s
    state["gain"] = dt_s / params.forget_s
    state["stance_rad_s"] = params.stance_rad_s
    state["stance_gain"] = dt_s / params.stance_forget_s
    state["leak"] = dt_s / params.velocity_leak_s
    return array


@inlined
def step(s: Any, row: NDArray[np.float64]) -> None:
    """Take in one row of the ring, shape (WIDTH,)."""
    wx = lowpass.lowpass(s.rates, 0, row[GYR])
    wy = lowpass.lowpass(s.rates, 1, row[GYR + 1])
    wz = lowpass.lowpass(s.rates, 2, row[GYR + 2])
    lowpass.advance(s.rates)
    s.rate[0] = wx
    s.rate[1] = wy
    s.rate[2] = wz
    w2 = wx * wx + wy * wy + wz * wz
    w = sqrt(w2)

    q0, q1, q2, q3 = row[QUAT], row[QUAT + 1], row[QUAT + 2], row[QUAT + 3]
    r00, r01, r02 = 1.0 - 2.0 * (q2 * q2 + q3 * q3), 2.0 * (q1 * q2 - q0 * q3), 2.0 * (q1 * q3 + q0 * q2)
    r10, r11, r12 = 2.0 * (q1 * q2 + q0 * q3), 1.0 - 2.0 * (q1 * q1 + q3 * q3), 2.0 * (q2 * q3 - q0 * q1)
    ux, uy, uz = 2.0 * (q1 * q3 - q0 * q2), 2.0 * (q2 * q3 + q0 * q1), 1.0 - 2.0 * (q1 * q1 + q2 * q2)

    still = s.stance_rad_s * s.stance_rad_s
    weight = still / (still + w2)
    weight *= weight
    s.stance_n += weight
    gain = max(s.stance_gain, 1.0 / s.stance_n) * weight
    s.up[0] += gain * (ux - s.up[0])
    s.up[1] += gain * (uy - s.up[1])
    s.up[2] += gain * (uz - s.up[2])

    ax = row[ACC] - GRAVITY_MPS2 * ux
    ay = row[ACC + 1] - GRAVITY_MPS2 * uy
    az = row[ACC + 2] - GRAVITY_MPS2 * uz
    vx = s.velocity[0]
    vy = s.velocity[1]
    vx += (r00 * ax + r01 * ay + r02 * az) * s.dt_s - vx * s.leak
    vy += (r10 * ax + r11 * ay + r12 * az) * s.dt_s - vy * s.leak
    s.velocity[0] = vx
    s.velocity[1] = vy

    if w > s.active_rad_s:
        s.active_n += 1.0
        gain = max(s.gain, 1.0 / s.active_n)
        s.cov[0, 0] += gain * (wx * wx - s.cov[0, 0])
        s.cov[0, 1] += gain * (wx * wy - s.cov[0, 1])
        s.cov[0, 2] += gain * (wx * wz - s.cov[0, 2])
        s.cov[1, 1] += gain * (wy * wy - s.cov[1, 1])
        s.cov[1, 2] += gain * (wy * wz - s.cov[1, 2])
        s.cov[2, 2] += gain * (wz * wz - s.cov[2, 2])
    gain = max(s.gain, 1.0 / max(s.active_n, 1.0))
    # v x z in the earth frame is (vy, -vx, 0); turned back into the sensor frame it is the side vector h.
    hx = r00 * vy - r10 * vx
    hy = r01 * vy - r11 * vx
    hz = r02 * vy - r12 * vx
    dw = w - s.mean_rate
    dx = hx - s.mean_side[0]
    dy = hy - s.mean_side[1]
    dz = hz - s.mean_side[2]
    s.mean_rate += gain * dw
    s.mean_side[0] += gain * dx
    s.mean_side[1] += gain * dy
    s.mean_side[2] += gain * dz
    keep = 1.0 - gain
    s.var_rate = keep * (s.var_rate + gain * dw * dw)
    s.var_side = keep * (s.var_side + gain * (dx * dx + dy * dy + dz * dz))
    s.cross[0] = keep * (s.cross[0] + gain * dw * dx)
    s.cross[1] = keep * (s.cross[1] + gain * dw * dy)
    s.cross[2] = keep * (s.cross[2] + gain * dw * dz)


@kernel
def restart(s: Any) -> None:
    """Forget all samples: what comes next speaks alone."""
    s.rates.warm = 0
    s.rates.count_n = 0.0
    for i in range(3):
        s.rates.s1[i] = s.rates.s2[i] = 0.0
        s.up[i] = s.velocity[i] = s.mean_side[i] = s.cross[i] = 0.0
    s.active_n = s.stance_n = s.mean_rate = s.var_rate = s.var_side = 0.0


@kernel
def solve(s: Any) -> None:
    """Write the axes that the motion so far speaks for: `left`, `z`, `ratio` of variances, `confidence` of the sign.

    `ratio` is the variance of the angular rate along y over that along x (1: no axis stands out); `confidence` the
    correlation, 0 to 1, of the angular rate's magnitude with the forward velocity.
    """
    n = sqrt(s.up[0] ** 2 + s.up[1] ** 2 + s.up[2] ** 2)
    if n < 1e-9 or s.active_n < 2.0:
        s.ratio = 1.0
        s.confidence = 0.0
        return
    zx, zy, zz = s.up[0] / n, s.up[1] / n, s.up[2] / n
    yx, yy, yz, ratio = across(s.cov, zx, zy, zz)
    if ratio == 0.0:
        s.ratio = 1.0
        s.confidence = 0.0
        return
    cov = yx * s.cross[0] + yy * s.cross[1] + yz * s.cross[2]
    sign = -1.0 if cov > 0.0 else 1.0
    s.left[0], s.left[1], s.left[2] = sign * yx, sign * yy, sign * yz
    s.z[0], s.z[1], s.z[2] = zx, zy, zz
    s.ratio = ratio
    s.confidence = abs(cov) / sqrt(max(s.var_rate * s.var_side, 1e-18))
