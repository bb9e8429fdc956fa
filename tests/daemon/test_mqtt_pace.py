"""The bound on results a second, on a clock that jumps: exact, whatever the machine is doing."""

from __future__ import annotations

import asyncio

import pytest

from ankled.daemon.mqtt.pace import Pace
from ankled.simulators.radio.virtual import run_virtual


async def _times(pace: Pace, count: int) -> list[float]:
    """Take turns and return when each came."""
    times = []
    for _ in range(count):
        await pace.turn()
        times.append(asyncio.get_running_loop().time())
    return times


@pytest.mark.parametrize("rate_per_s", [10.0, 500.0, 100_000.0])
def test_a_burst_goes_at_once_and_the_rest_at_the_rate(rate_per_s: float) -> None:
    """In any stretch of time there are never more turns than the burst and the rate allow, nor much fewer."""

    async def scenario() -> None:
        burst, count = 50, 500
        times = await _times(Pace(rate_per_s, burst), count)
        begun_s = times[0]
        assert times[burst - 1] == begun_s
        for number, time_s in enumerate(times, start=1):
            assert number <= burst + rate_per_s * (time_s - begun_s) + 1e-6
        assert times[-1] - begun_s <= (count - burst) / rate_per_s + 0.05

    run_virtual(scenario())


def test_rest_fills_the_bucket_no_higher_than_its_rim() -> None:
    """After an hour without a result the next burst is as large as the first, not larger."""

    async def scenario() -> None:
        pace = Pace(100.0, 50)
        await _times(pace, 10)
        await asyncio.sleep(3600.0)
        times = await _times(pace, 51)
        assert times[49] == times[0] < times[50]

    run_virtual(scenario())


def test_without_a_rate_nobody_waits() -> None:
    """A replay goes as fast as the broker takes it."""

    async def scenario() -> None:
        times = await _times(Pace(None, 1), 1000)
        assert times[0] == times[-1]

    run_virtual(scenario())
