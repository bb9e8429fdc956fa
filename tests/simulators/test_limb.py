"""The exact kinematics, proved by integrating them back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ankled.simulators.limb import GRAVITY_MPS2
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.simulation import LegRecording, simulate

RATE_HZ = 1000.0


def _strapdown(leg: LegRecording) -> tuple[Rotation, np.ndarray]:
    """Return orientation (sensor to earth) and position by integrating what the sensor recorded."""
    step = 1.0 / RATE_HZ
    start = leg.limb.at(leg.time_s[:1])
    begin = (
        np.diff(leg.limb.at(np.array([0.0, 1e-5])).position_m, axis=0) / 1e-5
    )  # tremor: the leg is never quite still
    mount = leg.mount.rotation()
    turns = Rotation.from_rotvec(0.5 * step * (leg.gyr[:-1] + leg.gyr[1:]))
    orientation = [Rotation.from_matrix(start.rotation[0] @ mount)]
    for turn in turns:
        orientation.append(orientation[-1] * turn)
    rotations = Rotation.concatenate(orientation)
    acceleration = rotations.apply(leg.acc) - np.array([0.0, 0.0, GRAVITY_MPS2])
    change = np.cumsum(0.5 * step * (acceleration[:-1] + acceleration[1:]), axis=0)
    velocity = begin + np.vstack((np.zeros(3), change))
    moved = np.vstack((np.zeros(3), np.cumsum(0.5 * step * (velocity[:-1] + velocity[1:]), axis=0)))
    return rotations, start.position_m + moved


@pytest.mark.parametrize("name", ["walk_turn", "run_fast", "straight_leg_raise", "hip_abduction", "jump", "reference"])
def test_integrating_the_ideal_output_gives_the_pose_back(name: str) -> None:
    """Angular rate and specific force belong to one rigid motion, the one whose pose the limb tells."""
    for leg in simulate(name, imu="ideal", rate_hz=RATE_HZ, duration_s=8.0, mount=MOUNTS["oblique"]).legs.values():
        exact = leg.limb.at(leg.time_s)
        rotations, position = _strapdown(leg)
        expected = Rotation.from_matrix(exact.rotation @ leg.mount.rotation())
        assert np.rad2deg((rotations.inv() * expected).magnitude()).max() < 0.01
        assert np.abs(position - exact.position_m).max() < 0.001


@pytest.mark.parametrize("name", ["walk", "squat", "straight_leg_raise", "hip_abduction"])
def test_at_rest_only_gravity_is_felt(name: str) -> None:
    """Before anything moves, the specific force is gravity along the vertical of the leg's posture."""
    posture = {"squat": [0.0, 0.0, 1.0], "straight_leg_raise": [1.0, 0.0, 0.0], "walk": [0.0, 0.0, 1.0]}
    for side, leg in simulate(name, imu="ideal").legs.items():
        up = posture.get(name, [0.0, 1.0 if side == "left" else -1.0, 0.0])
        assert np.abs(leg.acc[:100] - GRAVITY_MPS2 * np.array(up)).max() < 0.12
        assert np.abs(leg.gyr[:100]).max() < 0.02


def test_a_jump_falls_freely() -> None:
    """In the middle of every flight the accelerometer reads nearly nothing, and it reads hard pushes around it."""
    leg = simulate("jump", imu="ideal").legs["left"]
    for rep in leg.truth:
        flight = (leg.time_s > rep.start_s + 1.05) & (leg.time_s < rep.start_s + 1.25)
        assert np.linalg.norm(leg.acc[flight], axis=1).max() < 1.0
        around = (leg.time_s > rep.start_s + 0.7) & (leg.time_s < rep.end_s)
        assert np.linalg.norm(leg.acc[around], axis=1).max() > 40.0


def test_the_foot_stands_while_it_is_on_the_ground() -> None:
    """Around mid-stance of walking the sensor's velocity is that of a shank turning slowly about the ankle."""
    leg = simulate("walk", imu="ideal", rate_hz=200.0).legs["left"]
    for rep in leg.truth[1:]:
        assert rep.contact_time_s is not None
        middle = rep.start_s + 0.4 * rep.contact_time_s
        speed = np.diff(leg.limb.at(np.array([middle, middle + 1e-4])).position_m, axis=0) / 1e-4
        assert np.linalg.norm(speed) < 0.15


def test_merging_the_pulses_changes_nothing() -> None:
    """A limb whose pulses were joined moves exactly as before."""
    simulation = simulate("walk_turn", imu="ideal")
    limb = simulation.legs["right"].limb
    time_s = np.linspace(0.0, 30.0, 3001)
    before = limb.at(time_s)
    limb.merge()
    after = limb.at(time_s)
    assert np.abs(before.linear_acceleration_mps2 - after.linear_acceleration_mps2).max() < 1e-9
    assert np.abs(before.position_m - after.position_m).max() < 1e-9
