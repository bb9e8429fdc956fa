"""The clock of Movella DOT: microseconds in 32 bits, which begin again every 71.6 minutes."""

from __future__ import annotations

from typing import Final

import msgspec

MODULUS_US: Final = 1 << 32
"""XD0506P rev F, 3.5, A. A sample of the vendor rolls over at one microsecond less, which is wrong."""

_LONGEST_GAP_US: Final = 60_000_000
"""A step back is a wrap only if it leads on from the last stamp by no more than this; else the clock began anew."""


class ClockState(msgspec.Struct, kw_only=True):
    """The last stamp as sent, how often it has wrapped, and the rate that tells how many samples are missing."""

    last_us: int | None = None
    wraps: int = 0
    rate_hz: float | None = None


def begun_at(state: ClockState, time_s: float) -> None:
    """Go on from a sample whose unwrapped time is known, in s."""
    state.wraps, state.last_us = divmod(round(time_s * 1e6), MODULUS_US)


def unwrap(state: ClockState, stamp_us: int) -> tuple[float, int]:
    """Return the unwrapped time in s of a sample, and how many are missing before it.

    A stamp that steps back, as after a restart of the sensor, is given as sent, with the wraps so far.
    """
    missing = 0
    if state.last_us is not None:
        step_us = (stamp_us - state.last_us) % MODULUS_US
        if step_us <= _LONGEST_GAP_US:
            state.wraps += stamp_us < state.last_us
            if state.rate_hz is not None:
                missing = max(0, round(step_us * 1e-6 * state.rate_hz) - 1)
    state.last_us = stamp_us
    return (state.wraps * MODULUS_US + stamp_us) * 1e-6, missing
