"""What spoils the orientation for a moment, and how far off the inclination is some seconds later."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ankled.kernels import chain, ring, vqf
from tests.kernels import chains, motions

FloatArray = NDArray[np.float64]

RATE_HZ = 100.0
MOUNT = Rotation.from_rotvec([0.4, -0.9, 0.3])


def swinging(t: FloatArray) -> Rotation:
    """Return a leg that swings by 45 deg to either side once a second, and leans slowly to the left and back."""
    turns = np.column_stack([0.3 * np.sin(0.5 * t), 0.25 * np.pi * np.sin(2.0 * np.pi * t), np.zeros(t.size)])
    return Rotation.from_rotvec(turns)


def shaken(t: FloatArray) -> FloatArray:
    """Return accelerations of some m/s2 that come to nothing in the long run."""
    return 3.0 * np.column_stack([np.sin(11.0 * t), np.cos(7.0 * t), np.sin(13.0 * t + 1.0)])


def recording(seconds: float) -> FloatArray:
    """Return rows of history of the swinging leg."""
    return motions.window(np.arange(0.0, seconds, 1.0 / RATE_HZ), swinging, shaken, MOUNT)


def off_deg(rows: FloatArray, acc: FloatArray, gyr: FloatArray) -> FloatArray:
    """Run the filter over what the sensor delivered and return how far its vertical is from the true one."""
    n = len(rows)
    quat, bias, rest = np.empty((n, 4)), np.empty((n, 3)), np.empty(n, np.bool_)
    vqf.run(vqf.init(vqf.Params(), RATE_HZ), gyr, acc, quat, bias, rest)
    up = Rotation.from_quat(quat, scalar_first=True).inv().apply([0.0, 0.0, 1.0])
    true = Rotation.from_quat(rows[:, ring.QUAT : ring.QUAT + 4], scalar_first=True).inv().apply([0.0, 0.0, 1.0])
    return np.rad2deg(np.arccos(np.clip(np.sum(up * true, axis=1), -1.0, 1.0)))


def parts(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return specific force and angular rate of rows, as arrays of their own."""
    return rows[:, ring.ACC : ring.ACC + 3].copy(), rows[:, ring.GYR : ring.GYR + 3].copy()


def after(error_deg: FloatArray, second: float) -> float:
    """Return the largest error in the two seconds from `second` on."""
    first = round(second * RATE_HZ)
    return float(error_deg[first : first + 200].max())


@pytest.fixture(scope="module")
def rows() -> FloatArray:
    """Return a minute of the swinging leg."""
    return recording(60.0)


def test_without_a_disturbance_the_vertical_is_found_and_kept(rows: FloatArray) -> None:
    """What the errors below come back to: under 2 deg within three seconds, in spite of the accelerations."""
    error_deg = off_deg(rows, *parts(rows))
    assert error_deg[300:].max() < 2.0


@pytest.mark.parametrize("elsewhere", [False, True], ids=["half a swing further on", "lying down"])
def test_a_gap_is_recovered_from(rows: FloatArray, elsewhere: bool) -> None:
    """The leg moved unseen for seconds: 45 or 90 deg off at first, under 6 deg after six seconds, 3.5 after twenty."""
    rest = rows[2430:]
    if elsewhere:
        t = np.arange(0.0, 35.0, 1.0 / RATE_HZ)
        lying = Rotation.from_rotvec([0.0, 0.5 * np.pi, 0.0])
        rest = motions.window(t, lambda t: lying * swinging(t), shaken, MOUNT)
    kept = np.vstack([rows[:2000], rest])
    error_deg = off_deg(kept, *parts(kept))
    assert error_deg[2000] > 30.0
    assert after(error_deg, 26.0) < 6.0
    assert after(error_deg, 40.0) < 3.5


def test_a_saturated_gyroscope_is_recovered_from(rows: FloatArray) -> None:
    """Full scale for 100 ms at the fastest of a swing: 15 deg are lost, under 4 deg are left after six seconds."""
    acc, gyr = parts(rows)
    middle = 2000 + int(np.argmax(np.linalg.norm(gyr[2000:2100], axis=1)))
    clipped = slice(middle - 5, middle + 5)
    gyr[clipped] = np.clip(gyr[clipped], -1.5, 1.5)
    error_deg = off_deg(rows, acc, gyr)
    assert error_deg[middle + 5] > 12.0
    assert after(error_deg, middle / RATE_HZ + 6.0) < 4.0
    assert after(error_deg, middle / RATE_HZ + 20.0) < 3.0


@pytest.mark.parametrize("samples", [1, 10, 30])
@pytest.mark.parametrize("size_mps2", [0.0, 1e-9, 0.1])
def test_a_first_sample_in_free_fall_is_recovered_from(rows: FloatArray, samples: int, size_mps2: float) -> None:
    """What says next to nothing of the vertical starts the filter anywhere: three seconds later that is forgotten."""
    acc, gyr = parts(rows)
    acc[:samples] = size_mps2 * np.random.default_rng(samples).normal(size=(samples, 3))
    error_deg = off_deg(rows, acc, gyr)
    assert error_deg[0] > 10.0 or size_mps2 == 0.0
    assert error_deg[500:].max() < 2.5


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, 5001.0])
def test_no_broken_number_gets_in(value: float) -> None:
    """A value that no leg can make, in any channel or in the time: the sample is left out, the state stays clean."""
    stream = chains.simulated("walk").cut(0, 1500)
    clean, spoilt = chain.Chain(100.0), chain.Chain(100.0)
    time_s, acc, gyr = stream.time_s.copy(), stream.acc.copy(), stream.gyr.copy()
    for place, column in enumerate((*acc.T, *gyr.T)):
        column[300 + 70 * place] = value
    if not np.isfinite(value):
        time_s[1000] = value
    chains.feed(clean, stream)
    chains.feed(spoilt, chains.Stream(time_s, acc, gyr, 100.0))
    assert spoilt.state["timebase"]["not_finite_n"][0] == 6 + (not np.isfinite(value))
    assert np.isfinite(spoilt.ring).all()
    for name in ("quat", "gyr_quat", "acc_quat", "bias", "cov"):
        np.testing.assert_allclose(spoilt.state["vqf"][name], clean.state["vqf"][name], rtol=0.05, atol=0.02)
