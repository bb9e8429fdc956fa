"""`python -m benchmarks.speed.child REPORT COMMAND...`: run an ankled command and write this process's peak memory.

The peak is VmHWM of /proc/self/status: getrusage would count what the parent held before this program was loaded.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from ankled.daemon.cli import main


def peak_bytes() -> int:
    """Return the largest resident size of this process so far."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


def run(report: Path, command: list[str]) -> int:
    """Run the command line in this process; the exit status is the command's."""
    sys.argv = ["ankled", *command]
    try:
        status = main()
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    report.write_text(str(peak_bytes()))
    return status or 0


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
