"""A simulation on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.simulators.files import Truth, truth_json, write_csv
from ankled.simulators.simulation import simulate

if TYPE_CHECKING:
    from pathlib import Path


def test_csv_holds_the_recording(tmp_path: Path) -> None:
    """The CSV has the documented header and every sample to nine digits."""
    leg = simulate("squat").legs["right"]
    path = tmp_path / "right.csv"
    write_csv(path, leg)
    lines = path.read_text().splitlines()
    assert lines[0] == "t,ax,ay,az,gx,gy,gz"
    assert lines[1].startswith("0.000000,")
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    assert np.allclose(table[:, 0], leg.time_s, atol=5e-7)
    assert np.allclose(table[:, 1:4], leg.acc, rtol=1e-8)
    assert np.allclose(table[:, 4:], leg.gyr, rtol=1e-8)


def test_truth_as_json() -> None:
    """The truth is readable JSON with its schema, seed, mounts and every repetition, nulls included."""
    simulation = simulate("slip", seed=4)
    text = truth_json(simulation)
    raw = msgspec.json.decode(text)
    assert raw["schema"] == "ankled.truth/1"
    assert raw["scenario"] == "slip"
    assert raw["seed"] == 4
    left = raw["legs"]["left"]
    assert left["mount"] == {"left": [0.0, 1.0, 0.0], "up": [0.0, 0.0, 1.0]}
    assert left["mount_after"]["left"] != left["mount"]["left"]
    assert left["slips"][0]["angle_deg"] == 40.0
    assert left["repetitions"][0]["contact_time_s"] is None
    assert text.count(b"\n") > 100
    decoded = msgspec.json.decode(text, type=Truth)
    assert decoded.legs["right"].repetitions == simulation.legs["right"].truth
