"""Strides of one leg with known axes: against the twin, the simulator's truth, and what is no stride."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ankled.kernels import gait, gait_axes, leg
from ankled.kernels.displacement import SHANK_LEVER_M
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Stand
from ankled.simulators.scenarios import Scenario
from ankled.simulators.simulation import simulate
from tests.kernels import chains, motions
from tests.kernels.twins import gait_axes_twin, gait_twin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernels.chains import Array, Stream

PARAMS = gait.Params()


def known(left: Any, up: Any, lever_m: float) -> Any:
    """Return the record of a leg whose axes are known."""
    array = leg.init(tuple(left), tuple(up))
    array["lever_m"] = lever_m
    return array[0]


def detect(rows: Array, rate_hz: float, axes: Any, forget_at: int = -1) -> tuple[list[Any], Any]:
    """Return what the kernel finds over rows, and its state; forget before one sample, as at a gap."""
    ring = np.concatenate((rows, rows))
    state, scratch = gait.init(PARAMS, rate_hz), motions.scratch(len(rows))
    found, oldest = [], 0
    for k in range(len(rows)):
        if k == forget_at:
            gait.forget(state[0])
            oldest = k
        n = gait.step(state[0], ring, k, oldest, axes, scratch)
        found += [state["found"][0, i].copy() for i in range(n)]
    return found, state


def equals_twin(rows: Array, rate_hz: float, axes: Any) -> None:
    """Assert that kernel and twin find the same strides."""
    found, _ = detect(rows, rate_hz, axes)
    expected = gait_twin.find(rows, rate_hz, axes["left"], axes["up"], float(axes["lever_m"]), PARAMS)
    assert len(found) == len(expected) > 5
    for one, other in zip(found, expected, strict=True):
        previous = -1.0 if other.previous is None else other.previous
        assert one["previous_contact"] == pytest.approx(previous, abs=1e-6)
        assert one["toe_off"] == pytest.approx(other.toe_off, abs=1e-6)
        assert one["contact"] == pytest.approx(other.contact, abs=1e-6)
        assert one["known"] == other.known
        assert one["travel_m"] == pytest.approx(other.travel_m, rel=1e-4)
        assert one["swing_rate_rad_s"] == pytest.approx(other.peak_rad_s, rel=1e-9)
        assert one["push_rate_rad_s"] == pytest.approx(other.dip_rad_s, abs=1e-9)
        assert one["heading_deg"] == pytest.approx(other.heading_deg, abs=1e-6)


@pytest.mark.parametrize(
    ("scenario", "side", "rate_hz"),
    [("walk", "left", 100.0), ("run", "right", 100.0), ("walk_turn", "left", 204.8), ("walk_slow", "right", 52.0)],
)
def test_equals_twin(scenario: str, side: str, rate_hz: float) -> None:
    """The state machine finds what one pass over the whole history finds."""
    mount = chains.leg_of(scenario, side, rate_hz).mount
    rows = chains.history(chains.simulated(scenario, side, rate_hz))
    equals_twin(rows, rate_hz, known(mount.left, mount.up, SHANK_LEVER_M))


@pytest.mark.parametrize(("trial", "foot"), [("1-1", "lf"), ("5-3", "rf"), ("9-2", "lf")])
def test_equals_twin_on_a_real_walk(data_folder: Path, trial: str, foot: str) -> None:
    """The same on feet, with a U-turn and lost packets, about the axes that the whole walk shows."""
    rows = chains.history(chains.walk_of(data_folder, trial, foot))
    axes = gait_axes_twin.measure(rows, 100.0, gait_axes.Params())
    equals_twin(rows, 100.0, known(axes.left, axes.up, 0.0))


@pytest.mark.parametrize("scenario", ["walk", "walk_slow", "walk_fast", "walk_turn", "run", "reference"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_every_stride_of_the_simulator(scenario: str, side: str) -> None:
    """With the mount known every stride is found once, its contact within 40 ms and known within 0.3 s of it.

    The step that ends a bout only brings the foot beside the other one, so the first and the last may differ by one.
    """
    recording = chains.leg_of(scenario, side)
    truth = [one for one in recording.truth if one.kind == "stride"]
    axes = known(recording.mount.left, recording.mount.up, SHANK_LEVER_M)
    found, _ = detect(chains.history(chains.simulated(scenario, side)), 100.0, axes)
    contacts = np.array([one["contact"] for one in found]) / 100.0
    expected = np.array([one.end_s for one in truth])
    assert len(contacts) == len(expected)
    np.testing.assert_allclose(contacts, expected, atol=0.04)
    late = np.array([one["known"] - one["contact"] for one in found if one["previous_contact"] >= 0.0]) / 100.0
    assert late.max() < 0.3


@pytest.mark.parametrize("scenario", ["stand", "fidget", "knee_extension", "hip_abduction", "squat", "hamstring_curl"])
def test_no_stride_where_nobody_walks(scenario: str) -> None:
    """Standing, fidgeting and exercises carry the leg nowhere, whatever axis they are looked at about."""
    stream = chains.simulated(scenario)
    rows = chains.history(stream)
    for left, up in (((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0))):
        assert detect(rows, 100.0, known(left, up, SHANK_LEVER_M))[0] == []


@pytest.mark.parametrize("rate_hz", [25.0, 52.0, 100.0, 204.8, 400.0])
def test_any_rate(rate_hz: float) -> None:
    """The count does not depend on the rate, nor do the contacts by more than 40 ms."""
    recording = chains.leg_of("walk", "left", rate_hz)
    axes = known(recording.mount.left, recording.mount.up, SHANK_LEVER_M)
    found, _ = detect(chains.history(chains.simulated("walk", "left", rate_hz)), rate_hz, axes)
    contacts = np.array([one["contact"] for one in found]) / rate_hz
    np.testing.assert_allclose(contacts, [one.end_s for one in recording.truth], atol=0.04)


def test_a_gap_ends_the_bout() -> None:
    """After `forget` no stride reaches back over the gap: the next begins a bout."""
    stream: Stream = chains.simulated("walk")
    mount = chains.leg_of("walk").mount
    rows = chains.history(stream)
    axes = known(mount.left, mount.up, SHANK_LEVER_M)
    whole, _ = detect(rows, 100.0, axes)
    middle = int(whole[9]["contact"]) + 30
    found, _ = detect(rows, 100.0, axes, forget_at=middle)
    first = next(one for one in found if one["contact"] > middle)
    assert first["previous_contact"] == -1.0
    assert first["toe_off"] >= middle
    assert sum(one["previous_contact"] == -1.0 for one in found) == 2
    assert [one["contact"] for one in found if one["contact"] < middle] == [one["contact"] for one in whole[:10]]


def test_slow_walking_after_a_gap_in_a_run_is_found() -> None:
    """The threshold that followed the fast swings before the gap does not hide the slow ones behind it."""
    scene = Scenario(
        name="slow", description="slow", activities=(Stand(duration_s=2.0), Gait(speed_mps=0.3, strides=9))
    )
    walk = simulate(scene, rate_hz=100.0).legs["left"]
    slow = chains.history(chains.Stream(walk.time_s, walk.acc, walk.gyr, 100.0))
    rows = np.concatenate((chains.history(chains.simulated("run_fast"))[:1200], slow))
    axes = known(walk.mount.left, walk.mount.up, SHANK_LEVER_M)
    found, _ = detect(rows, 100.0, axes, forget_at=1200)
    contacts = np.array([one["contact"] for one in found])
    assert np.sum(contacts < 1200) > 5
    alone, _ = detect(slow, 100.0, axes)
    assert len(alone) == len(walk.truth) == 9
    np.testing.assert_allclose(contacts[contacts > 1200] - 1200, [one["contact"] for one in alone], atol=1e-6)


def test_restart_makes_states_behave_alike() -> None:
    """A state restarted from another goes on as that one does."""
    mount = chains.leg_of("walk").mount
    rows = chains.history(chains.simulated("walk"))
    ring = np.concatenate((rows, rows))
    axes = known(mount.left, mount.up, SHANK_LEVER_M)
    scratch = motions.scratch(len(rows))
    state, other = gait.init(PARAMS, 100.0), gait.init(PARAMS, 100.0)
    for k in range(700):
        gait.step(state[0], ring, k, 0, axes, scratch)
    gait.restart(other[0], state[0])
    for k in range(700, len(rows)):
        n = gait.step(state[0], ring, k, 0, axes, scratch)
        assert n == gait.step(other[0], ring, k, 0, axes, scratch)
        assert state["found"][0, :n].tobytes() == other["found"][0, :n].tobytes()


def test_heading_of_a_turned_sensor_is_the_same() -> None:
    """A sensor turned in its pocket, with axes turned alike, gives the same strides."""
    mount, stream = chains.leg_of("walk_turn").mount, chains.simulated("walk_turn")
    turn = Rotation.random(rng=np.random.default_rng(3))
    plain, _ = detect(chains.history(stream), 100.0, known(mount.left, mount.up, SHANK_LEVER_M))
    axes = known(turn.apply(mount.left), turn.apply(mount.up), SHANK_LEVER_M)
    turned, _ = detect(chains.history(stream.turned(turn)), 100.0, axes)
    assert len(plain) == len(turned)
    for name in ("contact", "toe_off", "travel_m", "heading_deg"):
        np.testing.assert_allclose([one[name] for one in turned], [one[name] for one in plain], rtol=1e-3, atol=1e-2)
