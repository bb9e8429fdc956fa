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
        self.name = name
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
        if self.running.returncode is None:
            self.running.kill()
            await self.running.communicate()

    async def ready(self, *needed: Child) -> None:
        """Wait until it says that it is, while those that it needs for that live. Raises NotMeasuredError."""
        assert self.running.stdout is not None
        saying = asyncio.create_task(self.running.stdout.readline(), name=f"{self.name} ready")
        ends = {asyncio.create_task(one.running.wait(), name=f"{one.name} ends"): one for one in needed}
        done, late = await asyncio.wait({saying, *ends}, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()
        if not done:
            raise self.failed(f"was not ready within {_PATIENCE_S:g} s")
        if saying not in done or saying.result().strip() != READY.encode():
            over = next((one for task, one in ends.items() if task in done), self)
            raise over.failed("ended too early")

    async def end(self) -> bytes:
        """Ask it to end and return what it said at last. Raises NotMeasuredError."""
        if self.running.returncode is None:
            self.running.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                out, _ = await self.running.communicate()
        except TimeoutError:
            raise self.failed(f"did not end within {_PATIENCE_S:g} s") from None
        if self.running.returncode:
            raise self.failed("failed")
        return out

    def spent(self) -> Spent:
        """Return its time so far."""
        folder = Path("/proc") / str(self.running.pid)
        fields = (folder / "stat").read_text().rpartition(")")[2].split()  # from the third field of proc(5) on
        waited_ns = sum(int(one.read_text().split()[1]) for one in (folder / "task").glob("*/schedstat"))
        return Spent((int(fields[11]) + int(fields[12])) / _TICKS_HZ, waited_ns * 1e-9)

    @property
    def running(self) -> asyncio.subprocess.Process:
        """The process, inside of the context."""
        assert self._process is not None
        return self._process

    def failed(self, what: str) -> NotMeasuredError:
        """Return the error that says what it did, with what everybody said of it."""
        told = self._log.read_text(errors="replace").strip()
        return NotMeasuredError(f"{self.name} {what}{': ' if told else ''}{told}")
