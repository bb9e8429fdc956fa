"""The truth about sway: a leg that rocks evenly, in closed form, and a stance on one leg that is told in the JSON."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ankled.simulators.files import Truth, truth_json
from ankled.simulators.limb import GRAVITY_MPS2, Limb
from ankled.simulators.simulation import simulate
from ankled.simulators.smooth import Waves
from ankled.simulators.standing import sway

ROCK_HZ, SIZE_RAD, SECONDS = 0.5, np.deg2rad(1.0), 20.0


def test_a_rocking_leg_has_the_sway_of_geometry() -> None:
    """One degree at 0.5 Hz, forward and back: gravity's share and the lever's add up to (g + h w^2) a sin(w t)."""
    limb = Limb()
    omega = 2.0 * np.pi * ROCK_HZ
    limb.add("pitch", Waves(np.array([omega]), np.zeros(1), np.array([SIZE_RAD])))
    size = (GRAVITY_MPS2 + limb.sensor_height_m * omega**2) * SIZE_RAD
    true = sway(limb, 4.0, 4.0 + SECONDS)
    assert true.rms_ap_mps2 == pytest.approx(size / np.sqrt(2.0), rel=1e-3)
    assert true.rms_ml_mps2 < 1e-6 * size
    assert true.dist_mps2 == pytest.approx(2.0 * size / np.pi, rel=2e-3)
    assert true.range_mps2 == pytest.approx(2.0 * size, rel=2e-3)
    assert true.path_mps2 == pytest.approx(4.0 * size * ROCK_HZ * SECONDS, rel=2e-3)
    assert true.jerk_m2ps5 == pytest.approx(0.25 * (size * omega) ** 2 * SECONDS, rel=2e-3)
    assert true.mv_mps == pytest.approx(2.0 * size / np.pi / omega, rel=0.01)
    assert true.mf_hz == pytest.approx(ROCK_HZ, rel=5e-3)
    assert true.f50_hz == pytest.approx(ROCK_HZ, rel=5e-3)
    assert true.centroidal_frequency_hz == pytest.approx(ROCK_HZ, rel=5e-3)
    assert true.power_m2ps4 == pytest.approx(0.5 * size**2, rel=5e-3)


def test_balance_tells_who_stood_and_how() -> None:
    """Half a minute on the left leg, then on the right, by 0.5 to 1.5 degrees; both are in the JSON."""
    simulation = simulate("balance", with_truth=False)
    left, right = (simulation.legs[side].stands for side in ("left", "right"))
    assert len(left) == len(right) == 1
    assert left[0][1] - left[0][0] == right[0][1] - right[0][0] == 30.0
    assert right[0][0] > left[0][1]
    told = msgspec.json.decode(truth_json(simulation), type=Truth)
    for side in ("left", "right"):
        (true,) = told.legs[side].standing
        for size in (true.rms_ap_mps2, true.rms_ml_mps2):
            assert 0.5 < np.rad2deg(size / GRAVITY_MPS2) < 1.5
        assert 0.15 < true.f50_hz < true.f95_hz < 2.5
