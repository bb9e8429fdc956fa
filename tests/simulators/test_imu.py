"""The errors of the sensor have the size that was asked for."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ankled.simulators.imu import CONSUMER, IDEAL, ImuErrors, corrupt, kept_rows
from ankled.simulators.simulation import simulate

COUNT = 40_000


def _still(errors: ImuErrors, rate_hz: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return gyroscope and accelerometer readings at rest."""
    still = np.zeros((COUNT, 3))
    return corrupt(still, still + np.array([0.0, 0.0, 9.80665]), errors, rate_hz, np.random.default_rng(seed))


def test_an_ideal_sensor_changes_nothing() -> None:
    """All errors zero: the readings are the truth to the last bit."""
    rng = np.random.default_rng(3)
    gyr, acc = rng.standard_normal((50, 3)), rng.standard_normal((50, 3))
    measured_gyr, measured_acc = corrupt(gyr, acc, IDEAL, 100.0, rng)
    assert np.array_equal(measured_gyr, gyr)
    assert np.array_equal(measured_acc, acc)


@pytest.mark.parametrize("rate_hz", [50.0, 400.0])
def test_noise_grows_with_the_root_of_the_rate(rate_hz: float) -> None:
    """White noise has the standard deviation of its density times sqrt(rate / 2)."""
    gyr, acc = _still(msgspec.structs.replace(CONSUMER, bits=None), rate_hz)
    assert gyr.std(axis=0) == pytest.approx(np.deg2rad(0.007) * np.sqrt(rate_hz / 2.0), rel=0.03)
    assert acc.std(axis=0) == pytest.approx(160e-6 * 9.80665 * np.sqrt(rate_hz / 2.0), rel=0.03)


def test_biases_fill_their_bounds_and_no_more() -> None:
    """Over many sensors the gyroscope's bias stays within 0.5 deg/s, and the accelerometer's within 20 mg."""
    errors = ImuErrors(gyr_bias_rad_s=np.deg2rad(0.5), acc_bias_mps2=0.02 * 9.80665)
    zero = np.zeros((1, 3))
    pairs = [corrupt(zero, zero, errors, 100.0, np.random.default_rng(seed)) for seed in range(300)]
    gyr = np.rad2deg(np.vstack([gyr for gyr, _ in pairs]))
    acc = np.vstack([acc for _, acc in pairs]) / 9.80665
    assert 0.47 < np.abs(gyr).max() <= 0.5
    assert 0.0188 < np.abs(acc).max() <= 0.02


def test_scale_and_misalignment() -> None:
    """Scale errors act on the axis itself, misalignment on the others."""
    true = np.tile([1.0, 0.0, 0.0], (1, 1))
    scaled = [
        corrupt(true, true, ImuErrors(gyr_scale=0.01, acc_cross=0.02), 100.0, np.random.default_rng(seed))
        for seed in range(400)
    ]
    gyr, acc = (np.vstack([pair[k] for pair in scaled]) for k in (0, 1))
    assert (gyr[:, 0] - 1.0).std() == pytest.approx(0.01, rel=0.15)
    assert np.array_equal(gyr[:, 1:], np.zeros((400, 2)))
    assert np.array_equal(acc[:, 0], np.ones(400))
    assert acc[:, 1].std() == pytest.approx(0.02, rel=0.15)


def test_saturation_and_quantisation() -> None:
    """Readings are whole steps of the range over 2^15, and stop at the range."""
    true = np.linspace(-60.0, 60.0, 999)[:, None] * np.ones(3)
    gyr, _ = corrupt(true, true, ImuErrors(gyr_range_rad_s=32.0, bits=16), 100.0, np.random.default_rng(0))
    step = 32.0 / 2**15
    assert np.array_equal(gyr / step, np.round(gyr / step))
    assert gyr.min() == -32.0
    assert gyr.max() == 32.0 - step
    inside = np.abs(true) < 31.9
    assert np.abs(gyr - true)[inside].max() <= 0.5 * step + 1e-12


def test_whole_packets_are_lost() -> None:
    """The share of lost rows is the one asked for, and they are lost in blocks of a packet."""
    errors = ImuErrors(drop_rate=0.04, packet_samples=5)
    kept = kept_rows(100_000, errors, np.random.default_rng(0)).reshape(-1, 5)
    assert np.array_equal(kept.all(axis=1), kept.any(axis=1))
    assert 1.0 - kept.mean() == pytest.approx(0.04, abs=0.005)


def test_lost_rows_leave_gaps_in_time() -> None:
    """A recording with losses has fewer rows, says how many, and its times still tell when each row was taken."""
    whole = simulate("walk", imu=ImuErrors()).legs["left"]
    lossy = simulate("walk", imu=ImuErrors(drop_rate=0.1)).legs["left"]
    assert lossy.dropped == whole.time_s.size - lossy.time_s.size > 0
    rows = np.round(lossy.time_s * 100.0).astype(int)
    assert np.array_equal(lossy.acc, whole.acc[rows])


def test_a_fast_clock_samples_early() -> None:
    """With a clock that runs 1000 ppm fast the stamps are those of the sensor, the motion that of true time."""
    right = simulate("walk", imu=ImuErrors()).legs["left"]
    fast = simulate("walk", imu=ImuErrors(clock_skew_ppm=1000.0)).legs["left"]
    assert np.array_equal(fast.time_s[: right.time_s.size], right.time_s)
    exact = fast.limb.at(fast.time_s / 1.001)
    assert np.abs(fast.gyr - exact.angular_rate_rad_s).max() < 1e-9
