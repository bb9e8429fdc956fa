"""What the operating system tells of this process."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc/self")


class Usage:
    """The use of the processor between two looks, in percent of one core."""

    def __init__(self) -> None:
        self._cpu_s = time.process_time()
        self._at_s = time.monotonic()

    def cpu_percent(self) -> float:
        """Return the use since the last call."""
        cpu_s, at_s = time.process_time(), time.monotonic()
        percent = 100.0 * (cpu_s - self._cpu_s) / max(at_s - self._at_s, 1e-3)
        self._cpu_s, self._at_s = cpu_s, at_s
        return round(percent, 1)


def rss_mib() -> float | None:
    """Return the memory that the process holds; None where the system does not tell."""
    try:
        lines = (_PROC / "status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return round(int(found[0]) / 1024.0, 1) if found else None


def open_files() -> int | None:
    """Return how many files and sockets are open; None where the system does not tell."""
    try:
        return sum(1 for _ in (_PROC / "fd").iterdir())
    except OSError:
        return None


def threads() -> int:
    """Return how many threads of Python run."""
    return threading.active_count()
