"""The simulated footpod: the cadence it tells is that of the motion it is moved by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.rsc import MEASUREMENT, RunningSpeedCadence
from ankled.simulators.peripherals.footpod import SimulatedFootpod
from ankled.simulators.peripherals.model import AttError
from ankled.simulators.simulation import simulate
from tests.drivers.conversation import Conversation, board


def _talk(scenario: str) -> Conversation:
    talk = Conversation(RunningSpeedCadence(), SimulatedFootpod(board(scenario, skew_ppm=40.0)), mtu=23)
    talk.begin()
    return talk


def _told(talk: Conversation, name: str = "cadence") -> list[dict[str, Any]]:
    return [{**value} for value in talk.events(name)]


@pytest.mark.parametrize("scenario", ["walk", "walk_slow", "walk_fast", "run", "run_fast"])
def test_the_cadence_is_that_of_the_motion(scenario: str) -> None:
    """Steps a minute, twice the strides of the leg: each within 6 % and all within 1.5 % of the truth on average."""
    talk = _talk(scenario)
    talk.run(14.0)
    contacts = np.array([stride.end_s for stride in simulate(scenario).legs["left"].truth])
    told: list[tuple[float, dict[str, Any]]] = [
        (now, {**o.value}) for now, o in talk.outputs if isinstance(o, m.Event) and o.name == "cadence" and now > 7.0
    ]
    assert len(told) >= 6
    latest = [np.searchsorted(contacts, now) for now, _ in told]
    truth = np.array([360.0 / (contacts[k] - contacts[k - 3]) for k in latest])
    cadence = np.array([value["cadence_per_min"] for _, value in told], dtype=np.float64)
    assert cadence == pytest.approx(truth, rel=0.06)
    assert cadence.mean() == pytest.approx(truth.mean(), rel=0.015)
    assert {value["running"] for _, value in told} == {scenario.startswith("run")}


def test_speed_stride_and_distance_agree() -> None:
    """Stride length times stride rate is the speed, whose sum is the distance."""
    talk = _talk("walk")
    talk.run(15.0)
    told = _told(talk)
    for value in told:
        assert value["speed_mps"] == pytest.approx(value["stride_length_m"] * value["cadence_per_min"] / 120, abs=0.03)
    assert told[-1]["distance_m"] == pytest.approx(sum(value["speed_mps"] for value in told), abs=0.2)
    assert told[-1]["speed_mps"] == pytest.approx(1.25, rel=0.1)


def test_about_once_a_second_also_at_rest() -> None:
    """Whoever stands has a cadence of 0; a pod that rests is no silent link."""
    talk = _talk("stand")
    talk.run(10.0)
    told = _told(talk)
    assert len(told) in {9, 10}
    assert {(value["cadence_per_min"], value["speed_mps"], value["running"]) for value in told} == {(0, 0.0, False)}


def test_movements_that_are_no_steps() -> None:
    """Leg raises are too slow to be steps, and end with the cadence at 0."""
    talk = _talk("leg_raise")
    talk.run(10.0)
    assert {value["cadence_per_min"] for value in _told(talk)} == {0}


def test_cadence_falls_to_zero_after_the_last_step() -> None:
    """Within two strides and the time between two measurements."""
    talk = _talk("walk")
    talk.run(30.0)
    contacts = [stride.end_s for stride in simulate("walk").legs["left"].truth]
    halted = [now for now, o in talk.outputs if isinstance(o, m.Event) and o.value.get("cadence_per_min") == 0]
    assert any(contacts[-1] < now < contacts[-1] + 4.0 for now in halted)


def test_the_pod_says_what_it_is() -> None:
    """Features and location are read at the start."""
    talk = _talk("stand")
    talk.run(1.0)
    info = {key: value for event in _told(talk, "info") for key, value in event.items()}
    assert info["sensor_location"] == "top of shoe"
    assert info["features"]["walk_run"] is True


def test_the_distance_survives_the_connection_but_no_reset() -> None:
    """It counts on after a disconnect and begins anew when the pod has lost its power."""
    talk = _talk("walk")
    talk.run(10.0)
    before = _told(talk)[-1]["distance_m"]
    assert before > 5.0
    talk.peripheral.disconnect(talk.now_s)
    again = Conversation(RunningSpeedCadence(), talk.peripheral, now_s=talk.now_s)
    again.begin()
    again.run(2.0)
    assert _told(again)[0]["distance_m"] >= before
    talk.peripheral.reset(again.now_s)
    last = Conversation(RunningSpeedCadence(), talk.peripheral, now_s=again.now_s)
    last.begin()
    last.run(1.5)
    assert _told(last)[0]["distance_m"] == 0.0


def test_only_a_listener_keeps_the_pod_measuring() -> None:
    """Without a subscription it rests; measurements cannot be read, nor anything be written."""
    pod = SimulatedFootpod(board("walk"))
    pod.connect(23, 0.0)
    assert pod.advance(5.0) == []
    measuring = [pod.streaming]
    for on in (True, False):
        pod.subscribe(MEASUREMENT, on=on, now_s=5.0)
        measuring.append(pod.streaming)
    assert measuring == [False, True, False]
    with pytest.raises(AttError):
        pod.read(MEASUREMENT, 6.0)
    with pytest.raises(AttError):
        pod.write(MEASUREMENT, b"\1", 6.0)
