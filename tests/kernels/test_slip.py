"""A weight that turns on the leg while its wearer walks: noticed, measured, and the axes right again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import chain, leg, results, slip, stride_axes
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.scenarios import SCENARIOS, Slip
from ankled.simulators.simulation import LegRecording, simulate
from benchmarks.datasets import gaitmap, ipol, leg_raises
from tests.kernels import chains

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernels.chains import Rows, Stream

SEEDS = st.integers(0, 10**6)
SLIP_S = 14.0
AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


def stream_of(recording: LegRecording) -> Stream:
    """Return what the sensor of a simulated leg delivers."""
    acc, gyr = np.ascontiguousarray(recording.acc), np.ascontiguousarray(recording.gyr)
    return chains.Stream(recording.time_s, acc, gyr, 100.0)


def slipping(
    axis: str, angle_deg: float, seed: int, scenario: str = "slip", side: Literal["left", "right"] = "left"
) -> LegRecording:
    """Return a leg that walks with a weight that turns by `angle_deg` about one of the leg's axes at SLIP_S."""
    turned = Slip(side=side, time_s=SLIP_S, angle_deg=angle_deg, axis=AXES[axis])
    made = msgspec.structs.replace(SCENARIOS[scenario], slips=(turned,))
    return simulate(made, mount=MOUNTS["oblique"], seed=seed, with_truth=False).legs[side]


def run(stream: Stream, **options: Any) -> tuple[Rows, Any]:
    """Return the rows of a stream and what is known of the leg in the end."""
    work = chain.Chain(stream.rate_hz, **options)
    rows = np.concatenate([*chains.feed(work, stream), chains.finish(work)])
    return rows, work.state["bouts"]["leg"][0].copy()


def off_deg(found: Any, mount: Any) -> tuple[float, float]:
    """Return how far left and up are from those of a mount, deg."""
    rotation = mount.rotation()
    cosines = found["left"] @ rotation[1], found["up"] @ rotation[2]
    return float(np.degrees(np.arccos(min(1.0, cosines[0])))), float(np.degrees(np.arccos(min(1.0, cosines[1]))))


def settled(angles: Rotation) -> Any:
    """Return a reference whose axes are the columns y and z of a rotation."""
    state = np.zeros(1, slip.STATE)[0]
    state["left"], state["up"] = angles.as_matrix()[:, 1], angles.as_matrix()[:, 2]
    return state


@given(SEEDS, st.floats(0.0, 170.0))
def test_the_turn_is_the_rotation_of_the_sensor(seed: int, angle_deg: float) -> None:
    """A sensor that turns on the leg by a rotation vector sees the leg's axes turned the other way round."""
    rng = np.random.default_rng(seed)
    leg_to_sensor = Rotation.random(rng=rng)
    axis = rng.normal(size=3)
    vector = np.radians(angle_deg) * axis / np.linalg.norm(axis)
    after = leg_to_sensor * Rotation.from_rotvec(vector).inv()
    state = settled(leg_to_sensor)
    new = after.as_matrix()
    found = slip.turn(state, np.ascontiguousarray(new[:, 1]), np.ascontiguousarray(new[:, 2]))
    np.testing.assert_allclose(found, vector, atol=1e-9)


@given(SEEDS)
def test_known_axes_are_carried_along(seed: int) -> None:
    """Axes that differ from the reference turn with the sensor as the reference does."""
    rng = np.random.default_rng(seed)
    before, after, own = (Rotation.random(rng=rng) for _ in range(3))
    array = leg.init(tuple(own.as_matrix()[:, 1]), tuple(own.as_matrix()[:, 2]))
    new = after.as_matrix()
    slip.carry(settled(before), array[0], np.ascontiguousarray(new[:, 1]), np.ascontiguousarray(new[:, 2]))
    expected = (after * before.inv() * own).as_matrix()
    np.testing.assert_allclose(array[0]["left"], expected[:, 1], atol=1e-9)
    np.testing.assert_allclose(array[0]["up"], expected[:, 2], atol=1e-9)


def watched(turns_deg: list[float], stride_n: list[float] | None = None) -> tuple[list[int], Any]:
    """Return the verdicts on strides whose axes are turned about y by so much, and the state after them."""
    state = np.zeros(1, slip.STATE)[0]
    slip.forget(state)
    verdicts = []
    for i, turn_deg in enumerate(turns_deg):
        seen = np.zeros(1, stride_axes.SEEN)[0]
        axes = Rotation.from_rotvec([0.0, np.radians(turn_deg), 0.0]).as_matrix()
        seen["left"], seen["mean_up"] = axes[:, 1], axes[:, 2]
        verdicts.append(slip.watch(state, seen, 100.0 if stride_n is None else stride_n[i], 5.0))
    return verdicts, state


def test_a_few_strides_are_no_slip() -> None:
    """Three strides on the stairs stray and come back; the fourth in a row would have been one too many."""
    follow, suspect = [slip.FOLLOW], [slip.SUSPECT]
    assert watched([0.0] * 8 + [25.0] * 3 + [0.0] * 3)[0] == follow * 8 + suspect * 3 + follow * 3
    assert watched([0.0] * 8 + [25.0] * 4)[0] == follow * 8 + suspect * 3 + [slip.SLIPPED]


def test_strides_that_disagree_with_each_other_are_no_slip() -> None:
    """A stagger strays this way and that: however long it lasts, nothing has moved on the leg."""
    assert slip.SLIPPED not in watched([0.0] * 8 + [-25.0, 25.0] * 8)[0]


def test_another_gait_tilts_the_sensor_and_is_no_slip() -> None:
    """Running tilts the mean specific force by 26 deg: with another stride time that is no slip, and is learnt."""
    gait = [100.0] * 8 + [70.0] * 12
    verdicts, state = watched([0.0] * 8 + [26.0] * 12, gait)
    assert slip.SLIPPED not in verdicts
    assert verdicts[-8:] == [slip.FOLLOW] * 8
    assert np.degrees(np.arccos(state["up"][2])) == pytest.approx(26.0, abs=1.0)


@pytest.mark.parametrize("axis", list(AXES))
@pytest.mark.parametrize("angle_deg", [18.0, -25.0, 40.0, 60.0, -75.0, 90.0])
def test_a_slip_is_found_and_the_axes_are_right_again(axis: str, angle_deg: float) -> None:
    """Told once, within 10 s, its angle within 5 deg and a tenth; the axes in the end are those of the new mount."""
    recording = slipping(axis, angle_deg, seed=3)
    rows, found = run(stream_of(recording))
    told = rows[rows["kind"] == results.SLIP]
    assert len(told) == 1
    assert SLIP_S < told["known_s"][0] < SLIP_S + 10.0
    vector = np.degrees([told[f"turn_{name}_rad"][0] for name in "xyz"])
    np.testing.assert_allclose(vector, angle_deg * np.array(AXES[axis]), atol=5.0 + 0.1 * abs(angle_deg))
    left_deg, up_deg = off_deg(found, recording.mount_after)
    assert left_deg < 3.0
    assert up_deg < 9.0


@pytest.mark.parametrize(("scenario", "side"), [("walk_turn", "left"), ("walk_slow", "right"), ("run_fast", "left")])
@pytest.mark.parametrize(("axis", "angle_deg"), [("z", 30.0), ("x", -30.0), ("y", 30.0)])
def test_a_slip_in_any_gait(scenario: str, side: Literal["left", "right"], axis: str, angle_deg: float) -> None:
    """Walking with turns, slowly, and running: the same."""
    recording = slipping(axis, angle_deg, 5, scenario, side)
    rows, found = run(stream_of(recording))
    assert np.sum(rows["kind"] == results.SLIP) == 1
    assert off_deg(found, recording.mount_after)[0] < 4.0


def test_a_configured_mount_slips_too() -> None:
    """The configured axes turn by what walking shows, and walking is their source from then on."""
    recording = slipping("z", 40.0, 1)
    rows, found = run(stream_of(recording), left=recording.mount.left, up=recording.mount.up)
    (told,) = rows[rows["kind"] == results.SLIP]
    strides = chains.strides(rows)
    before = strides["end_s"] < told["known_s"] - 0.5
    assert np.all(strides["axis_source"][before] == leg.CONFIGURED)
    assert np.all(strides["axis_source"][strides["end_s"] > told["known_s"]] == leg.WALKING)
    assert off_deg(found, recording.mount_after)[0] < 3.0


def test_a_mount_configured_wrongly_is_no_slip() -> None:
    """What is compared is the strides with each other: a weight that never moved has not slipped."""
    recording = chains.leg_of("walk")
    turned = Rotation.from_rotvec([0.0, 0.0, np.radians(30.0)]).apply([recording.mount.left, recording.mount.up])
    rows, _ = run(chains.simulated("walk"), left=tuple(turned[0]), up=tuple(turned[1]))
    assert len(chains.strides(rows)) > 5
    assert results.SLIP not in rows["kind"]


def test_strides_under_suspicion_say_how_far_they_may_be_off() -> None:
    """From the slip to its report the uncertainty covers the turn; before and after it is small."""
    rows, _ = run(stream_of(slipping("z", 40.0, 2)))
    (told,) = rows[rows["kind"] == results.SLIP]
    strides = chains.strides(rows)
    doubt_deg = np.degrees(strides["axis_uncertainty_rad"])
    begun, over = strides["start_s"] > SLIP_S + 0.3, strides["known_s"] >= told["known_s"]
    assert np.sum(begun & ~over) >= 2
    assert np.all(doubt_deg[begun & ~over] > 35.0)
    assert np.all(doubt_deg[over] < 10.0)
    assert np.all(doubt_deg[strides["end_s"] < SLIP_S] < 10.0)


@pytest.mark.parametrize("scenario", sorted(set(SCENARIOS) - {"slip"}))
@pytest.mark.parametrize("side", ["left", "right"])
def test_nothing_slips_where_nothing_does(scenario: str, side: Literal["left", "right"]) -> None:
    """No scenario without a slip has one: not turns, not running, not exercises, mount found or known."""
    for seed in (0, 1):
        recording = simulate(scenario, seed=seed, with_truth=False).legs[side]
        for mount in ({}, {"left": recording.mount.left, "up": recording.mount.up}):
            assert results.SLIP not in run(stream_of(recording), **mount)[0]["kind"]


def test_nothing_slips_on_a_leg_without_a_slip() -> None:
    """In the scenario in which the left weight slips, the right one stays."""
    assert results.SLIP not in chains.rows_of(chains.simulated("slip", "right"))["kind"]


def test_no_real_weight_has_slipped(data_folder: Path) -> None:
    """Feet of real people, on the level, with U-turns, on stairs, of a patient; real exercises: no slip is told."""
    assert data_folder
    recordings = [(foot.data, 100.0) for name in ipol.walk_names() for foot in ipol.load_walk(name).feet.values()]
    for walk in gaitmap.load_passes():
        recordings += [(data, 1.0 / float(np.median(np.diff(data.time_s)))) for data in walk.feet.values()]
    recordings += [(leg_raises.load_session(name).data, 25.0) for name in leg_raises.session_names()]
    for data, rate_hz in recordings:
        assert results.SLIP not in chains.rows_of(chains.Stream(*data.arrays(), rate_hz))["kind"]


@pytest.mark.parametrize(("trial", "foot"), [("1-1", "lf"), ("4-2", "rf"), ("9-2", "lf")])
@pytest.mark.parametrize("axis", list(AXES))
def test_a_slip_in_a_real_walk(data_folder: Path, trial: str, foot: str, axis: str) -> None:
    """A real foot whose sensor is turned by 40 deg half-way: told, its angle within 10 deg."""
    stream = chains.walk_of(data_folder, trial, foot)
    _, known = run(stream)
    frame = np.stack([np.cross(known["left"], known["up"]), known["left"], known["up"]])
    turn = Rotation.from_rotvec(-np.radians(40.0) * (np.array(AXES[axis]) @ frame))
    half = len(stream.time_s) // 2
    joined = chains.join(stream.cut(0, half), stream.cut(half).turned(turn))
    (told,) = (row for row in run(joined)[0] if row["kind"] == results.SLIP)
    vector = np.degrees([told[f"turn_{name}_rad"] for name in "xyz"])
    np.testing.assert_allclose(vector, 40.0 * np.array(AXES[axis]), atol=12.0)
