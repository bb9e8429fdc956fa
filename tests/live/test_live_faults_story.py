"""Everything goes wrong in one run, in order or at random: it heals, and its recording gives the same results."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.capture.writer import CaptureLimits
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.pipeline import Core
from ankled.daemon.records import Live, to_json
from ankled.simulators.radio.faults import parse_script
from ankled.simulators.radio.outfit import parse_sensor, worn
from tests.live.account import play
from tests.live.runs import run

if TYPE_CHECKING:
    from pathlib import Path

STORY = """
5 link_loss left
8 reset right
12 duplicates * 6 0.4
15 lost_packets * 5 0.1
20 zombie left 6
22 out_of_range right 1.5
28 overrun * 70
30 refusals * 3
30.1 link_loss *
"""
MAKES = ("movella_dot", "witmotion", "polar", "metamotion", "openankle")
LASTING = {
    "out_of_range": "",
    "absent": "",
    "zombie": "",
    "bursts": " 0.5",
    "lost_packets": " 0.1",
    "duplicates": " 0.3",
}
SUDDEN = {"link_loss": "", "overrun": " 40", "reset": "", "low_battery": " 7", "refusals": " 3"}
HEALED_S = 60.0
"""After the last fault: a connection that was begun to a sensor that hung, and the wait after it."""


@pytest.mark.parametrize("sensors", ["left=polar right=witmotion", "left=movesense right=metamotion"])
def test_files_begun_amid_faults_replay_their_part(sensors: str, tmp_path: Path) -> None:
    """Each file opens with the state of drivers, clocks, joiners and kernels, whatever they are in the middle of."""
    world = worn("walk", [parse_sensor(text) for text in sensors.split()], seed=3, interval_s=0.03)
    capture, limits = tmp_path / "live.mcap", CaptureLimits(rotate_s=2.7)
    live = run(world, 40.0, capture=capture, limits=limits, faults=parse_script(STORY))
    files = sorted(tmp_path.glob("*.mcap"), key=lambda one: (len(one.name), one.name))
    assert len(files) >= 14
    lines = []
    for file in files:
        records = Dispatcher(Core()).replay(CaptureReader(file))
        lines += [to_json(record) for record in records if not isinstance(record, Live)]
    assert lines == live.kept.lines()
    assert len(lines) > 50


@pytest.mark.parametrize("seed", [1])
def test_faults_at_random_heal(seed: int, tmp_path: Path) -> None:
    """Whatever comes together: a minute later every sensor is online, and nothing of it is lost from then on."""
    chance = random.Random(seed)
    sensors = {label: chance.choice(MAKES) for label in ("left", "right")}
    at_s, script = 5.0, []
    for _ in range(5):
        at_s += chance.uniform(0.2, 8.0)
        kind = chance.choice([*LASTING, *SUDDEN])
        lasts = f" {chance.choice([0.3, 1.0, 3.0, 8.0])}{LASTING[kind]}" if kind in LASTING else SUDDEN[kind]
        script.append(f"{at_s:.2f} {kind} {chance.choice(['left', 'right', '*'])}{lasts}")
    healed_s = at_s + 8.0 + HEALED_S
    named = " ".join(f"{label}={make}" for label, make in sensors.items())
    played = play(named, "; ".join(script), healed_s + 10.0, tmp_path)
    for label, device in played.devices.items():
        assert [there for time_s, there in played.online(label) if time_s < healed_s][-1]
        assert device.unheard_outside((0.0, healed_s), (healed_s + 6.0, float("inf"))) == 0
        assert len(device.heard) > 0
