"""Orientation from gyroscope and accelerometer: VQF without magnetometer, streaming.

Laidig & Seel, VQF: Highly accurate IMU orientation estimation with bias estimation and magnetic disturbance
rejection, Information Fusion 91 (2023) 187-204, doi 10.1016/j.inffus.2022.10.014. Three parts, in this order for each
sample: the gyroscope is integrated in an almost-inertial frame that drifts slowly; the specific force, rotated into
that frame, is low-passed there, where gravity hardly moves, and its direction corrects the inclination; a Kalman
filter with three states watches the corrections (in motion) or the low-passed rate (at rest) for the gyroscope's bias.

Deviations from the paper, all below 1e-12 in the result: quaternions are renormalised by one Newton step instead of a
root and a division; sines, cosines and roots of what is small are power series (quaternions.py); the covariance of the
bias is kept as a symmetric matrix, and its gain is divided by the determinant last. The angular rate of the correction
is not reported.

The next sample needs the bias that this one leaves, so what a sample costs is the longest chain of operations from one
bias to the next. Sums are bracketed and products are formed early so that this chain is short.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.jit import inlined, kernel
from ankled.kernels.lowpass import advance, bank_dtype, init_bank, lowpass
from ankled.kernels.quaternions import (
    half_tilt,
    half_turn,
    inverse_length,
    multiply,
    multiply_vector,
    rotate,
    store_unit,
    tilt,
)
from ankled.kernels.vqf_bias import correct_bias
from ankled.kernels.vqf_rest import watch_force, watch_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Params:
    """The settings of the filter; the defaults are the authors'."""

    tau_acc_s: float = 3.0
    """Time constant of the low-pass of the specific force in the almost-inertial frame."""
    bias_sigma_init_deg_s: float = 0.5
    """Standard deviation of the gyroscope's bias at the start."""
    bias_forgetting_s: float = 100.0
    """Time in which the uncertainty of the bias grows from 0 to 0.1 deg/s."""
    bias_clip_deg_s: float = 2.0
    """Largest bias believed in; also the largest low-passed rate taken for rest."""
    bias_sigma_motion_deg_s: float = 0.1
    """Uncertainty to which the bias converges in motion; smaller is slower."""
    bias_vertical_forgetting: float = 1e-4
    """Weight of the pull of the unobservable vertical bias to zero in motion."""
    bias_sigma_rest_deg_s: float = 0.03
    """Uncertainty to which the bias converges at rest."""
    rest_min_s: float = 1.5
    """Rest is declared after this long within the thresholds."""
    rest_tau_s: float = 0.5
    """Time constant of the low-pass from which deviations are measured."""
    rest_gyr_deg_s: float = 2.0
    """Largest deviation of the angular rate at rest."""
    rest_acc_mps2: float = 0.5
    """Largest deviation of the specific force at rest."""


STATE = np.dtype(
    [
        ("quat", "f8", (4,)),  # sensor -> earth: the product of the next two
        ("bias", "f8", (3,)),  # rad/s
        ("rest", "i8"),
        ("gyr_quat", "f8", (4,)),  # sensor -> almost-inertial frame
        ("acc_quat", "f8", (4,)),  # almost-inertial frame -> earth
        ("rest_s", "f8"),
        ("rest_rate", "f8", (3,)),  # low-passed rate, rad/s
        ("cov", "f8", (6,)),  # xx xy xz yy yz zz, (0.01 deg/s)^2
        ("rest_gyr", bank_dtype(3)),
        ("rest_acc", bank_dtype(3)),
        ("slow", bank_dtype(14)),  # specific force 3, rotation matrix 9, bias in earth axes 2
        ("ts_s", "f8"),
        ("rate_hz", "f8"),
        ("rest_min_s", "f8"),
        ("rest_gyr2", "f8"),
        ("rest_acc2", "f8"),
        ("bias_clip", "f8"),
        ("cov_max", "f8"),
        ("cov_growth", "f8"),
        ("w_motion", "f8"),
        ("w_vertical", "f8"),
        ("w_rest", "f8"),
    ],
    align=True,
)
"""One sensor's filter: results first, then memory, then coefficients."""

_HUNDREDTHS = 100.0
"""The covariance is in (0.01 deg/s)^2, which keeps its entries near one."""
_UPSIDE_DOWN = 2e-12 - 1.0
"""Cosine of the inclination's error from which on the way back to the vertical is any."""
_EPS2 = float(np.finfo(np.float64).eps) ** 2
"""A squared norm below this is no direction."""


def init(params: Params, rate_hz: float) -> NDArray[np.void]:
    """Return the state before the first sample, shape (1,), for a uniform grid of `rate_hz`."""
    if not rate_hz > 0.0:
        message = f"rate_hz is {rate_hz}; it must be above zero"
        raise ValueError(message)
    state = np.zeros(1, STATE)
    s: Any = state[0]
    ts_s = 1.0 / rate_hz
    s["quat"][0] = s["gyr_quat"][0] = s["acc_quat"][0] = 1.0
    s["ts_s"] = ts_s
    s["rate_hz"] = rate_hz
    init_bank(s["rest_gyr"], params.rest_tau_s, ts_s)
    init_bank(s["rest_acc"], params.rest_tau_s, ts_s)
    init_bank(s["slow"], params.tau_acc_s, ts_s)
    s["rest_min_s"] = params.rest_min_s
    s["rest_gyr2"] = math.radians(params.rest_gyr_deg_s) ** 2
    s["rest_acc2"] = params.rest_acc_mps2**2
    s["bias_clip"] = math.radians(params.bias_clip_deg_s)
    s["cov_max"] = (params.bias_sigma_init_deg_s * _HUNDREDTHS) ** 2
    s["cov"][[0, 3, 5]] = s["cov_max"]
    # The variance grows by (0.1 deg/s)^2 in the forgetting time; each W is the measurement noise with which the
    # filter settles at the wished variance p: in balance p^2 / (p + W) replaces what a step adds, so W = p^2/v + p.
    growth = (0.1 * _HUNDREDTHS) ** 2 * ts_s / params.bias_forgetting_s
    motion = (params.bias_sigma_motion_deg_s * _HUNDREDTHS) ** 2
    rest = (params.bias_sigma_rest_deg_s * _HUNDREDTHS) ** 2
    s["cov_growth"] = growth
    s["w_motion"] = motion * motion / growth + motion
    s["w_vertical"] = s["w_motion"] / max(params.bias_vertical_forgetting, 1e-10)
    s["w_rest"] = rest * rest / growth + rest
    return state


@inlined
def step(s: Any, gx: float, gy: float, gz: float, ax: float, ay: float, az: float) -> None:
    """Take one sample: angular rate in rad/s, specific force in m/s2, both finite.

    Afterwards `s.quat` is the orientation (w, x, y, z) from sensor to earth axes, z up, heading free; `s.bias` the
    gyroscope's bias, rad/s; `s.rest` 1 at rest, else 0. A specific force of exactly zero says nothing about the
    vertical: then only the angular rate is used.
    """
    watch_rate(s, gx, gy, gz)
    # Strapdown: g (cos h, sin h hx / h, ...) = cos h g + sin h / h (g hx)
    half = 0.5 * s.ts_s
    hx = half * (gx - s.bias[0])
    hy = half * (gy - s.bias[1])
    hz = half * (gz - s.bias[2])
    c, k = half_turn((hx * hx + hy * hy) + hz * hz)
    g = s.gyr_quat
    gw, gi, gj, gk = g[0], g[1], g[2], g[3]
    dw, di, dj, dk = multiply_vector(gw, gi, gj, gk, hx, hy, hz)
    gw, gi, gj, gk = c * gw + k * dw, c * gi + k * di, c * gj + k * dj, c * gk + k * dk
    store_unit(g, gw, gi, gj, gk)
    a = s.acc_quat
    q = s.quat
    aw, ai, aj, ak = a[0], a[1], a[2], a[3]
    qw, qi, qj, qk = multiply(aw, ai, aj, ak, gw, gi, gj, gk)
    if ax == 0.0 and ay == 0.0 and az == 0.0:
        q[0], q[1], q[2], q[3] = qw, qi, qj, qk
        return
    watch_force(s, ax, ay, az)
    bank = s.slow
    near2 = (bank.s1[0] * bank.s1[0] + bank.s1[1] * bank.s1[1]) + bank.s1[2] * bank.s1[2]
    ix, iy, iz = rotate(gw, gi, gj, gk, ax, ay, az)
    ix = lowpass(bank, 0, ix)
    iy = lowpass(bank, 1, iy)
    iz = lowpass(bank, 2, iz)
    ex, ey, ez = rotate(aw, ai, aj, ak, ix, iy, iz)
    norm2 = (ix * ix + iy * iy) + iz * iz
    if norm2 < _EPS2:
        ex = ey = 0.0
    else:
        scale = inverse_length(norm2, near2)
        ex *= scale
        ey *= scale
        ez *= scale
        if ez > _UPSIDE_DOWN:
            c, k = half_tilt(ex * ex + ey * ey, ez)
            ci, cj = k * ey, -k * ex
            aw, ai, aj, ak = tilt(c, ci, cj, aw, ai, aj, ak)
            qw, qi, qj, qk = tilt(c, ci, cj, qw, qi, qj, qk)
        else:  # half a turn about any horizontal axis
            aw, ai, aj, ak = -ai, aw, -ak, aj
            qw, qi, qj, qk = -qi, qw, -qk, qj
        store_unit(a, aw, ai, aj, ak)
    q[0], q[1], q[2], q[3] = qw, qi, qj, qk
    correct_bias(s, qw, qi, qj, qk, ex, ey)
    advance(bank)


@kernel
def run(
    state: NDArray[np.void],
    gyr: NDArray[np.float64],
    acc: NDArray[np.float64],
    quat_out: NDArray[np.float64],
    bias_out: NDArray[np.float64],
    rest_out: NDArray[np.bool_],
) -> None:
    """Step through gyr and acc, both (n, 3), and write quaternions (n, 4), biases (n, 3) and rest flags (n,)."""
    s: Any = state[0]
    for i in range(gyr.shape[0]):
        step(s, gyr[i, 0], gyr[i, 1], gyr[i, 2], acc[i, 0], acc[i, 1], acc[i, 2])
        for j in range(4):
            quat_out[i, j] = s.quat[j]
        for j in range(3):
            bias_out[i, j] = s.bias[j]
        rest_out[i] = s.rest != 0
