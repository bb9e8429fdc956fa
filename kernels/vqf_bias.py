"""The gyroscope's bias: the Kalman filter inside the orientation filter of vqf.py.

In motion the measured quantity is how far the inclination has to be corrected per second, plus what the present bias
explains; it passes through the same low-pass as the specific force, so the rotation matrix R and the bias in earth
axes do so, too. At rest it is the low-passed angular rate itself. Section 3.3 of the paper named in vqf.py.
"""

from __future__ import annotations

import math
from typing import Any

from ankled.kernels.jit import inlined, kernel
from ankled.kernels.lowpass import lowpass


@inlined
def _clip(value: float, limit: float) -> float:
    """Return `value` limited to -limit .. limit."""
    return min(max(value, -limit), limit)


@inlined
def _update(
    s: Any,
    r: tuple[float, float, float, float, float, float, float, float, float],
    e: tuple[float, float, float],
    w: tuple[float, float, float],
) -> None:
    """Correct bias and covariance by the innovation `e` of the measurement matrix `r` with noise `w`.

    S = W + R P R', bias += P R' S^-1 e, P -= P R' S^-1 R P, with P and S symmetric and S inverted by its adjugate.
    """
    r00, r01, r02, r10, r11, r12, r20, r21, r22 = r
    p = s.cov
    pxx, pxy, pxz, pyy, pyz, pzz = p[0], p[1], p[2], p[3], p[4], p[5]
    # M = P R'
    m00 = (pxx * r00 + pxy * r01) + pxz * r02
    m10 = (pxy * r00 + pyy * r01) + pyz * r02
    m20 = (pxz * r00 + pyz * r01) + pzz * r02
    m01 = (pxx * r10 + pxy * r11) + pxz * r12
    m11 = (pxy * r10 + pyy * r11) + pyz * r12
    m21 = (pxz * r10 + pyz * r11) + pzz * r12
    m02 = (pxx * r20 + pxy * r21) + pxz * r22
    m12 = (pxy * r20 + pyy * r21) + pyz * r22
    m22 = (pxz * r20 + pyz * r21) + pzz * r22
    # S = W + R M
    sxx = (w[0] + r00 * m00) + (r01 * m10 + r02 * m20)
    sxy = (r00 * m01 + r01 * m11) + r02 * m21
    sxz = (r00 * m02 + r01 * m12) + r02 * m22
    syy = (w[1] + r10 * m01) + (r11 * m11 + r12 * m21)
    syz = (r10 * m02 + r11 * m12) + r12 * m22
    szz = (w[2] + r20 * m02) + (r21 * m12 + r22 * m22)
    # C = adj S = det S S^-1
    cxx = syy * szz - syz * syz
    cxy = sxz * syz - sxy * szz
    cxz = sxy * syz - sxz * syy
    cyy = sxx * szz - sxz * sxz
    cyz = sxy * sxz - sxx * syz
    czz = sxx * syy - sxy * sxy
    inv = 1.0 / ((sxx * cxx + sxy * cxy) + sxz * cxz)
    # K det S = M C
    k00 = (m00 * cxx + m01 * cxy) + m02 * cxz
    k01 = (m00 * cxy + m01 * cyy) + m02 * cyz
    k02 = (m00 * cxz + m01 * cyz) + m02 * czz
    k10 = (m10 * cxx + m11 * cxy) + m12 * cxz
    k11 = (m10 * cxy + m11 * cyy) + m12 * cyz
    k12 = (m10 * cxz + m11 * cyz) + m12 * czz
    k20 = (m20 * cxx + m21 * cxy) + m22 * cxz
    k21 = (m20 * cxy + m21 * cyy) + m22 * cyz
    k22 = (m20 * cxz + m21 * cyz) + m22 * czz
    limit = s.bias_clip
    e0 = _clip(e[0], limit)
    e1 = _clip(e[1], limit)
    e2 = _clip(e[2], limit)
    b = s.bias
    b[0] = _clip(b[0] + inv * ((k00 * e0 + k01 * e1) + k02 * e2), limit)
    b[1] = _clip(b[1] + inv * ((k10 * e0 + k11 * e1) + k12 * e2), limit)
    b[2] = _clip(b[2] + inv * ((k20 * e0 + k21 * e1) + k22 * e2), limit)
    p[0] = pxx - inv * ((k00 * m00 + k01 * m01) + k02 * m02)
    p[1] = pxy - inv * ((k00 * m10 + k01 * m11) + k02 * m12)
    p[2] = pxz - inv * ((k00 * m20 + k01 * m21) + k02 * m22)
    p[3] = pyy - inv * ((k10 * m10 + k11 * m11) + k12 * m12)
    p[4] = pyz - inv * ((k10 * m20 + k11 * m21) + k12 * m22)
    p[5] = pzz - inv * ((k20 * m20 + k21 * m21) + k22 * m22)


@inlined
def correct_bias(s: Any, w: float, x: float, y: float, z: float, ex: float, ey: float) -> None:
    """Take one sample; (ex, ey) is the horizontal part of the direction of gravity before its correction."""
    x2, y2, z2 = x + x, y + y, z + z
    xx, yy, zz = x2 * x, y2 * y, z2 * z
    xy, xz, yz = x2 * y, x2 * z, y2 * z
    wx, wy, wz = w * x2, w * y2, w * z2
    r00 = 1.0 - (yy + zz)
    r01 = xy - wz
    r02 = xz + wy
    r10 = xy + wz
    r11 = 1.0 - (xx + zz)
    r12 = yz - wx
    r20 = xz - wy
    r21 = yz + wx
    r22 = 1.0 - (xx + yy)
    b = s.bias
    bx, by, bz = b[0], b[1], b[2]
    bank = s.slow
    lx = lowpass(bank, 12, r00 * bx + r01 * by + r02 * bz)
    ly = lowpass(bank, 13, r10 * bx + r11 * by + r12 * bz)
    r00 = lowpass(bank, 3, r00)
    r01 = lowpass(bank, 4, r01)
    r02 = lowpass(bank, 5, r02)
    r10 = lowpass(bank, 6, r10)
    r11 = lowpass(bank, 7, r11)
    r12 = lowpass(bank, 8, r12)
    r20 = lowpass(bank, 9, r20)
    r21 = lowpass(bank, 10, r21)
    r22 = lowpass(bank, 11, r22)
    p = s.cov
    if p[0] < s.cov_max:
        p[0] += s.cov_growth
    if p[3] < s.cov_max:
        p[3] += s.cov_growth
    if p[5] < s.cov_max:
        p[5] += s.cov_growth
    if s.rest:
        rate = s.rest_rate
        _update(
            s,
            (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
            (rate[0] - bx, rate[1] - by, rate[2] - bz),
            (s.w_rest, s.w_rest, s.w_rest),
        )
    else:
        _update(
            s,
            (r00, r01, r02, r10, r11, r12, r20, r21, r22),
            (
                lx - ey * s.rate_hz - (r00 * bx + r01 * by + r02 * bz),
                ly + ex * s.rate_hz - (r10 * bx + r11 * by + r12 * bz),
                -(r20 * bx + r21 * by + r22 * bz),
            ),
            (s.w_motion, s.w_motion, s.w_vertical),
        )


@kernel
def bias_sigma_rad_s(s: Any) -> float:
    """Return an upper bound of the standard deviation of the bias in any direction, rad/s.

    By Gershgorin's theorem no eigenvalue of the covariance is above its largest absolute row sum.
    """
    p = s.cov
    top = max(
        abs(p[0]) + abs(p[1]) + abs(p[2]),
        abs(p[1]) + abs(p[3]) + abs(p[4]),
        abs(p[2]) + abs(p[4]) + abs(p[5]),
    )
    return math.sqrt(min(top, s.cov_max)) * math.pi / 18000.0
