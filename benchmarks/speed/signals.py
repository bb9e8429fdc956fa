"""The recording that everything is timed on: a simulated walk of two legs."""

from __future__ import annotations

from ankled.simulators.simulation import simulate
from benchmarks.datasets.common import Recording

RATE_HZ = 100.0
SCENARIO = "walk"


def walk(duration_s: float) -> dict[str, Recording]:
    """Return both legs walking for `duration_s` at 100 Hz."""
    legs = simulate(SCENARIO, rate_hz=RATE_HZ, duration_s=duration_s, with_truth=False).legs
    return {side: Recording(leg.time_s, leg.acc, leg.gyr) for side, leg in legs.items()}
