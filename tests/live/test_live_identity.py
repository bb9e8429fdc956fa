"""Simulated device -> bleak -> links -> drivers -> results, live, replayed and from CSV: one and the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from ankled.daemon.capture.export import export_csv
from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.capture.writer import CaptureLimits
from ankled.daemon.csvfile import read_csv
from ankled.daemon.decoded import Decoder
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.offline import run_recording
from ankled.daemon.pipeline import Core
from ankled.daemon.records import Event, Live, Rep, to_json
from ankled.daemon.settings import DeviceSettings, PipelineSettings
from ankled.simulators.imu import CONSUMER, IDEAL
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.radio.outfit import parse_sensor, worn
from ankled.simulators.simulation import simulate
from tests.live.runs import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ankled.daemon.records import Record
    from ankled.simulators.radio.world import World

RATES_HZ = {
    "movesense": 104.0,
    "movella_dot": 60.0,
    "witmotion": 100.0,
    "polar": 52.0,
    "metamotion": 100.0,
    "openankle": 100.0,
}
SEED = 3


def dressed(*sensors: str, scenario: str = "demo", ideal: bool = False) -> World:
    """Return a world with these sensors, 50 ppm fast and slow, whose packets come in bursts of 30 ms."""
    parsed = [parse_sensor(text) for text in sensors]
    errors = IDEAL if ideal else CONSUMER
    return worn(scenario, parsed, seed=SEED, mount=MOUNTS["oblique"], errors=errors, skew_ppm=50.0, interval_s=0.03)


def replayed(*paths: Path) -> list[bytes]:
    """Return the results of captures, as they are published."""
    lines = []
    for path in paths:
        records = Dispatcher(Core()).replay(CaptureReader(path))
        lines += [to_json(record) for record in records if not isinstance(record, Live)]
    return lines


def reps(records: Sequence[Record], side: str) -> list[Rep]:
    """Return the strides and repetitions of one leg."""
    return [record for record in records if isinstance(record, Rep) and record.side == side]


class Tolerance(NamedTuple):
    """How far a live result may be from that of the CSV: ends and durations in s, the others as shares of the value."""

    end_s: float
    duration_s: float
    median: float


# Live samples are taken at other moments than the CSV's (any phase within a period, 50 ppm off), rounded to the words
# of the sensor, and timed right to the clock's uncertainty. An event found at another sample moves by up to a period at
# either end; the end also by what the clock is off, which is at most the wait for the radio (30 ms), and most of all
# in the first seconds of a stream. Polar's frames take a second each, so its clock has heard only a few by then.
USUAL = Tolerance(end_s=0.035, duration_s=0.022, median=0.03)
TOLERANCES = {
    "polar": Tolerance(end_s=0.09, duration_s=0.04, median=0.06),
    "movella_dot": Tolerance(end_s=0.035, duration_s=0.034, median=0.03),
}


@pytest.mark.parametrize("device", RATES_HZ)
def test_live_results_replay_to_the_byte_and_agree_with_csv(device: str, tmp_path: Path) -> None:
    """Every make of sensor: replay gives the same bytes, and a CSV of the same motion at its rate the same results."""
    world = dressed(f"left={device}", f"right={device}", ideal=True)
    assert world.stage is not None
    path = tmp_path / "live.mcap"
    live = run(world, world.stage.duration_s + 8.0, capture=path)
    assert live.begun_s is not None
    lines = live.kept.lines()
    assert len(lines) > 50
    assert replayed(path) == lines
    assert not [one for _, one in live.kept.records if isinstance(one, Event) and one.event == "sensor_error"]

    rate_hz = RATES_HZ[device]
    made = simulate("demo", rate_hz=rate_hz, seed=SEED, imu="ideal", mount=MOUNTS["oblique"], with_truth=False)
    devices = tuple(DeviceSettings(slug=side, side=side, rate_hz=rate_hz) for side in made.legs)
    of_csv = run_recording(
        PipelineSettings(devices=devices), {side: (leg.time_s, leg.acc, leg.gyr) for side, leg in made.legs.items()}
    )
    tolerance = TOLERANCES.get(device, USUAL)
    for side in made.legs:
        heard = reps([record for _, record in live.kept.records], side)
        expected = reps(of_csv, side)
        assert [one.kind for one in heard] == [one.kind for one in expected] == ["stride"] * 12 + ["rep"] * 6
        ends = np.array([one.end_s - live.begun_s for one in heard]) - [one.end_s for one in expected]
        assert np.abs(ends).max() < tolerance.end_s
        spans = np.array([one.duration_s for one in heard]) - [one.duration_s for one in expected]
        assert np.abs(spans).max() < tolerance.duration_s
        for name in ("cadence_per_min", "rom_deg", "peak_velocity_rad_s", "sway_rms_mps2", "lateral_force_rms_n"):
            pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(heard, expected, strict=True)]
            shares = [a / b - 1.0 for a, b in pairs if a is not None and b is not None]
            assert len(shares) == sum(b is not None for _, b in pairs)
            assert abs(float(np.median(shares))) < tolerance.median, name


def test_a_capture_that_begins_in_mid_session_replays_its_part(tmp_path: Path) -> None:
    """Every rotated file opens with the drivers', clocks' and joiners' whole state: its results are its part of all."""
    world = dressed("left=polar", "right=metamotion")
    path = tmp_path / "live.mcap"
    live = run(world, 40.0, capture=path, limits=CaptureLimits(rotate_s=7.3))
    files = sorted(tmp_path.glob("*.mcap"), key=lambda one: (len(one.name), one.name))
    assert len(files) >= 5
    assert replayed(*files) == live.kept.lines()
    assert replayed(*files[2:]) == live.kept.lines()[-len(replayed(*files[2:])) :]


def test_two_runs_are_the_same_run(tmp_path: Path) -> None:
    """On the virtual clock nothing is left to chance: the same world gives the same bytes."""
    first, second = (run(dressed("left=movesense", "right=witmotion"), 25.0) for _ in range(2))
    assert first.kept.lines() == second.kept.lines()
    assert first.kept.states == second.kept.states


def test_an_exported_capture_gives_the_same_strides(tmp_path: Path) -> None:
    """What `capture export` writes of a live recording is what the pipeline saw: its CSV gives the same results."""
    world = dressed("left=movesense", "right=polar", scenario="walk")
    path = tmp_path / "live.mcap"
    live = run(world, 32.0, capture=path)
    files = {one.stem.rpartition("-")[2]: one for one in export_csv(path, tmp_path, Decoder())}
    assert sorted(files) == ["left", "right"]
    tables = {side: read_csv(file) for side, file in files.items()}
    rates = {"left": 104.0, "right": 52.0}
    devices = tuple(DeviceSettings(slug=side, side=side, rate_hz=rates[side]) for side in ("left", "right"))
    again = run_recording(
        PipelineSettings(devices=devices), {side: (t.time_s, t.acc, t.gyr) for side, t in tables.items()}
    )
    for side in files:
        heard = reps([record for _, record in live.kept.records], side)
        assert len(heard) == 20
        np.testing.assert_allclose(
            [one.end_s for one in reps(again, side)], [one.end_s for one in heard], atol=1e-6, rtol=0.0
        )
