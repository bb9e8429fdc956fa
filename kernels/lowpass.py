"""Streaming second-order Butterworth low-pass for a bank of channels that share one time constant.

The time constant is the damping of the filter's pair of poles: cut-off frequency fc = sqrt(2) / (2 pi tau). Until
`tau` seconds have passed the output is the plain mean of what came in, and that mean then becomes the steady state of
the recursion, so that a filter of 3 s is useful after its first sample.

A sample of a channel costs no branch for that: while the mean lasts, the recursion runs with other coefficients, and
`advance` puts right what it leaves.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ankled.kernels.jit import inlined, kernel


def bank_dtype(channels: int) -> np.dtype[np.void]:
    """Return the record type of a bank of `channels` filters with common coefficients."""
    return np.dtype(
        [
            ("b0", "f8"),  # in use: y = b0 x + s1, s1 = 2 b0 x + s2 + c1 y, s2 = b0 x + c2 y
            ("c1", "f8"),
            ("c2", "f8"),
            ("s1", "f8", (channels,)),
            ("s2", "f8", (channels,)),
            ("warm", "i8"),
            ("count_n", "f8"),
            ("ts_s", "f8"),
            ("tau_s", "f8"),
            ("later", "f8", (3,)),  # b0, c1 and c2 of the Butterworth filter
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
    b0, a1, a2 = coefficients(tau_s, ts_s)
    bank["later"] = b0, -a1, -a2
    bank["ts_s"] = ts_s
    bank["tau_s"] = tau_s
    bank["count_n"] = 0.0
    bank["warm"] = 0
    bank["s1"] = bank["s2"] = 0.0
    bank["b0"] = bank["c1"] = bank["c2"] = 1.0


@inlined
def lowpass(bank: Any, channel: int, x: float) -> float:
    """Return the next output of one channel. Each channel is fed once per sample, then `advance` is called once."""
    bx = bank.b0 * x
    y = bx + bank.s1[channel]
    bank.s1[channel] = (bx + bx + bank.s2[channel]) + bank.c1 * y
    bank.s2[channel] = bx + bank.c2 * y
    return y


@inlined
def advance(bank: Any) -> None:
    """Count one sample of a bank whose channels have all been fed."""
    if not bank.warm:
        _average(bank)


@kernel
def _average(bank: Any) -> None:
    """Make of what the recursion left the memory of a mean, or after the last sample of that the steady state.

    The mean of n is x / n plus that of n - 1 times (n - 1) / n. With both c at 1 and s2 at 0 before, s1 has become
    2 b0 x + y and s2 has become b0 x + y, so the output y is the difference of the doubled latter and the former.
    """
    bank.count_n += 1.0
    n = bank.count_n
    last = n * bank.ts_s >= bank.tau_s
    b0, c1, c2 = bank.later[0], bank.later[1], bank.later[2]
    for i in range(len(bank.s1)):
        y = 2.0 * bank.s2[i] - bank.s1[i]
        bank.s1[i] = y * (1.0 - b0) if last else y * (n / (n + 1.0))
        bank.s2[i] = y * (b0 + c2) if last else 0.0
    bank.b0 = 1.0 / (n + 1.0)
    if last:
        bank.warm = 1
        bank.b0 = b0
        bank.c1 = c1
        bank.c2 = c2


@inlined
def copy(bank: Any, other: Any) -> None:
    """Make `bank` what `other`, a bank with as many channels and the same time constant, is."""
    bank.b0 = other.b0
    bank.c1 = other.c1
    bank.c2 = other.c2
    bank.warm = other.warm
    bank.count_n = other.count_n
    for i in range(len(bank.s1)):
        bank.s1[i] = other.s1[i]
        bank.s2[i] = other.s2[i]
