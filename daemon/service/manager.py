"""What systemd's own programs are asked to do, on this machine or, where they can, in a tree of files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from ankled.daemon.service.files import UNIT, ServiceError

_BOOTED: Final = Path("/run/systemd/system")
_PATIENCE_S: Final = 60.0
_PROPERTIES: Final = (
    "LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "StatusText", "NRestarts", "MainPID",
    "ActiveEnterTimestamp",
)  # fmt: skip


def running() -> bool:
    """Tell whether systemd runs this machine, as sd_booted(3) does, and can be asked."""
    return _BOOTED.is_dir() and shutil.which("systemctl") is not None


def there(tool: str) -> bool:
    """Tell whether one of systemd's programs is installed."""
    return shutil.which(tool) is not None


def version() -> int | None:
    """Return the version of the systemd that is installed here; None without one."""
    if not there("systemctl"):
        return None
    found = re.match(r"systemd (\d+)", _output("systemctl", "--version"))
    return None if found is None else int(found[1])


def call(tool: str, *words: str) -> str:
    """Run one of systemd's programs and return the command as it was given. Raises ServiceError."""
    _output(tool, *words)
    return " ".join((tool, *words))


def properties() -> dict[str, str]:
    """Return how systemd sees the service. Raises ServiceError."""
    lines = _output("systemctl", "show", UNIT, *(f"--property={name}" for name in _PROPERTIES)).splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def _output(tool: str, *words: str) -> str:
    command = [tool, *words]
    try:
        done = subprocess.run(  # noqa: S603  (no shell, and nothing that a stranger could have given)
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"{' '.join(command)} cannot be run: {error}") from error
    if done.returncode:
        told = " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
        raise ServiceError(f"{' '.join(command)} failed: {told}")
    return done.stdout
