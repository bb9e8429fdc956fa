"""The pipeline of one device, arrays in and records out, beside the vqf package on the same blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from vqf import VQF

from ankled.daemon.pipeline.context import Context
from ankled.daemon.pipeline.device import DevicePipeline
from ankled.daemon.settings import DeviceSettings
from ankled.drivers.samples import Samples
from benchmarks.report import Figure, Section
from benchmarks.speed.rounds import interleaved, ratio
from benchmarks.speed.signals import RATE_HZ, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.datasets.common import Recording
    from benchmarks.speed.rounds import Prepare

BLOCKS = (1, 10, 100)
DEVICE = "left"

EMPTY_CALLS = 10_000

NOTES = (
    (
        "Ours: one DevicePipeline.feed a block, time base, orientation, detectors, measures and records included, "
        "driver and JSON not. Theirs: one VQF.updateBatch a block of the vqf package (C++), orientation alone."
    ),
    (
        "Blocks are cut before the clock starts. Medians over interleaved rounds; the ratio is the median of the "
        "rounds' own ratios."
    ),
    "A call without samples: what Python and the way into the compiled chain take; theirs likewise.",
)


def _ours(data: Recording, block: int) -> Prepare:
    blocks = [
        Samples(
            device=DEVICE,
            host_ns=round(1e9 * float(data.time_s[min(i + block, len(data.time_s)) - 1])),
            time_s=data.time_s[i : i + block],
            acc=data.acc[i : i + block],
            gyr=data.gyr[i : i + block],
        )
        for i in range(0, len(data.time_s), block)
    ]

    def prepare() -> Callable[[], object]:
        device = DeviceSettings(slug=DEVICE, side="left", rate_hz=RATE_HZ)
        feed = DevicePipeline(device, Context(node="bench", session="bench", origin_ns=0)).feed

        def run() -> None:
            for samples in blocks:
                feed(samples)

        return run

    return prepare


def _theirs(data: Recording, block: int) -> Prepare:
    blocks = [(data.gyr[i : i + block], data.acc[i : i + block]) for i in range(0, len(data.time_s), block)]

    def prepare() -> Callable[[], object]:
        update = VQF(1.0 / RATE_HZ).updateBatch

        def run() -> None:
            for gyr, acc in blocks:
                update(gyr, acc)

        return run

    return prepare


def _empty(call: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        for _ in range(EMPTY_CALLS):
            call()

    return run


def _no_samples() -> dict[str, Prepare]:
    none = Samples(device=DEVICE, host_ns=0, time_s=np.zeros(0), acc=np.zeros((0, 3)), gyr=np.zeros((0, 3)))

    def ours() -> Callable[[], object]:
        device = DeviceSettings(slug=DEVICE, side="left", rate_hz=RATE_HZ)
        feed = DevicePipeline(device, Context(node="bench", session="bench", origin_ns=0)).feed
        return _empty(lambda: feed(none))

    def theirs() -> Callable[[], object]:
        update, gyr, acc = VQF(1.0 / RATE_HZ).updateBatch, none.gyr, none.acc
        return _empty(lambda: update(gyr, acc))

    return {"ours 0": ours, "vqf 0": theirs}


def measure(samples: int, rounds: int) -> Section:
    """Time both in blocks of each size over `samples` samples."""
    data = walk(samples / RATE_HZ)["left"]
    cases = {
        f"{who} {block}": make(data, block) for block in BLOCKS for who, make in (("ours", _ours), ("vqf", _theirs))
    }
    taken = interleaved(cases | _no_samples(), rounds)
    figures: list[Figure] = []
    for block in BLOCKS:
        ours, theirs = taken[f"ours {block}"], taken[f"vqf {block}"]
        per_sample = [1e9 * float(np.median(seconds)) / len(data.time_s) for seconds in (ours, theirs)]
        figures += [
            Figure(key=f"feed_{block}_ns", label=f"blocks of {block}: feed", value=per_sample[0], unit="ns", digits=0),
            Figure(key=f"vqf_{block}_ns", label="    vqf package", value=per_sample[1], unit="ns", digits=0),
            Figure(key=f"ratio_{block}", label="    ratio", value=ratio(ours, theirs)),
        ]
    figures += [
        Figure(key=key, label=label, value=1e9 * float(np.median(taken[name])) / EMPTY_CALLS, unit="ns", digits=0)
        for key, label, name in (
            ("call_ns", "a call without samples: feed", "ours 0"),
            ("call_vqf_ns", "    vqf package", "vqf 0"),
        )
    ]
    title = f"pipeline: ns a sample, {len(data.time_s)} samples of walking, {rounds} rounds"
    return Section(name="feed", title=title, figures=figures, notes=NOTES)
