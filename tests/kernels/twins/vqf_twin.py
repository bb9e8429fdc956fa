"""VQF without magnetometer, slow and plain: the formulas of Laidig & Seel 2023 (doi 10.1016/j.inffus.2022.10.014)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class MeanThenButterworth:
    """Second-order Butterworth low-pass of an array; the mean of the first `tau` seconds starts it."""

    def __init__(self, tau: float, ts: float) -> None:
        self.tau, self.ts = tau, ts
        # Bilinear transform of 1 / (s^2 + sqrt(2) s + 1) at the pre-warped cut-off frequency.
        wc = np.tan(np.pi * np.sqrt(2) / (2 * np.pi * tau) * ts)
        self.a = np.array([1 + np.sqrt(2) * wc + wc**2, 2 * wc**2 - 2, 1 - np.sqrt(2) * wc + wc**2])
        self.b = np.array([wc**2, 2 * wc**2, wc**2]) / self.a[0]
        self.a /= self.a[0]
        self.first: list[FloatArray] = []
        self.x: list[FloatArray] | None = None
        self.y: list[FloatArray] = []

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the output for the next input."""
        x = np.array(x, float)
        if self.x is None:
            self.first.append(x)
            mean = np.mean(self.first, axis=0)
            if len(self.first) * self.ts >= self.tau:
                self.x, self.y = [mean, mean], [mean, mean]  # as if the mean had come in for ever
            return mean
        y = (
            self.b[0] * x
            + self.b[1] * self.x[0]
            + self.b[2] * self.x[1]
            - self.a[1] * self.y[0]
            - self.a[2] * self.y[1]
        )
        self.x, self.y = [x, self.x[0]], [y, self.y[0]]
        return y


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Hamilton product."""
    vector = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    return np.array([a[0] * b[0] - a[1:] @ b[1:], *vector])


def matrix(q: FloatArray) -> FloatArray:
    """Rotation matrix of a unit quaternion, by Rodrigues' formula."""
    w, v = q[0], q[1:]
    cross = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + 2 * w * cross + 2 * cross @ cross


def unit(v: FloatArray) -> FloatArray:
    """Return v at length one."""
    return v / np.linalg.norm(v)


def vqf_6d(gyr: FloatArray, acc: FloatArray, rate_hz: float) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return quaternions (n, 4), biases (n, 3) in rad/s and rest flags (n,) with the authors' default parameters."""
    ts = 1 / rate_hz
    gyr_quat, acc_quat = np.array([1.0, 0, 0, 0]), np.array([1.0, 0, 0, 0])
    bias, p = np.zeros(3), np.eye(3) * 50.0**2  # 0.5 deg/s in hundredths, squared
    v = 10.0**2 * ts / 100.0
    w_motion = 10.0**4 / v + 10.0**2
    w_rest = 3.0**4 / v + 3.0**2
    clip = np.deg2rad(2.0)
    lp_gyr, lp_acc = MeanThenButterworth(0.5, ts), MeanThenButterworth(0.5, ts)
    lp_i, lp_r, lp_b = (MeanThenButterworth(3.0, ts) for _ in range(3))
    rest_t, rest = 0.0, False
    out = []
    for w, a in zip(gyr, acc, strict=True):
        w_lp = lp_gyr(w)
        if np.sum((w - w_lp) ** 2) >= np.deg2rad(2.0) ** 2 or np.abs(w_lp).max() > clip:
            rest_t, rest = 0.0, False
        angle = np.linalg.norm(w - bias) * ts
        if angle > 0:
            axis = unit(w - bias)
            gyr_quat = unit(product(gyr_quat, np.array([np.cos(angle / 2), *(np.sin(angle / 2) * axis)])))
        if np.any(a != 0):
            if np.sum((a - lp_acc(a)) ** 2) >= 0.5**2:
                rest_t, rest = 0.0, False
            else:
                rest_t += ts
                rest = rest or rest_t >= 1.5
            e = matrix(acc_quat) @ lp_i(matrix(gyr_quat) @ a)
            e = unit(e) if np.linalg.norm(e) > 0 else e
            half = np.sqrt((e[2] + 1) / 2)
            acc_quat = unit(product(np.array([half, e[1] / 2 / half, -e[0] / 2 / half, 0]), acc_quat))
            r = matrix(product(acc_quat, gyr_quat))
            b_lp, r = lp_b((r @ bias)[:2]), lp_r(r)
            if rest:
                innovation, h, noise = w_lp - bias, np.eye(3), np.eye(3) * w_rest
            else:
                innovation = np.array([-e[1] / ts + b_lp[0], e[0] / ts + b_lp[1], 0]) - r @ bias
                h, noise = r, np.diag([w_motion, w_motion, w_motion / 1e-4])
            p += np.diag(np.where(np.diag(p) < 50.0**2, v, 0.0))
            gain = p @ h.T @ np.linalg.inv(noise + h @ p @ h.T)
            bias = np.clip(bias + gain @ np.clip(innovation, -clip, clip), -clip, clip)
            p = p - gain @ h @ p
        out.append((product(acc_quat, gyr_quat), bias, rest))
    quat, biases, rests = zip(*out, strict=True)
    return np.array(quat), np.array(biases), np.array(rests)
