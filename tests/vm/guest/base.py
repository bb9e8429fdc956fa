"""What every part of the test in the machine uses: commands, waiting, and the report that the host shows."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SHARE: Final = Path("/share")
INSTALLED: Final = Path("/opt/ankled")
ANKLED: Final = INSTALLED / ".venv/bin/ankled"
_POLL_S: Final = 1.0
"""Each look takes a process, and processes are slow there."""


class NotSeenError(Exception):
    """What was waited for did not come."""


def now_s() -> float:
    """Return seconds of a clock that no step of the time of day alters."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def report(line: str) -> None:
    """Tell the host, who shows it at once."""
    with (SHARE / "report.txt").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def run(
    *command: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float = 120.0,
    errors: bool = True,
) -> str:
    """Run a command and return what it wrote, with or without its standard error.

    Raises NotSeenError with its last lines if it fails or takes too long.
    """
    whole = None if env is None else {**os.environ, **env}
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors else None,
            text=True,
            env=whole,
            cwd=cwd,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{' '.join(command)} did not end within {timeout_s:.0f} s"
        raise NotSeenError(message) from error
    if done.returncode != 0:
        last = " / ".join(done.stdout.strip().splitlines()[-6:])
        message = f"{' '.join(command)} failed with {done.returncode}: {last}"
        raise NotSeenError(message)
    return done.stdout


def tried(*command: str, timeout_s: float = 60.0) -> str:
    """Run a command that may fail, and return what it wrote or why it failed."""
    try:
        return run(*command, timeout_s=timeout_s)
    except NotSeenError as error:
        return str(error)


def wait_until(what: str, seen: Callable[[], bool], limit_s: float) -> float:
    """Wait until something is so, and return how long that took. Raises NotSeenError."""
    began = now_s()
    while not seen():
        if now_s() - began > limit_s:
            message = f"{what}: not within {limit_s:.0f} s"
            raise NotSeenError(message)
        time.sleep(_POLL_S)
    return now_s() - began


def shown(unit: str, name: str) -> str:
    """Return a property of a unit, or nothing while systemd does not answer."""
    try:
        return run("systemctl", "show", "--value", "-p", name, unit, timeout_s=30.0).strip()
    except NotSeenError:
        return ""


def active(unit: str) -> bool:
    """Tell whether a unit is up."""
    return shown(unit, "ActiveState") == "active"
