"""From the notification that completes a repetition to its record at an MQTT subscriber, and what the daemon takes."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

import numpy as np

from ankled.daemon.cli.warm import compile_all
from benchmarks.report import Figure, Section
from benchmarks.speed.live.case import run_case
from benchmarks.speed.live.cast import Told
from benchmarks.speed.live.processes import NotMeasuredError
from tests.daemon.brokers import Mosquitto, find

if TYPE_CHECKING:
    from benchmarks.speed.live.case import Case

CASES: Final = tuple((sensors, rate_hz) for sensors in (2, 8, 16) for rate_hz in (100.0, 200.0))
GOAL_CASE: Final = (16, 100.0)
GOAL_P99_MS: Final = 10.0
GOAL_CORE: Final = 0.4

NOTES = (
    (
        "Simulated OpenAnkle sensors on the radio made of software, daemon (bleak, drivers, pipeline, recorder, "
        "publisher), mosquitto and subscriber, a process each. From the arrival of the notification in the daemon's "
        "callback to that of the record at the subscriber, QoS 1. All left legs do the same at the same time."
    ),
    (
        "Steady state: after a few repetitions of every sensor. Core: processor time of the daemon, all threads; "
        "without: time in which its threads could have run and had no core, which a busy machine adds to the latency. "
        "Lost: samples, by the counts of the radio, the daemon and the sensors' own numbers, and records."
    ),
    "mosquitto has set_tcp_nodelay true: without it, it holds a message back now and then, up to 40 ms.",
)


LIVE_NOTES = (
    "As in the part latency: everybody walks all the time. Live: what each leg does now, up to ten times a second.",
)


def figures_of(sensors: int, rate_hz: float, case: Case) -> list[Figure]:
    """Return the rows of a case; the goals stand beside one of them, and nothing may be lost in any."""
    goal = (sensors, rate_hz) == GOAL_CASE
    key = f"{sensors}x{rate_hz:g}"
    none = np.full(1, np.nan)
    p50, p99 = (float(np.percentile(case.total_ms if len(case.total_ms) else none, share)) for share in (50, 99))
    handed = float(np.median(case.handed_ms if len(case.handed_ms) else none))
    return [
        Figure(
            key=f"{key}_p99_ms",
            label=f"{sensors} sensors at {rate_hz:g} Hz: p99",
            value=p99,
            unit="ms",
            digits=1,
            at_most=GOAL_P99_MS if goal else None,
            anchor=f"{len(case.total_ms)} repetitions, the slowest {case.total_ms.max(initial=0.0):.1f} ms",
        ),
        Figure(
            key=f"{key}_p50_ms",
            label="    p50",
            value=p50,
            unit="ms",
            digits=1,
            anchor=f"{handed:.1f} ms of it until the publisher has it",
        ),
        Figure(
            key=f"{key}_core",
            label="    core",
            value=100.0 * case.busy_share,
            unit="%",
            digits=1,
            at_most=100.0 * GOAL_CORE if goal else None,
            anchor=f"without {100.0 * case.waited_share:.1f} %; the radio's process {100.0 * case.radio_share:.0f} %",
        ),
        Figure(
            key=f"{key}_lost",
            label="    lost",
            value=case.lost,
            digits=0,
            at_most=0.0,
            anchor=f"of {case.sent} samples in {case.packets} packets; at most {case.most_waiting} inputs waited",
        ),
    ]


def told_of(cases: dict[Told, Case]) -> list[Figure]:
    """Return what the daemon takes for the same sensors, by what it tells beside the results."""
    least = cases["results"].busy_share
    labels: dict[Told, str] = {
        "results": "results alone",
        "live": "live stream and health too",
        "imu": "decoded samples as well",
    }
    sensors, rate_hz = GOAL_CASE
    return [
        Figure(
            key=f"told_{told}_core",
            label=f"{sensors} sensors at {rate_hz:g} Hz live, core: {labels[told]}",
            value=100.0 * case.busy_share,
            unit="%",
            digits=1,
            anchor=f"{case.busy_share / least:.2f} times; {case.moments_per_s:.0f} messages of the moment a second",
        )
        for told, case in cases.items()
    ]


def measure_told(duration_s: float) -> Section:
    """Run one case three times: results alone, with the live stream, with samples. Raises NotMeasuredError."""
    program = find("mosquitto")
    if program is None:
        raise NotMeasuredError("mosquitto is not on this machine")
    compile_all()
    cases: dict[Told, Case] = {}
    load = os.getloadavg()[0]
    for told in get_args(Told):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            broker = Mosquitto(program, folder, "set_tcp_nodelay true")
            broker.start()
            try:
                cases[told] = asyncio.run(run_case(folder, broker.address.url, *GOAL_CASE, duration_s, told))
            finally:
                broker.kill()
    title = f"live: processor time of the daemon, {duration_s:.0f} s each, load average before {load:.1f}"
    return Section(name="live", title=title, figures=told_of(cases), notes=LIVE_NOTES)


def measure(duration_s: float, cases: tuple[tuple[int, float], ...] = CASES) -> Section:
    """Run every case, one after the other, on one broker. Raises NotMeasuredError."""
    program = find("mosquitto")
    if program is None:
        raise NotMeasuredError("mosquitto is not on this machine")
    compile_all()  # or the first daemon would, while the sensors wait
    figures: list[Figure] = []
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(program, folder, "set_tcp_nodelay true")
        broker.start()
        try:
            for sensors, rate_hz in cases:
                case = asyncio.run(run_case(folder, broker.address.url, sensors, rate_hz, duration_s))
                figures += figures_of(sensors, rate_hz, case)
        finally:
            broker.kill()
    cores = os.cpu_count()
    title = f"latency: {duration_s:.0f} s a case, {cores} cores, load average before {load:.1f}"
    return Section(name="latency", title=title, figures=figures, notes=NOTES)
