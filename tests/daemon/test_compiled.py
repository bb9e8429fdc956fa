"""What a running daemon must never do: compile on the event loop, and allocate for each sample."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
from numba.core.runtime import _nrt_python, rtsys  # noqa: TID251  (the statistics of its allocator; jit is loaded first)

from ankled.daemon.pipeline.context import Context
from ankled.daemon.pipeline.device import DevicePipeline
from ankled.daemon.settings import DeviceSettings
from ankled.drivers.samples import Samples
from tests.kernels import chains

ROOT = Path(__file__).resolve().parents[2]

SESSION = """
import json
from collections import Counter

import numpy as np
from numba.core import event

from ankled.daemon.cli.warm import compile_all

compile_all()

from ankled.daemon.pipeline.acceleration import AccelerationPipeline
from ankled.daemon.pipeline.context import Context
from ankled.daemon.pipeline.device import DevicePipeline
from ankled.daemon.settings import DeviceSettings, Mount
from ankled.drivers.samples import Samples
from tests.kernels import chains

demo, walk, stand = (chains.simulated(name) for name in ("demo", "walk_turn", "stand"))
start = demo.time_s[-1] + 0.01
whole = chains.join(demo, stand.cut(0, 1200).delayed(start), walk.delayed(start + 12.0))
kept = np.ones(len(whole.time_s), np.bool_)
kept[700:712] = kept[960:1100] = False
columns = [np.ascontiguousarray(column[kept]) for column in whole[:3]]


def run(pipeline, columns, gyroscope):
    for i in range(0, len(columns[0]), 37):
        time_s, acc, gyr = (column[i : i + 37] for column in columns)
        samples = Samples(device="left", host_ns=0, time_s=time_s, acc=acc, gyr=gyr if gyroscope else None)
        yield from pipeline.feed(samples)
        if i == 74 * 37:
            pipeline.restore(pipeline.snapshot())
    yield from pipeline.tick(pipeline.time_s + 60.0)
    yield from pipeline.stop(pipeline.time_s)


found = Counter()
context = Context(node="n", session="s", origin_ns=0)
mount = Mount(left=(0.0, 1.0, 0.0), up=(0.0, 0.0, 1.0))
with event.install_recorder("numba:compile") as heard:
    for movement in ("auto", "gait", "reps"):
        for place in (None, mount):
            device = DeviceSettings(slug="left", side="left", rate_hz=100.0, movement=movement, mount=place)
            found.update(type(each).__name__ for each in run(DevicePipeline(device, context), columns, True))
    cut = [column[:4123].copy() for column in columns]  # in the midst of a set
    found.update(type(each).__name__ for each in run(DevicePipeline(device, context), cut, True))
    found.update(type(each).__name__ for each in run(AccelerationPipeline(device, context), columns, False))
print(json.dumps({"compiled": [str(each.data) for _, each in heard.buffer], "found": found}))
"""


def test_after_the_warm_up_a_session_compiles_nothing() -> None:
    """Samples, gaps, ticks, snapshots and ends of both kinds of pipeline run what the warm-up left, in a new process.

    numba tells of everything it compiles, or loads from its cache: after the warm-up it must tell of nothing.
    """
    done = subprocess.run([sys.executable, "-c", SESSION], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    told = json.loads(done.stdout)
    assert told["compiled"] == []
    assert told["found"]["Rep"] > 100
    assert told["found"]["Event"] > 5
    assert told["found"]["Set"] > 8


def test_feeding_allocates_nothing_that_stays() -> None:
    """100,000 samples in tens leave numba's allocator and, where nothing is found, Python's heap as they were."""
    stream = chains.simulated("stand").cut(0, 1000)
    laps = 103
    times = np.arange(laps * 1000, dtype=np.float64) * 0.01
    acc, gyr = np.tile(stream.acc, (laps, 1)), np.tile(stream.gyr, (laps, 1))
    device = DeviceSettings(slug="left", side="left", rate_hz=100.0)
    feed = DevicePipeline(device, Context(node="n", session="s", origin_ns=0)).feed
    blocks = [
        Samples(device="left", host_ns=0, time_s=times[i : i + 10], acc=acc[i : i + 10], gyr=gyr[i : i + 10])
        for i in range(0, len(times), 10)
    ]
    for samples in blocks[:300]:
        feed(samples)
    _nrt_python.memsys_enable_stats()
    tracemalloc.start()
    before, held = rtsys.get_allocation_stats(), tracemalloc.get_traced_memory()[0]
    for samples in blocks[300:]:
        feed(samples)
    after, (still, most) = rtsys.get_allocation_stats(), tracemalloc.get_traced_memory()
    tracemalloc.stop()
    _nrt_python.memsys_disable_stats()
    assert 10 * len(blocks[300:]) >= 100_000
    assert after == before
    assert still - held < 4096
    assert most - held < 131_072  # one record on its way, where the end of a lap looks like a movement
