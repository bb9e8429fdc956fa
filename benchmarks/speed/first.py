"""In a process of its own: the time from the first import to the first record, and how many blocks that took.

`python -m benchmarks.speed.first FILE.npz REPORT`: the arrays time_s, acc and gyr; the report is two numbers. What the
warm-up does at the start of the daemon is in it, the start of the interpreter is not.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

START_S = time.perf_counter()

# Imported behind the clock's start: these imports are most of what is measured.
import numpy as np  # noqa: E402  (see above)

from ankled.daemon.cli.warm import compile_all  # noqa: E402  (see above)
from ankled.daemon.pipeline.context import Context  # noqa: E402  (see above)
from ankled.daemon.pipeline.device import DevicePipeline  # noqa: E402  (see above)
from ankled.daemon.settings import DeviceSettings  # noqa: E402  (see above)
from ankled.drivers.samples import Samples  # noqa: E402  (see above)

BLOCK = 10


def run(recording: Path, report: Path) -> None:
    """Warm up, feed the recording until a record comes, and write the seconds since the start and the blocks fed."""
    compile_all()
    with np.load(recording) as file:
        time_s, acc, gyr = file["time_s"], file["acc"], file["gyr"]
    device = DeviceSettings(slug="left", side="left", rate_hz=100.0)
    feed = DevicePipeline(device, Context(node="bench", session="bench", origin_ns=0)).feed
    for i in range(0, len(time_s), BLOCK):
        block = slice(i, i + BLOCK)
        if feed(Samples(device="left", host_ns=0, time_s=time_s[block], acc=acc[block], gyr=gyr[block])):
            report.write_text(f"{time.perf_counter() - START_S} {i // BLOCK + 1}")
            return
    raise SystemExit("no record")


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
