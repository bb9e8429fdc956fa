"""Streaming second-order Butterworth low-pass for a bank of channels that share one time constant.

The time constant is the damping of the filter's pair of poles: cut-off frequency fc = sqrt(2) / (2 pi tau). Until
`tau` seconds have passed the output is the plain mean of what came in, and that mean then becomes the steady state of
the recursion, so that a filter of 3 s is useful after its first sample.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ankled.kernels.jit import kernel


def bank_dtype(channels: int) -> np.dtype[np.void]:
    """Return the record type of a bank of `channels` filters with common coefficients."""
    return np.dtype(
        [
            ("b0", "f8"),
            ("a1", "f8"),
            ("a2", "f8"),
            ("ts_s", "f8"),
            ("tau_s", "f8"),
            ("count_n", "f8"),
            ("warm", "i8"),
            ("s1", "f8", (channels,)),
            ("s2", "f8", (channels,)),
        ],
        align=True,
    )


def coefficients(tau_s: float, ts_s: float) -> tuple[float, float, float]:
    """Return (b0, a1, a2) of the bilinear second-order Butterworth low-pass; b1 = 2 b0 and b2 = b0.

    `tau_s` is the time constant and `ts_s` the sample period, both positive. At a period of pi tau / sqrt(2) the
    cut-off reaches the Nyquist frequency; there is no such filter from there on, and a ValueError says so.
    """
    longest_s = math.pi / math.sqrt(2.0) * tau_s
    if not 0.0 < ts_s < longest_s:
        message = f"a low-pass of {tau_s} s needs a sample period below {longest_s:.3g} s; it is {ts_s} s"
        raise ValueError(message)
    warped = math.tan(ts_s / (math.sqrt(2.0) * tau_s))
    scale = warped * warped + math.sqrt(2.0) * warped + 1.0
    return (
        warped * warped / scale,
        2.0 * (warped * warped - 1.0) / scale,
        (1.0 - math.sqrt(2.0) * warped + warped * warped) / scale,
    )


def init_bank(bank: Any, tau_s: float, ts_s: float) -> None:
    """Fill the record `bank` (of `bank_dtype`) for time constant `tau_s` and sample period `ts_s`."""
    bank["b0"], bank["a1"], bank["a2"] = coefficients(tau_s, ts_s)
    bank["ts_s"] = ts_s
    bank["tau_s"] = tau_s
    bank["warm"] = 0


@kernel
def lowpass(bank: Any, channel: int, x: float) -> float:
    """Return the next output of one channel. Each channel is fed once per sample, then `advance` is called once."""
    if bank.warm:
        bx = bank.b0 * x
        y = bx + bank.s1[channel]
        bank.s1[channel] = 2.0 * bx - bank.a1 * y + bank.s2[channel]
        bank.s2[channel] = bx - bank.a2 * y
        return y
    count_n = bank.count_n + 1.0
    total = bank.s1[channel] + x
    y = total / count_n
    if count_n * bank.ts_s >= bank.tau_s:  # the last sample of the mean: leave the state of a constant input y
        bank.s1[channel] = y * (1.0 - bank.b0)
        bank.s2[channel] = y * (bank.b0 - bank.a2)
    else:
        bank.s1[channel] = total
    return y


@kernel
def advance(bank: Any) -> None:
    """Count one sample of a bank whose channels have all been fed."""
    if not bank.warm:
        bank.count_n += 1.0
        if bank.count_n * bank.ts_s >= bank.tau_s:
            bank.warm = 1
