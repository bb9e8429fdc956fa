"""The virtual clock: waiting takes no time, order is kept, two runs are alike."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ankled.simulators.radio import virtual
from ankled.simulators.radio.errors import RadioError
from ankled.simulators.radio.virtual import run_virtual
from tests.simulators.beeper import Session, found, world


def test_waiting_takes_no_time_and_the_clock_begins_at_zero() -> None:
    """A day passes on the loop's clock and not on ours."""

    async def day() -> tuple[float, float]:
        begun_s = asyncio.get_running_loop().time()
        await asyncio.sleep(86400.0)
        return begun_s, asyncio.get_running_loop().time()

    begun_s, ended_s = run_virtual(day())
    assert begun_s == 0.0
    assert ended_s == pytest.approx(86400.0)


def test_what_is_due_first_runs_first_and_equals_keep_their_order() -> None:
    """Timers fire by time, then by when they were set."""

    async def fired() -> list[str]:
        loop = asyncio.get_running_loop()
        names: list[str] = []
        for name, at_s in (("late", 3.0), ("a", 1.0), ("b", 1.0), ("early", 0.5), ("c", 1.0)):
            loop.call_at(at_s, names.append, name)
        await asyncio.sleep(10.0)
        return names

    assert run_virtual(fired()) == ["early", "a", "b", "c", "late"]


def test_timeouts_work() -> None:
    """asyncio.timeout goes by the virtual clock."""

    async def wait() -> None:
        async with asyncio.timeout(30.0):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        run_virtual(wait())


def test_a_thread_can_still_wake_the_loop() -> None:
    """With nothing else to come the loop waits for threads in real time, as any loop does."""

    async def woken() -> str:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        threading.Timer(0.05, lambda: loop.call_soon_threadsafe(future.set_result, "woken")).start()
        return await future

    assert run_virtual(woken()) == "woken"


def test_a_loop_in_which_nothing_can_happen_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadlock is an error and not a hang."""
    monkeypatch.setattr(virtual, "STUCK_S", 0.05)
    with pytest.raises(RadioError, match="stands still"):
        run_virtual(asyncio.Event().wait())


ROOT = Path(__file__).resolve().parents[2]


async def _heard() -> str:
    """Return a digest of everything that two streaming devices send, and when."""
    air = world("left", "right")
    async with air:
        central = await air.central()
        sessions = [Session(await found(air, central, label), central, air) for label in air.labels]
        for session in sessions:
            await session.client.connect()
            await session.stream(100)
        await asyncio.sleep(20.0)
        received = [session.received for session in sessions]
        for session in sessions:
            await session.client.disconnect()
    assert all(len(each) > 1900 for each in received)
    return hashlib.sha256(repr(received).encode()).hexdigest()


def test_two_runs_are_alike_to_the_bit() -> None:
    """Same packets, same times, in the same process."""
    assert run_virtual(_heard()) == run_virtual(_heard())


def test_runs_are_alike_whatever_the_hash_seed() -> None:
    """Nothing depends on the order of a set or on where objects lie in memory."""
    code = "from tests.simulators.test_radio_virtual import _heard, run_virtual; print(run_virtual(_heard()))"
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout.strip())
    assert digests == {run_virtual(_heard())}
