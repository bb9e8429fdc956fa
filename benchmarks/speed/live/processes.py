"""Processes of a case: started, waited for with deadlines, asked to end, and looked at from outside."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple, Self

from benchmarks.speed.live.cast import READY

_ROOT = Path(__file__).resolve().parents[3]
_PATIENCE_S = 90.0
_TICKS_HZ = os.sysconf("SC_CLK_TCK")


class NotMeasuredError(Exception):
    """Something that a measurement needs is not there, or failed; the message says what."""


class Spent(NamedTuple):
    """Time of a process so far, all threads together: on a core, and ready to run but without one."""

    busy_s: float
    waited_s: float


class Child:
    """One module of this package in a process of its own. Leaving the context kills it, if it has not ended.

    What it and the others say on standard error goes to `log`, and into the errors raised here.
    """

    def __init__(self, name: str, log: Path, *arguments: object) -> None:
        self._name = name
        self._log = log
        self._words = [sys.executable, "-m", f"benchmarks.speed.live.{name}", *map(str, arguments)]
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._words, env=os.environ | {"PYTHONPATH": path}, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._running.returncode is None:
            self._running.kill()
            await self._running.communicate()

    async def ready(self) -> None:
        """Wait until it says that it is. Raises NotMeasuredError."""
        assert self._running.stdout is not None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                line = await self._running.stdout.readline()
        except TimeoutError:
            raise self._failed(f"was not ready within {_PATIENCE_S:g} s") from None
        if line.strip() != READY.encode():
            raise self._failed("ended too early")

    async def end(self) -> bytes:
        """Ask it to end and return what it said at last. Raises NotMeasuredError."""
        if self._running.returncode is None:
            self._running.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                out, _ = await self._running.communicate()
        except TimeoutError:
            raise self._failed(f"did not end within {_PATIENCE_S:g} s") from None
        if self._running.returncode:
            raise self._failed("failed")
        return out

    def spent(self) -> Spent:
        """Return its time so far."""
        folder = Path("/proc") / str(self._running.pid)
        fields = (folder / "stat").read_text().rpartition(")")[2].split()  # from the third field of proc(5) on
        waited_ns = sum(int(one.read_text().split()[1]) for one in (folder / "task").glob("*/schedstat"))
        return Spent((int(fields[11]) + int(fields[12])) / _TICKS_HZ, waited_ns * 1e-9)

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    def _failed(self, what: str) -> NotMeasuredError:
        told = self._log.read_text(errors="replace").strip()
        return NotMeasuredError(f"{self._name} {what}{': ' if told else ''}{told}")
