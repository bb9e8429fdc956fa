"""The times of samples, from one stamp in whole milliseconds for each payload.

The stamp is that of the first sample. The others follow at the sensor chip's own rate, which is a few percent off the
nominal one and not known: it must be learnt from the stamps, and the rounding to a millisecond must not shake the
times. Both is done by a Kalman filter over (time of the next payload, period of a sample), whose gains follow from what
is known: a rounding error is uniform over 1 ms, a chip is within 5 % (standard deviation) of its nominal rate, and
that rate wanders with the temperature. It settles within two payloads and then moves by about 0.04 ms from one payload
to the next, where bare stamps move by up to 1 ms. Because it only ever follows the stamps, no error adds up; and it
never leaves a stamp by more than `HOLD_S`.

A gap is what the stamps jump beyond half a sample and beyond three standard deviations of what was foreseen. A stamp
that falls behind by as much begins a new line: the sensor's clock began anew. The counter of 32 bits wraps after 49.7
days; only a step back to just above zero from just below the end is taken for that.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from ankled.drivers.samples import FloatArray

WRAP_MS: Final = 1 << 32
WRAP_STEP_MS: Final = 600_000
"""The longest silence over which a wrap is still told from a restart."""

HOLD_S: Final = 1e-3
_ROUNDING_S2: Final = (1e-3) ** 2 / 12.0
_CHIP: Final = 0.05
_WANDER: Final = 1e-5
"""Standard deviation of the change of the period from sample to sample, relative: 100 ppm in a second at 104 Hz."""
_SURE: Final = 3.0
_CLOSEST: Final = 0.1
"""No two samples come closer than this part of a period."""


class Stamps(msgspec.Struct):
    """The line of stamps. `next_s`, `period_s`: what the filter expects; `var_*`: its covariance, in s2."""

    begun: bool = False
    raw_ms: int = 0
    wraps: int = 0
    last_s: float = 0.0
    next_s: float = 0.0
    period_s: float = 0.0
    var_time: float = 0.0
    var_both: float = 0.0
    var_period: float = 0.0


def place(stamps: Stamps, rate_hz: float, raw_ms: int, count: int) -> tuple[FloatArray, int]:
    """Return the times of `count` samples in s on the sensor's clock, and how many are missing before them."""
    stamp_s = _unwrapped(stamps, raw_ms)
    first_s, missing = _followed(stamps, stamp_s) if stamps.begun else (None, 0)
    if first_s is None:
        first_s = _begun(stamps, stamp_s, rate_hz)
    period_s = stamps.period_s
    times: FloatArray = first_s + np.arange(count, dtype=np.float64) * period_s
    if (soonest_s := stamps.last_s + _CLOSEST * period_s) > first_s:
        # The period was taken for too long and the last samples reach into these: they close up, the end stays.
        times = np.linspace(soonest_s, float(times[-1]), count, dtype=np.float64)
    stamps.last_s = float(times[-1])
    _predict(stamps, first_s, count)
    return times, missing


def _unwrapped(stamps: Stamps, raw_ms: int) -> float:
    """Return a stamp in s, over wraps; one that steps back otherwise stays as it was sent."""
    if stamps.begun and raw_ms + WRAP_MS - stamps.raw_ms <= WRAP_STEP_MS:
        stamps.wraps += 1
    stamps.raw_ms = raw_ms
    return (stamps.wraps * WRAP_MS + raw_ms) / 1000.0


def _begun(stamps: Stamps, stamp_s: float, rate_hz: float) -> float:
    """Begin a line at a stamp, with nothing known but the nominal rate; return the stamp."""
    stamps.begun = True
    stamps.last_s = -math.inf
    stamps.period_s = 1.0 / rate_hz
    stamps.var_time, stamps.var_both, stamps.var_period = _ROUNDING_S2, 0.0, (_CHIP / rate_hz) ** 2
    return stamp_s


def _followed(stamps: Stamps, stamp_s: float) -> tuple[float | None, int]:
    """Return the time of a payload's first sample and how many are missing before it; None where a line begins anew."""
    late_s = stamp_s - stamps.next_s
    spread = stamps.var_time + _ROUNDING_S2
    beyond_s = max(0.5 * stamps.period_s, _SURE * math.sqrt(spread))
    if late_s < -beyond_s:
        return None, 0
    if late_s > beyond_s:
        stamps.var_time, stamps.var_both = _ROUNDING_S2, 0.0
        return stamp_s, round(late_s / stamps.period_s)
    gain, period_gain = stamps.var_time / spread, stamps.var_both / spread
    stamps.period_s += period_gain * late_s
    stamps.var_period -= period_gain * stamps.var_both
    stamps.var_time *= 1.0 - gain
    stamps.var_both *= 1.0 - gain
    left_s = (gain - 1.0) * late_s
    return stamp_s + min(max(left_s, -HOLD_S), HOLD_S), 0


def _predict(stamps: Stamps, first_s: float, count: int) -> None:
    """Expect the payload after this one."""
    stamps.next_s = first_s + count * stamps.period_s
    stamps.var_time += count * (2.0 * stamps.var_both + count * stamps.var_period)
    stamps.var_both += count * stamps.var_period
    stamps.var_period += count * (_WANDER * stamps.period_s) ** 2
