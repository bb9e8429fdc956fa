"""The orientation filter against the reference package, against its plain twin, and against itself cut in pieces."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal
from vqf import VQF

from ankled.kernels import lowpass, vqf
from ankled.kernels.vqf_bias import bias_sigma_rad_s
from tests.kernels.twins.vqf_twin import vqf_6d

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GRAVITY = 9.80665
TRIALS = ("02", "07", "16", "24")


FloatArray = NDArray[np.float64]


class Result(NamedTuple):
    """What a run leaves: one row a sample, and the state after the last."""

    quat: FloatArray
    bias: FloatArray
    rest: NDArray[np.bool_]
    state: NDArray[np.void]


def run(gyr: FloatArray, acc: FloatArray, rate_hz: float, cuts: Sequence[int] = ()) -> Result:
    """Run the filter in pieces cut at `cuts`."""
    state = vqf.init(vqf.Params(), rate_hz)
    quat, bias, rest = np.empty((len(gyr), 4)), np.empty((len(gyr), 3)), np.empty(len(gyr), np.bool_)
    for a, b in itertools.pairwise((0, *cuts, len(gyr))):
        vqf.run(state, gyr[a:b], acc[a:b], quat[a:b], bias[a:b], rest[a:b])
    return Result(quat, bias, rest, state)


def motion(seed: int, n: int, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """Three seconds each of rest, slow and violent turns, with a gyroscope's bias, noise, and moments of free fall."""
    rng = np.random.default_rng(seed)
    part = np.arange(n) // int(3.0 * rate_hz) % 4
    size = np.choose(part, [0.002, 0.4, 12.0, 3.0])[:, None]
    drift = np.cumsum(rng.normal(size=(n, 3)), axis=0)
    gyr = size * np.sin(drift / np.sqrt(rate_hz)) + rng.uniform(-0.02, 0.02, 3)
    acc = np.array([0.3, -2.0, 9.0]) + size * rng.normal(size=(n, 3))
    acc[:3] = 0.0
    acc[rng.integers(0, n, n // 50)] = 0.0
    return gyr, acc


def assert_like_reference(gyr: FloatArray, acc: FloatArray, rate_hz: float) -> Result:
    """Run both, compare every sample, and return ours."""
    ours = run(gyr, acc, rate_hz)
    reference = VQF(1.0 / rate_hz).updateBatch(gyr, acc)
    np.testing.assert_allclose(ours.quat, reference["quat6D"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.bias, reference["bias"], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(ours.rest, reference["restDetected"])
    np.testing.assert_allclose(bias_sigma_rad_s(ours.state[0]), reference["biasSigma"][-1], rtol=1e-9)
    return ours


@pytest.mark.parametrize("rate_hz", [10.0, 25.0, 100.0, 285.714, 1000.0])
def test_every_sample_equals_the_reference_on_made_up_motion(rate_hz: float) -> None:
    """Quaternion, bias, its uncertainty and the rest flag agree at each step, in every branch of the filter."""
    gyr, acc = motion(1, 12_000, rate_hz)
    ours = assert_like_reference(gyr, acc, rate_hz)
    assert 0 < ours.rest.mean() < 1


@pytest.mark.parametrize("trial", TRIALS)
def test_every_sample_equals_the_reference_on_recordings(data_folder: Path, trial: str) -> None:
    """The same on BROAD: whole trials, and with pieces cut out, after which both carry on."""
    (path,) = (data_folder / "orientation_broad").glob(f"{trial}*.hdf5")
    with h5py.File(path) as file:
        gyr, acc = file["imu_gyr"][:], file["imu_acc"][:]
        rate_hz = float(np.squeeze(file.attrs.get("sampling_rate", 2000 / 7)))
    ours = assert_like_reference(gyr, acc, rate_hz)
    assert 0 < ours.rest.mean() < 1
    kept = np.random.default_rng(3).random(len(gyr) // 500 + 1).repeat(500)[: len(gyr)] > 0.3
    assert_like_reference(gyr[kept], acc[kept], rate_hz)


@pytest.mark.parametrize("rate_hz", [40.0, 200.0])
def test_the_kernel_equals_the_formulas_written_out(rate_hz: float) -> None:
    """The twin has matrices, inverses and trigonometry where the kernel has scalars, adjugates and series."""
    gyr, acc = motion(2, 3000, rate_hz)
    ours = run(gyr, acc, rate_hz)
    quat, bias, rest = vqf_6d(gyr, acc, rate_hz)
    np.testing.assert_allclose(ours.quat, quat, rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.bias, bias, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(ours.rest, rest)


@given(cuts=st.lists(st.integers(0, 2000), max_size=8), seed=st.integers(0, 5))
def test_cutting_the_input_changes_no_bit(cuts: list[int], seed: int) -> None:
    """run(a + b) equals run(a); run(b), states included."""
    gyr, acc = motion(seed, 2000, 50.0)
    whole, pieces = run(gyr, acc, 50.0), run(gyr, acc, 50.0, sorted(cuts))
    for one, other in zip(whole, pieces, strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_saved_state_carries_on() -> None:
    """The state is plain bytes: restored in another array it goes on bit for bit."""
    gyr, acc = motion(4, 1000, 100.0)
    first = run(gyr[:400], acc[:400], 100.0)
    restored = np.frombuffer(first.state.tobytes(), vqf.STATE).copy()
    quat, bias, rest = np.empty((600, 4)), np.empty((600, 3)), np.empty(600, np.bool_)
    vqf.run(restored, gyr[400:], acc[400:], quat, bias, rest)
    assert quat.tobytes() == run(gyr, acc, 100.0).quat[400:].tobytes()


@pytest.mark.parametrize("down", [(0, 0, 0), (0, 0, -GRAVITY), (GRAVITY, 0, 0), (0, 1e-200, 0)])
def test_no_first_sample_breaks_the_filter(down: tuple[float, float, float]) -> None:
    """Free fall, upside down, or next to nothing at the start: unit quaternions, and upright z after a while."""
    acc = np.zeros((4000, 3))
    acc[:] = down
    acc[10:20] = 0.0
    ours = run(np.zeros((4000, 3)), acc, 100.0)
    np.testing.assert_allclose(np.linalg.norm(ours.quat, axis=1), 1.0, atol=1e-12)
    if np.linalg.norm(down) > 1:
        w, x, y, z = ours.quat[-1]
        up = np.array([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)])
        np.testing.assert_allclose(up, np.array(down) / GRAVITY, atol=1e-6)


def test_the_bias_of_a_resting_gyroscope_is_found() -> None:
    """At rest the bias converges to the rate that is there, and its uncertainty to the wished 0.03 deg/s."""
    bias = np.deg2rad([0.6, -0.4, 0.5])
    n = 100 * 120
    rng = np.random.default_rng(0)
    gyr = bias + np.deg2rad(0.05) * rng.normal(size=(n, 3))
    ours = run(gyr, np.tile([1.0, 2.0, 9.5], (n, 1)), 100.0)
    assert ours.rest[160:].all()
    assert not ours.rest[:149].any()
    np.testing.assert_allclose(ours.bias[-1], bias, atol=np.deg2rad(0.03))
    assert np.rad2deg(bias_sigma_rad_s(ours.state[0])) == pytest.approx(0.03, abs=0.005)


@pytest.mark.parametrize(("tau_s", "ts_s"), [(3.0, 0.01), (0.5, 1 / 285.714), (0.5, 0.1)])
def test_the_lowpass_is_a_butterworth(tau_s: float, ts_s: float) -> None:
    """The coefficients are SciPy's for a cut-off of sqrt(2)/(2 pi tau)."""
    b, a = signal.butter(2, np.sqrt(2) / (2 * np.pi * tau_s), fs=1 / ts_s)
    b0, a1, a2 = lowpass.coefficients(tau_s, ts_s)
    np.testing.assert_allclose([b0, 2 * b0, b0, 1, a1, a2], [*b, *a], rtol=1e-7)


@pytest.mark.parametrize(
    ("params", "rate_hz", "named"),
    [
        (vqf.Params(), 0.0, "rate_hz is 0.0"),
        (vqf.Params(), -1.0, "rate_hz is -1.0"),
        (vqf.Params(), float("nan"), "rate_hz is nan"),
        (vqf.Params(rest_tau_s=0.001), 100.0, "low-pass of 0.001 s"),
    ],
)
def test_impossible_settings_are_refused(params: vqf.Params, rate_hz: float, named: str) -> None:
    """One sentence names the value."""
    with pytest.raises(ValueError, match=named):
        vqf.init(params, rate_hz)
