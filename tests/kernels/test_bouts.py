"""What becomes a result: strides or repetitions, none lost while the axes settle, the same for any rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import leg, results
from ankled.kernels.constants import GAIT, REPS
from ankled.simulators.gait import Gait
from ankled.simulators.scenarios import SCENARIOS
from ankled.simulators.simulation import simulate
from tests.kernels import chains

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.simulators.simulation import LegRecording
    from tests.kernels.chains import Rows, Stream

WALKS = ["walk", "walk_slow", "walk_fast", "walk_turn", "reference"]
EXERCISES = ["squat", "knee_extension", "straight_leg_raise", "hip_abduction", "hamstring_curl", "leg_raise"]
TIMES = ("start_s", "end_s", "toe_off_s", "known_s")
FIELDS = (
    "travel_m",
    "rom_deg",
    "peak_rad_s",
    "mean_rad_s",
    "sway_rms_mps2",
    "sway_range_deg",
    "sway_jerk_rms_mps3",
    "lateral_peak_mps2",
    "lateral_mean_mps2",
    "lateral_rms_mps2",
    "lateral_impulse_mps",
    "lateral_impact_mps2",
)


def stream_of(recording: LegRecording) -> Stream:
    """Return what the sensor of a simulated leg delivers, at 100 Hz."""
    acc, gyr = np.ascontiguousarray(recording.acc), np.ascontiguousarray(recording.gyr)
    return chains.Stream(recording.time_s, acc, gyr, 100.0)


def same_strides(stream: Stream, rotation: Rotation) -> None:
    """Assert that a turned sensor gives the same strides: times within a sample, fields within 2 %."""
    plain, turned = (chains.strides(chains.rows_of(one)) for one in (stream, stream.turned(rotation)))
    assert len(plain) == len(turned) > 5
    for name in TIMES:
        np.testing.assert_allclose(turned[name], plain[name], rtol=0.0, atol=1.0 / stream.rate_hz)
    for name in FIELDS:
        np.testing.assert_allclose(turned[name], plain[name], rtol=0.02, err_msg=name)


@settings(max_examples=8)
@given(st.sampled_from(["walk", "walk_turn", "demo"]), st.integers(0, 10**6))
def test_any_rotation_gives_the_same_strides(scenario: str, seed: int) -> None:
    """How the sensor sits in its pocket does not show in the results."""
    same_strides(chains.simulated(scenario), Rotation.random(rng=np.random.default_rng(seed)))


@pytest.mark.parametrize(("trial", "foot"), [("1-1", "lf"), ("4-2", "rf"), ("9-2", "lf")])
@pytest.mark.parametrize("seed", [1, 2])
def test_any_rotation_of_a_real_walk_gives_the_same_strides(
    data_folder: Path, trial: str, foot: str, seed: int
) -> None:
    """The same with what a foot in a shoe delivers."""
    same_strides(chains.walk_of(data_folder, trial, foot), Rotation.random(rng=np.random.default_rng(seed)))


@pytest.mark.parametrize("rate_hz", [25.0, 52.0, 100.0, 204.8, 400.0])
@pytest.mark.parametrize("scenario", ["walk", "walk_turn", "walk_slow"])
def test_walks_are_found_at_any_rate(scenario: str, rate_hz: float) -> None:
    """Every stride once, contact within 40 ms, no repetition, with a mount that nobody configured."""
    rows = chains.rows_of(chains.simulated(scenario, "right", rate_hz))
    truth = chains.leg_of(scenario, "right", rate_hz).truth
    found = chains.strides(rows)
    assert len(found) == len(truth)
    np.testing.assert_allclose(found["end_s"], [one.end_s for one in truth], atol=0.04)
    assert len(chains.reps(rows)) == 0


@pytest.mark.parametrize("scenario", ["run", "run_fast"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_runs_are_found(scenario: str, side: str) -> None:
    """Every stride of a run, though velocity hardly says which way is forward, and no repetition at its beginning."""
    rows = chains.rows_of(chains.simulated(scenario, side))
    found, recording = chains.strides(rows), chains.leg_of(scenario, side)
    np.testing.assert_allclose(found["end_s"], [one.end_s for one in recording.truth], atol=0.04)
    outward = 1.0 if side == "left" else -1.0
    truth = np.median([one.lateral_force_peak_n for one in recording.truth])
    assert outward * np.median(found["lateral_peak_mps2"]) * truth > 0.0
    assert len(chains.reps(rows)) == 0


@pytest.mark.parametrize("placement", ["foot", "shank"])
@pytest.mark.parametrize("scenario", ["walk_slow", "walk_turn", "run"])
def test_a_foot_and_a_shank_count_alike(scenario: str, placement: Literal["foot", "shank"]) -> None:
    """Wherever on the leg the sensor sits, every stride is found once, with its contact and its toe-off."""
    style = msgspec.structs.replace(SCENARIOS[scenario].style, placement=placement)
    worn = simulate(msgspec.structs.replace(SCENARIOS[scenario], style=style), rate_hz=100.0).legs["left"]
    rows = chains.rows_of(stream_of(worn))
    found = chains.strides(rows)
    np.testing.assert_allclose(found["end_s"], [one.end_s for one in worn.truth], atol=0.04)
    left_s = np.array([one.toe_off_s for one in worn.truth], dtype=np.float64)
    np.testing.assert_allclose(found["toe_off_s"], left_s, atol=0.05)


@pytest.mark.parametrize(("scenario", "mounted"), [("walk_slow", True), ("run_fast", True), ("run_fast", False)])
def test_a_first_step_is_no_repetition(scenario: str, *, mounted: bool) -> None:
    """What looks like a repetition while the walk begins is held back, and dropped when the strides have been seen."""
    for seed in range(2):
        for worn in simulate(scenario, rate_hz=100.0, seed=seed).legs.values():
            mount: dict[str, Any] = {"left": worn.mount.left, "up": worn.mount.up} if mounted else {}
            assert len(chains.reps(chains.rows_of(stream_of(worn), **mount))) == 0


@pytest.mark.parametrize("scenario", WALKS)
def test_mirrored_legs_give_mirrored_results(scenario: str) -> None:
    """Left is the wearer's on both legs: the median lateral force has sign and size of the truth, within 15 %."""
    for side, outward in (("left", 1.0), ("right", -1.0)):
        recording = chains.leg_of(scenario, side)
        found = chains.strides(chains.rows_of(chains.simulated(scenario, side)))
        force = recording.mass_kg * outward * np.median(found["lateral_peak_mps2"])
        truth = np.median([one.lateral_force_peak_n for one in recording.truth])
        assert force == pytest.approx(truth, rel=0.15), side


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_short_walk_loses_no_stride(side: str) -> None:
    """Ten strides: the first are found late, marked so, after one row that says the axes have settled."""
    ten = msgspec.structs.replace(
        SCENARIOS["walk"], activities=(SCENARIOS["walk"].activities[0], Gait(speed_mps=1.25, strides=10))
    )
    recording = simulate(ten, rate_hz=100.0).legs[side]  # type: ignore[index]  # parametrised by name
    rows = chains.rows_of(stream_of(recording))
    found = chains.strides(rows)
    np.testing.assert_allclose(found["end_s"], [one.end_s for one in recording.truth], atol=0.04)
    assert rows["kind"][0] == results.AXES
    assert list(found["first"]) == [1] + [0] * 9
    late = found["retroactive"] == 1
    assert late[0]
    assert np.all(np.diff(late.astype(int)) <= 0)
    assert np.all(found["known_s"][late] == rows["known_s"][0])
    assert np.all(found["known_s"][~late] - found["end_s"][~late] < 0.3)
    assert np.all(found["axis_source"] == leg.WALKING)


def test_a_configured_mount_settles_nothing() -> None:
    """With axes from the start nothing is announced and nothing late but the first stride, which awaits the second."""
    mount = chains.leg_of("walk").mount
    rows = chains.rows_of(chains.simulated("walk"), left=mount.left, up=mount.up)
    assert list(rows["kind"]) == [results.STRIDE] * 20
    assert list(rows["retroactive"]) == [1] + [0] * 19
    assert rows["known_s"][0] == rows["known_s"][1]
    assert np.all(rows["axis_source"] == leg.CONFIGURED)


@pytest.mark.parametrize("scenario", [*EXERCISES, "stand", "fidget", "lateral_disturbance", "jump"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_no_stride_where_nobody_walks(scenario: str, side: str) -> None:
    """Standing, fidgeting and exercises yield no stride, and never axes of a walking leg."""
    rows = chains.rows_of(chains.simulated(scenario, side))
    assert len(chains.strides(rows)) == 0
    assert results.AXES not in rows["kind"]


@pytest.mark.parametrize("scenario", WALKS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_no_repetition_while_walking(scenario: str, side: str) -> None:
    """A step is no repetition: not the first, not the last, not while the axes are unknown."""
    assert len(chains.reps(chains.rows_of(chains.simulated(scenario, side)))) == 0


@pytest.mark.parametrize("scenario", EXERCISES)
@pytest.mark.parametrize("side", ["left", "right"])
def test_every_repetition_of_an_exercise(scenario: str, side: str) -> None:
    """Ten of ten, in the truth's intervals, with no anatomical axis claimed."""
    rows = chains.reps(chains.rows_of(chains.simulated(scenario, side)))
    truth = chains.leg_of(scenario, side).truth
    assert len(rows) == len(truth)
    for row, one in zip(rows, truth, strict=True):
        middle = 0.5 * (row["start_s"] + row["end_s"])
        assert one.start_s < middle < one.end_s
    assert np.all(rows["axis_source"] == leg.UNKNOWN)
    assert np.all(np.isnan(rows["lateral_peak_mps2"]))
    assert np.all(np.isnan(rows["plane_angle_deg"]))


def test_walk_then_exercise() -> None:
    """The axes that walking has shown serve the repetitions after it."""
    rows = chains.rows_of(chains.simulated("demo"))
    assert len(chains.strides(rows)) == 12
    found = chains.reps(rows)
    assert len(found) == len([one for one in chains.leg_of("demo").truth if one.kind == "rep"]) > 0
    assert found["start_s"].min() > chains.strides(rows)["end_s"].max()
    assert np.all(found["axis_source"] == leg.WALKING)
    assert np.all(found["plane_angle_deg"] < 10.0)


def test_movement_chooses_one_detector() -> None:
    """`gait` yields no repetition, `reps` no stride, whatever the leg does."""
    demo = chains.simulated("demo")
    assert len(chains.reps(chains.rows_of(demo, movement=GAIT))) == 0
    only = chains.rows_of(demo, movement=REPS)
    assert set(only["kind"]) == {results.REP}
    assert len(only) >= 5


@pytest.mark.parametrize(("trial", "foot"), [("1-1", "lf"), ("6-2", "rf"), ("9-2", "lf")])
def test_a_real_walk_yields_strides_alone(data_folder: Path, trial: str, foot: str) -> None:
    """Feet of real people: as many strides as were marked by hand, within one, and no repetition."""
    rows: Rows = chains.rows_of(chains.walk_of(data_folder, trial, foot))
    name = "LeftFootEvents" if foot == "lf" else "RightFootEvents"
    marked = msgspec.json.decode((data_folder / "gait_feet_ipol" / f"{trial}.json").read_bytes())[name]
    assert abs(len(chains.strides(rows)) - len(marked)) <= 1
    assert len(chains.reps(rows)) == 0


@pytest.mark.parametrize(("trial", "foot"), [("9-2", "lf"), ("4-2", "lf"), ("8-1", "rf")])
def test_a_real_walk_that_ends_after_ten_strides_loses_none(data_folder: Path, trial: str, foot: str) -> None:
    """The axes settle with so few: all strides that the whole walk shows up to there are published, late ones too."""
    name = "LeftFootEvents" if foot == "lf" else "RightFootEvents"
    notes = msgspec.json.decode((data_folder / "gait_feet_ipol" / f"{trial}.json").read_bytes())
    tenth_s = [swing[1] for swing in notes[name] if swing[1] >= notes["TrialBoundaries"][0]][9] / 100.0
    whole = chains.walk_of(data_folder, trial, foot)
    short = whole.cut(0, int(np.searchsorted(whole.time_s, tenth_s + 1.0)))
    expected, found = (chains.strides(chains.rows_of(stream))["end_s"] for stream in (whole, short))
    expected = expected[expected < tenth_s + 0.3]
    assert len(expected) >= 8
    np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-9)
