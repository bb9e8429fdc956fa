"""The last lines that the service has logged, where this user may read them."""

from __future__ import annotations

from typing import Final

from ankled.daemon.doctor.running import output
from ankled.daemon.doctor.service import UNIT

_LINES: Final = "2000"
_MOST: Final = 4 * 1024 * 1024


def last_lines() -> str:
    """Return them; nothing where there are none, or they are not for us."""
    for scope in ((), ("--user",)):
        said = output(
            "journalctl", *scope, f"--unit={UNIT}", f"--lines={_LINES}", "--no-pager", "--quiet", "--all",
            "--output=short-iso", "--no-hostname", timeout_s=10.0,
        )  # fmt: skip
        if said and said.strip():
            return said[-_MOST:]
    return ""
