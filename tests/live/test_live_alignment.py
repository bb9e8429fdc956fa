"""Time across sensors: samples of left and right, of different makes, are on one clock, and each says how surely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.decoded import Decoder
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.radio.outfit import parse_sensor, worn
from tests.live.runs import Run, config_for, run, with_devices
from tests.live.truth import listen

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.drivers.samples import FloatArray, Samples

PAIRS = [
    ("movesense", "movella_dot", 0.03),
    ("movella_dot", "movesense", 0.015),
    ("openankle", "movesense", 0.03),
    ("movella_dot", "openankle", 0.03),
    ("openankle", "openankle", 0.03),
]


def heard(
    left: str, right: str, path: Path, interval_s: float = 0.03, rate_hz: float | None = None
) -> tuple[Run, dict[str, FloatArray]]:
    """Stream for 45 s with clocks 100 ppm apart, in bursts; return the run and how late each sample is timed."""
    sensors = [parse_sensor(f"left={left}"), parse_sensor(f"right={right}")]
    world = worn("walk", sensors, seed=5, mount=MOUNTS["turned"], skew_ppm=50.0, interval_s=interval_s)
    truth = listen(world)
    live = run(world, 45.0, config=with_devices(config_for(world), rate_hz=rate_hz), capture=path)
    decode = Decoder()
    samples: dict[str, list[Samples]] = {label: [] for label in world.labels}
    for entry in CaptureReader(path):
        for one in decode(entry.item):
            samples[one.device].append(one)
    return live, {label: truth[label].errors(samples[label]) for label in world.labels}


@pytest.mark.parametrize(("left", "right", "interval_s"), PAIRS)
def test_two_makes_are_aligned_to_5_ms(left: str, right: str, interval_s: float, tmp_path: Path) -> None:
    """After 20 s each sample of either leg is timed right to 5 ms, and so the legs against each other."""
    _, errors = heard(left, right, tmp_path / "live.mcap", interval_s)
    for late in errors.values():
        assert len(late) > 1000
        assert np.abs(late).max() < 0.005
    assert abs(float(np.median(errors["left"]) - np.median(errors["right"]))) < 0.005


@pytest.mark.parametrize(("rate_hz", "interval_s"), [(200.0, 0.03), (100.0, 0.04), (400.0, 0.0475)])
def test_beats_align_two_legs(rate_hz: float, interval_s: float, tmp_path: Path) -> None:
    """Packets that wait a few possible times, or always one, tell no clock to 5 ms; beats do to 3, and it is known."""
    live, errors = heard("openankle", "openankle", tmp_path / "live.mcap", interval_s, rate_hz)
    for slug, late in errors.items():
        assert np.abs(late).max() < 0.003
        told = [msgspec.json.decode(payload)["clock_uncertainty_ms"] for _, payload in live.kept.of(f"{slug}/state")]
        assert told[-1] is not None
        assert told[-1] < 8.0


@pytest.mark.parametrize("device", ["witmotion", "metamotion", "polar"])
def test_others_say_how_far_they_may_be_off(device: str, tmp_path: Path) -> None:
    """Sensors without a clock, or with a packet a second, publish an uncertainty that holds (and 3 ms for the air)."""
    live, errors = heard(device, "movesense", tmp_path / "live.mcap")
    told = [msgspec.json.decode(payload)["clock_uncertainty_ms"] for _, payload in live.kept.of("left/state")]
    surely_s = max(one for one in told[-3:] if one is not None) / 1000.0
    assert np.abs(errors["left"]).max() < surely_s + 0.003
