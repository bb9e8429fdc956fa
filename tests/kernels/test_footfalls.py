"""Strides without a gyroscope: the simulator's truth, what is no stride, and what must not alter anything."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import footfalls, landings
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Fidget, Stand
from ankled.simulators.jump import Jumps
from ankled.simulators.scenarios import Scenario
from ankled.simulators.simulation import simulate
from ankled.simulators.wearer import Style
from benchmarks.datasets import broad
from tests.kernels import chains

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ankled.simulators.scenarios import Doing
    from tests.kernels.chains import Array, Rows, Stream

WALKS = ("walk", "walk_slow", "walk_fast", "walk_turn", "run", "run_fast", "reference")
STILL = Stand(duration_s=2.0)


def detect(stream: Stream, cuts: Sequence[int] = ()) -> tuple[Rows, Array, bytes]:
    """Return the strides, when each was known, and what the detector remembers at the end."""
    state = footfalls.init(footfalls.Params(), stream.rate_hz)
    found, known_s = np.zeros(400, landings.FOUND), np.zeros(400)
    count = 0
    for a, b in itertools.pairwise((0, *cuts, len(stream.time_s))):
        count += footfalls.run(state, stream.time_s[a:b], stream.acc[a:b], found[count:], known_s[count:])
    return found[:count], known_s[:count], state.tobytes()


def both(scenario: str | Scenario, rate_hz: float, seed: int = 0, *, true: bool = True) -> list[tuple[Stream, Array]]:
    """Return what the sensors on both legs deliver, and their true contacts unless those are not asked for."""
    made = []
    for leg in simulate(scenario, rate_hz=rate_hz, seed=seed, with_truth=true).legs.values():
        contacts = [one.initial_contact_s for one in leg.truth if one.initial_contact_s is not None]
        made.append((chains.Stream(leg.time_s, leg.acc, leg.gyr, rate_hz), np.asarray(contacts)))
    return made


def of(*activities: Doing, **style: float) -> Scenario:
    """Return a scenario that stands still before and after."""
    return Scenario(name="made", description="", activities=(STILL, *activities, STILL), style=Style(**style))  # type: ignore[arg-type]  # numbers by their names


# --- what is there --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [52.0, 100.0, 208.0, 400.0])
@pytest.mark.parametrize("scenario", WALKS)
def test_every_stride_of_a_scenario_is_found(scenario: str, rate_hz: float) -> None:
    """Slow or fast, walking, turning or running: all contacts, no other, each right to a sample or two and 30 ms."""
    for stream, contacts in both(scenario, rate_hz):
        found, known_s, _ = detect(stream)
        assert len(found) == len(contacts)
        np.testing.assert_allclose(found["end_s"], contacts, rtol=0, atol=0.03 + 1.5 / rate_hz)
        assert found["first"].sum() == 1
        np.testing.assert_array_equal(found["start_s"][1:], found["end_s"][:-1])
        assert (found["peak_mps2"] > 11.0).all()
        prompt = (known_s - found["end_s"])[found["late"] == 0]
        assert prompt.max() < 0.65
        assert np.median(prompt) < 0.35


@pytest.mark.parametrize("scenario", ["walk", "walk_slow", "walk_fast", "walk_turn"])
def test_walking_is_found_at_25_hz(scenario: str) -> None:
    """At the lowest rate the contacts of walking are all there, less exactly."""
    for stream, contacts in both(scenario, 25.0):
        found, _, _ = detect(stream)
        assert len(found) == len(contacts)
        np.testing.assert_allclose(found["end_s"], contacts, rtol=0, atol=0.1)


@pytest.mark.parametrize("speed_mps", [0.3, 0.6, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("placement", ["shank", "foot"])
def test_walking_at_any_speed(speed_mps: float, placement: Any) -> None:
    """From a shuffle to a march, on the shank and on the foot."""
    for stream, contacts in both(of(Gait(speed_mps=speed_mps, strides=8), placement=placement), 100.0, seed=1):
        assert len(detect(stream)[0]) == len(contacts) == 8


@pytest.mark.parametrize("speed_mps", [2.2, 3.0, 4.0, 5.0])
@pytest.mark.parametrize("placement", ["shank", "foot"])
def test_running_at_any_speed(speed_mps: float, placement: Any) -> None:
    """From a jog to a sprint, where the leg may never be still: none is missed, and the start adds one at most."""
    made = of(Gait(speed_mps=speed_mps, strides=20, running=True), placement=placement)
    for stream, contacts in both(made, 100.0, seed=1):
        found, _, _ = detect(stream)
        assert 20 == len(contacts) <= len(found) <= 21
        np.testing.assert_allclose(found["end_s"][-20:], contacts, rtol=0, atol=0.06)


def test_from_walking_to_running_and_back() -> None:
    """A change of gait without a stop, and one with, costs no more than a stride each."""
    made = of(
        Gait(speed_mps=1.3, strides=8),
        Gait(speed_mps=3.0, strides=15, running=True),
        Stand(duration_s=3.0),
        Gait(speed_mps=1.0, strides=8),
    )
    stream, contacts = both(made, 100.0)[0]
    found, _, _ = detect(stream)
    assert len(contacts) == 31
    assert 29 <= len(found) <= 31
    distance = np.abs(contacts[:, None] - found["end_s"][None, :]).min(axis=0)
    assert distance.max() < 0.06


# --- what is none ---------------------------------------------------------------------------------------------------

NOTHING = (
    "squat", "knee_extension", "straight_leg_raise", "hip_abduction", "hamstring_curl", "leg_raise", "jump", "stand",
    "fidget", "lateral_disturbance", "fatigue", "asymmetry",
)  # fmt: skip


@pytest.mark.parametrize("scenario", NOTHING)
def test_what_is_no_stride_gives_none(scenario: str) -> None:
    """Exercises, jumps, standing and fidgeting are not taken for walking, at a low rate and at a high one."""
    for rate_hz in (25.0, 100.0):
        for stream, _ in both(scenario, rate_hz, true=False):
            assert len(detect(stream)[0]) == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_long_fidgeting_gives_none(seed: int) -> None:
    """Two minutes of feet that do not keep still."""
    made = of(Fidget(duration_s=120.0), tremor_deg=0.3)
    for stream, _ in both(made, 100.0, seed, true=False):
        assert len(detect(stream)[0]) == 0


@pytest.mark.parametrize("flight_s", [0.2, 0.3, 0.5])
@pytest.mark.parametrize("period_s", [1.9, 2.4])
def test_jumps_in_a_row_give_none(flight_s: float, period_s: float) -> None:
    """As even as steps, with shocks as strong: the free fall between them tells."""
    made = of(Jumps(reps=12, flight_s=flight_s, period_s=period_s))
    for stream, _ in both(made, 100.0, true=False):
        assert len(detect(stream)[0]) == 0


@pytest.mark.parametrize("rate_hz", [52.0, 100.0, 400.0])
@pytest.mark.parametrize("strength_mps2", [0.5, 5.0, 50.0])
def test_shaking_without_a_pattern_gives_none(rate_hz: float, strength_mps2: float) -> None:
    """Ten minutes of noise hold strong shocks at even distances by chance; none of them stands out."""
    noise = np.random.default_rng(1).normal(0.0, strength_mps2, (int(600 * rate_hz), 3)) + np.array([0.0, 0.0, 9.8])
    assert len(detect(chains.Stream(np.arange(len(noise)) / rate_hz, noise, noise, rate_hz))[0]) <= 3


@pytest.mark.parametrize("trial", ["07_undisturbed_fast_rotation_B", "16_undisturbed_fast_translation_B"])
def test_a_board_moved_by_hand_does_not_walk(data_folder: Path, trial: str) -> None:
    """Three minutes of a real sensor turned and pushed about, fast, with pauses."""
    assert (data_folder / broad.NAME).is_dir()
    data = broad.load_trial(trial)
    found = detect(chains.Stream(np.arange(len(data.acc)) / data.rate_hz, data.acc, data.gyr, data.rate_hz))[0]
    assert len(found) <= 3


def test_people_who_lift_their_legs_hardly_walk(data_folder: Path) -> None:
    """240 real leg raises, held and put down, some dropped hard: six of them may look like strides."""
    strides = 0
    for path in sorted((data_folder / "leg_raises_pt").glob("s*_e*.npz")):
        with np.load(path) as file:
            acc = np.ascontiguousarray(file["u2_test"][:, :3], dtype=np.float64)
        stream = chains.Stream(np.arange(len(acc)) / 25.0, acc, acc, 25.0)
        strides += len(detect(stream)[0])
    assert strides <= 6


# --- what must not alter anything -----------------------------------------------------------------------------------

MIXED = chains.join(
    chains.simulated("walk_turn"),
    chains.simulated("run").delayed(40.0),
    chains.simulated("leg_raise").delayed(80.0),
    chains.simulated("walk_slow").delayed(120.0),
)
MIXED = MIXED._replace(time_s=np.arange(len(MIXED.time_s)) / 100.0)
WHOLE = detect(MIXED)


@settings(max_examples=30)
@given(st.lists(st.integers(0, len(MIXED.time_s)), max_size=20))
def test_any_cut_gives_the_same_bits(cuts: list[int]) -> None:
    """run(a + b) is run(a); run(b): strides, times and memory, bit for bit, empty blocks included."""
    found, known_s, memory = detect(MIXED, sorted(cuts))
    assert len(found) > 60
    assert found.tobytes() == WHOLE[0].tobytes()
    assert known_s.tobytes() == WHOLE[1].tobytes()
    assert memory == WHOLE[2]


@pytest.mark.parametrize("cut", [800, 2500, 5600])
def test_a_stride_depends_on_nothing_later(cut: int) -> None:
    """What was known before a cut is the same whatever follows it."""
    rng = np.random.default_rng(cut)
    acc = MIXED.acc.copy()
    acc[cut:] = rng.normal(0.0, 12.0, acc[cut:].shape)
    found, known_s, _ = detect(MIXED._replace(acc=acc))
    before = WHOLE[1] < MIXED.time_s[cut]
    assert before.any()
    assert found[known_s < MIXED.time_s[cut]].tobytes() == WHOLE[0][before].tobytes()


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_any_turn_of_the_sensor_gives_the_same_strides(seed: int) -> None:
    """However it sits in its pocket."""
    found, known_s, _ = detect(MIXED.turned(Rotation.random(rng=np.random.default_rng(seed))))
    assert len(found) == len(WHOLE[0])
    np.testing.assert_allclose(found["end_s"], WHOLE[0]["end_s"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(known_s, WHOLE[1], rtol=0, atol=0.0101)


def test_another_time_of_day_gives_the_same_strides() -> None:
    """A day into the session the same samples are the same strides."""
    found, known_s, _ = detect(MIXED.delayed(86_400.0))
    np.testing.assert_allclose(found["end_s"], WHOLE[0]["end_s"] + 86_400.0, rtol=0, atol=1e-6)
    np.testing.assert_allclose(known_s, WHOLE[1] + 86_400.0, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "worse",
    [
        lambda acc: acc * 0.9,
        lambda acc: acc * 1.1,
        lambda acc: acc + np.array([0.6, -0.4, 0.5]),
        lambda acc: acc + np.random.default_rng(1).normal(0.0, 0.3, acc.shape),
        lambda acc: np.clip(acc, -39.2, 39.2),
        lambda acc: np.round(acc / 0.3) * 0.3,
    ],
    ids=["10 % small", "10 % large", "zero off", "noise", "clipped at 4 g", "coarse"],
)
def test_a_worse_sensor_finds_the_same_contacts(worse: Any) -> None:
    """Scale, zero, noise, range and resolution as bad as they come move a contact by hundredths, and lose none."""
    for scenario in ("walk", "walk_turn", "run"):
        stream = chains.simulated(scenario)
        good, bad = detect(stream)[0], detect(stream._replace(acc=np.ascontiguousarray(worse(stream.acc))))[0]
        assert len(bad) == len(good)
        np.testing.assert_allclose(bad["end_s"], good["end_s"], rtol=0, atol=0.03)


def test_a_gap_ends_the_bout() -> None:
    """After `forget` no stride reaches back over it, and the next three landings make a new bout."""
    stream = chains.simulated("walk")
    state, found, known_s = footfalls.init(footfalls.Params(), 100.0), np.zeros(60, landings.FOUND), np.zeros(60)
    count = footfalls.run(state, stream.time_s[:1200], stream.acc[:1200], found, known_s)
    footfalls.forget(state[0])
    whole = count + footfalls.run(state, stream.time_s[1260:], stream.acc[1260:], found[count:], known_s[count:])
    after = found[count:whole]
    assert count > 5
    assert after["first"].tolist() == [1] + [0] * (len(after) - 1)
    assert after["start_s"][0] >= stream.time_s[1260]
    assert len(after) > 5
