"""Every scenario, as a sensor records it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ankled.daemon.settings import Mount as DaemonMount
from ankled.simulators.exercises import Exercise
from ankled.simulators.gait import Gait
from ankled.simulators.imu import ImuErrors
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.scenarios import SCENARIOS, Scenario, ScenarioError, find
from ankled.simulators.simulation import simulate

REPETITIONS = {
    "walk": 20,
    "walk_slow": 15,
    "walk_fast": 25,
    "walk_turn": 26,
    "run": 30,
    "run_fast": 40,
    "squat": 10,
    "knee_extension": 10,
    "straight_leg_raise": 10,
    "hip_abduction": 10,
    "hamstring_curl": 10,
    "leg_raise": 10,
    "jump": 8,
    "reference": 10,
    "demo": 18,
    "lateral_disturbance": 12,
    "slip": 40,
    "fatigue": 15,
    "asymmetry": 10,
    "stand": 0,
    "balance": 0,
    "walk_balance": 12,
    "fidget": 0,
}


def test_the_table_is_complete() -> None:
    """The registry holds the documented scenarios, each under its own name and with a description."""
    assert set(SCENARIOS) == set(REPETITIONS)
    for name, scenario in SCENARIOS.items():
        assert scenario.name == name
        assert len(scenario.description) > 8


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_plausible(name: str) -> None:
    """Both legs: finite, within what a leg can do, a whole number of samples, as many repetitions as said."""
    simulation = simulate(name)
    assert set(simulation.legs) == {"left", "right"}
    for side, leg in simulation.legs.items():
        assert leg.side == side
        assert leg.acc.shape == leg.gyr.shape == (leg.time_s.size, 3)
        assert np.allclose(np.diff(leg.time_s), 0.01)
        assert np.isfinite(leg.acc).all()
        assert np.isfinite(leg.gyr).all()
        assert 9.0 < np.median(np.linalg.norm(leg.acc, axis=1)) < 25.0
        assert np.linalg.norm(leg.acc, axis=1).max() < 16.0 * 9.80665
        assert np.abs(leg.gyr).max() < 20.0
        assert len(leg.truth) == REPETITIONS[name]
        for rep in leg.truth:
            assert 0.0 < rep.start_s < rep.end_s < simulation.duration_s
            for field in rep.__struct_fields__:
                value = getattr(rep, field)
                assert not isinstance(value, float) or np.isfinite(value)


def test_the_same_seed_gives_the_same_numbers() -> None:
    """Arguments and seed decide everything; another seed moves and measures differently."""
    first, again, other = simulate("demo", seed=5), simulate("demo", seed=5), simulate("demo", seed=6)
    for side, leg in first.legs.items():
        assert np.array_equal(leg.acc, again.legs[side].acc)
        assert np.array_equal(leg.gyr, again.legs[side].gyr)
        assert leg.truth == again.legs[side].truth
        assert leg.truth != other.legs[side].truth


def test_the_sensor_does_not_move_the_leg() -> None:
    """Rate, sensor errors and mount leave the motion alone: the same strides, to the last bit."""
    plain = simulate("walk", imu="ideal").legs["left"]
    odd = simulate("walk", imu="consumer", rate_hz=52.0, mount=MOUNTS["turned"]).legs["left"]
    assert [rep.end_s for rep in plain.truth] == [rep.end_s for rep in odd.truth]


@pytest.mark.parametrize("name", MOUNTS)
def test_a_mount_rotates_what_is_recorded(name: str) -> None:
    """Resolved along the mount's axes, every mount records the same motion; the daemon's Mount takes its vectors."""
    aligned = simulate("walk", imu="ideal").legs["right"]
    mounted = simulate("walk", imu="ideal", mount=MOUNTS[name]).legs["right"]
    left, up = np.array(mounted.mount.left), np.array(mounted.mount.up)
    assert mounted.acc @ left == pytest.approx(aligned.acc[:, 1], abs=1e-9)
    assert mounted.gyr @ up == pytest.approx(aligned.gyr[:, 2], abs=1e-9)
    assert mounted.gyr @ np.cross(left, up) == pytest.approx(aligned.gyr[:, 0], abs=1e-9)
    DaemonMount(left=mounted.mount.left, up=mounted.mount.up)


def test_a_slip_turns_the_sensor_and_not_the_leg() -> None:
    """Before the slip the mount holds, after it the other one, the turn shows in the gyroscope; one leg only."""
    slipped = simulate("slip", imu="ideal")
    still = simulate(msgspec.structs.replace(find("slip"), slips=()), imu="ideal")
    leg, plain = slipped.legs["left"], still.legs["left"]
    (slip,) = leg.slips
    before = leg.time_s < slip.time_s
    after = leg.time_s > slip.time_s + slip.duration_s
    assert np.array_equal(leg.acc[before], plain.acc[before])
    assert leg.acc[after] @ leg.mount_after.rotation().T == pytest.approx(plain.acc[after], abs=1e-9)
    assert leg.gyr[after] @ leg.mount_after.rotation().T == pytest.approx(plain.gyr[after], abs=1e-9)
    during = ~before & ~after
    turned = np.rad2deg(np.sum(leg.gyr[during, 2] - plain.gyr[during, 2]) * 0.01)
    assert turned == pytest.approx(slip.angle_deg, rel=0.01)
    assert leg.truth == plain.truth
    assert np.array_equal(slipped.legs["right"].acc, still.legs["right"].acc)


def test_a_duration_cuts_or_goes_on() -> None:
    """Gait walks on, exercises begin again, a short recording is cut, and truth ends with the recording."""
    long_walk = simulate("walk", duration_s=120.0).legs["left"]
    assert long_walk.time_s.size == 12_000
    assert sum(bool(rep.first) for rep in long_walk.truth) == 1
    assert len(long_walk.truth) == pytest.approx(117.0 / 1.09, rel=0.03)
    sets = simulate("fatigue", duration_s=300.0).legs["left"]
    assert sets.time_s.size == 30_000
    assert len(sets.truth) > 30
    cut = simulate("walk", duration_s=10.0).legs["left"]
    assert cut.truth[-1].end_s <= 10.0
    assert simulate("walk", duration_s=10.0, with_truth=False).legs["left"].truth == []


def test_the_feet_alternate() -> None:
    """Left and right contacts take turns, half a stride apart."""
    left, right = simulate("walk").legs.values()
    for a, b in zip(left.truth, right.truth, strict=True):
        assert b.end_s - a.end_s == pytest.approx(1.09 / 2.0, rel=0.12)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"scenario": "dance"}, "no scenario is called 'dance'; there are walk, walk_slow"),
        ({"rate_hz": 9.0}, "rate 9 Hz: a sampling rate lies between 10 and 2000 Hz"),
        ({"rate_hz": float("nan")}, "rate nan Hz"),
        ({"imu": "perfect"}, "no sensor preset is called 'perfect'; there are ideal, consumer"),
        ({"duration_s": -1.0}, "duration -1 s: a duration is a positive number of seconds"),
        ({"seed": -3}, "seed -3: a seed is a whole number from 0 on"),
    ],
)
def test_a_wrong_wish_is_one_sentence(wish: dict[str, object], said: str) -> None:
    """What cannot be simulated is refused by a ScenarioError that names what is wrong and what is allowed."""
    with pytest.raises(ScenarioError, match=said.replace("(", r"\(")) as caught:
        simulate(**{"scenario": "walk", **wish})  # type: ignore[arg-type]  # wrong on purpose
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("activities", "said"),
    [
        ((Exercise(name="plank", reps=3),), "no exercise is called 'plank'"),
        ((Gait(speed_mps=1.0, strides=0),), "strides is 0, at least 1"),
        (
            (Gait(speed_mps=1.0, strides=4), Exercise(name="hip_abduction", reps=3)),
            "mixes the postures side, upright",
        ),
    ],
)
def test_a_scenario_of_ones_own_is_checked(activities: tuple[Gait | Exercise, ...], said: str) -> None:
    """A scenario that no leg could do in one recording is refused."""
    with pytest.raises(ScenarioError, match=said):
        simulate(Scenario(name="mine", description="mine", activities=activities))


def test_a_scenario_of_ones_own() -> None:
    """Scenarios are values: one's own runs as the registered ones do."""
    mine = Scenario(name="mine", description="", activities=(Gait(speed_mps=1.4, strides=6),), mass_kg=2.5)
    leg = simulate(mine, imu=ImuErrors(drop_rate=0.05), rate_hz=208.0).legs["right"]
    assert leg.mass_kg == 2.5
    assert len(leg.truth) == 6
    assert simulate(mine, mass_kg=5.0).legs["right"].truth[2].lateral_force_peak_n == pytest.approx(
        2.0 * leg.truth[2].lateral_force_peak_n
    )
