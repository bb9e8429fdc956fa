"""Inputs drawn from a seed and tried, one after the other, for a bounded time and in bounded memory."""

from __future__ import annotations

import hashlib
import random
import resource
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

HANG_S: Final = 10.0
"""One input takes milliseconds; whatever takes this long, on a loaded machine too, hangs."""
ROOM: Final = 1 << 30
"""So many bytes of memory may be taken beyond those that the process has when it begins."""
_SHOWN: Final = 64


class Target(Protocol):
    """What is fuzzed."""

    def draw(self, rng: random.Random) -> bytes:
        """Return an input."""

    def run(self, data: bytes) -> None:
        """Try an input; raise for anything but a sound result or an error of the expected kind."""


class HangError(Exception):
    """An input took too long."""


def attempt(target: Target, data: bytes) -> None:
    """Try one input within the time for one."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        target.run(data)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def fuzz(name: str, target: Target, *, seconds: float, seed: int, findings: Path) -> int:
    """Try inputs until the time is over; return how many different faults were found, each told and saved once."""
    _bound_memory()
    end_s, count, found = time.monotonic() + seconds, 0, set[str]()
    while time.monotonic() < end_s:
        # A generator for each input: any one of them can be drawn again without those before it.
        data = target.draw(random.Random(f"{seed}/{count}"))
        count += 1
        try:
            attempt(target, data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            place = _place(error)
            if place in found:
                continue
            found.add(place)
            findings.mkdir(parents=True, exist_ok=True)
            path = findings / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
            path.write_bytes(data)
            shown = data.hex() if len(data) <= _SHOWN else f"{data[:_SHOWN].hex()}... ({len(data)} bytes)"
            sys.stdout.write(f"{name}: seed {seed}, input {count - 1}: {shown}\n  saved as {path}\n")
            sys.stdout.write("".join(traceback.format_exception(error, limit=-4)))
            sys.stdout.flush()
    sys.stdout.write(f"{name}: {count} inputs in {seconds:g} s, seed {seed}: {len(found)} findings\n")
    sys.stdout.flush()
    return len(found)


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} {frames[-1].filename}:{frames[-1].lineno} {str(error)[:20]}"


def _bound_memory() -> None:
    """Keep an input that asks for gigabytes from taking them: it gets a MemoryError, which is a finding."""
    pages = int(open("/proc/self/statm").read().split()[0])  # noqa: PTH123, SIM115 - read at once
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM, resource.RLIM_INFINITY))
