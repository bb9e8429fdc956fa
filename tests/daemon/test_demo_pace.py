"""The clock of a demonstration in a hurry: in order, never faster than asked, and patient with who lives outside."""

from __future__ import annotations

import asyncio
import time
from itertools import count
from typing import TYPE_CHECKING, TypeVar

import pytest

from ankled.daemon.demo import pace

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

T = TypeVar("T")
SPEED = 200.0


def paced(work: Coroutine[Any, Any, T]) -> T:
    """Run at this speed."""
    with asyncio.Runner(loop_factory=pace.factory(SPEED)) as runner:
        return runner.run(work)


async def ticking() -> None:
    """Be a program that always has a timer set, as one with a screen has."""
    for _ in count():
        await asyncio.sleep(0.1)


def test_real_time_needs_no_clock_of_its_own() -> None:
    """Speed 1 is asyncio's usual loop."""
    assert pace.factory(1.0) is None


def test_timers_fire_in_order_and_on_time() -> None:
    """By the clock of the loop each sleep lasts as long as asked, and a shorter one ends first."""

    async def work() -> list[float]:
        loop, ended = asyncio.get_running_loop(), []

        async def sleep(duration_s: float) -> None:
            began_s = loop.time()
            await asyncio.sleep(duration_s)
            ended.append(duration_s)
            assert loop.time() - began_s == pytest.approx(duration_s, abs=1e-6)

        await asyncio.gather(*(sleep(duration_s) for duration_s in (30.0, 10.0, 20.0, 0.25)))
        return ended

    assert paced(work()) == [0.25, 10.0, 20.0, 30.0]


def test_the_clock_stands_still_while_code_runs() -> None:
    """Work that takes long does not make its own deadline pass."""

    async def work() -> None:
        async with asyncio.timeout(1.0):
            time.sleep(0.1)  # noqa: ASYNC251 - the work of the process itself, 20 s long at this speed
            await asyncio.sleep(0.5)

    paced(work())


def test_lost_time_is_not_made_up_for_at_once() -> None:
    """After a long stop the clock goes on at its speed: who answers from outside keeps the time he was promised."""

    async def work() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        ticks = asyncio.create_task(ticking())
        time.sleep(0.6)  # noqa: ASYNC251 - as above
        began_s, began_real_s = loop.time(), time.monotonic()
        await asyncio.sleep(SPEED * 0.4)
        passed = loop.time() - began_s, time.monotonic() - began_real_s
        ticks.cancel()
        return passed

    passed_s, passed_real_s = paced(work())
    assert passed_s <= SPEED * (passed_real_s + pace._LATE_S) + 0.2


def test_patience_is_real_time() -> None:
    """Half a minute of patience outlasts a thread that takes a moment, at any speed."""

    async def work() -> float:
        ticks = asyncio.create_task(ticking())
        async with asyncio.timeout(pace.patience(30.0)):
            await asyncio.to_thread(time.sleep, 0.3)  # 60 s by this clock
        ticks.cancel()
        return pace.patience(30.0)

    assert paced(work()) == 30.0 * SPEED
    assert asyncio.run(work()) == 30.0
