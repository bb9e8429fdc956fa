"""The sample rate from time stamps: rounded, with losses, and when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.kernels.rate import USUAL_RATES_HZ, estimate_rate, snap_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stamps(rate_hz: float, seed: int, *, lost: float = 0.0, run: int = 1, jitter: float = 0.0) -> NDArray[np.float64]:
    """Return some 300 times of a sensor that loses a share of its samples in runs."""
    rng = np.random.default_rng(seed)
    n = 300
    keep = np.ones(n, bool)
    for i in rng.integers(1, n, int(lost * n / run)):
        keep[i : i + run] = False
    return (rng.uniform(0, 1000) + (np.arange(n) + rng.uniform(-jitter, jitter, n)) / rate_hz)[keep]


@given(
    rate_hz=st.floats(11.0, 1900.0),
    seed=st.integers(0, 1000),
    lost=st.sampled_from([0.0, 0.04, 0.2]),
    run=st.integers(1, 20),
    jitter=st.sampled_from([0.0, 0.05, 0.2]),
)
def test_any_rate_with_losses_and_jitter(rate_hz: float, seed: int, lost: float, run: int, jitter: float) -> None:
    """Within 0.1 % whatever was lost."""
    assert estimate_rate(stamps(rate_hz, seed, lost=lost, run=run, jitter=jitter)) == pytest.approx(rate_hz, rel=1e-3)


@pytest.mark.parametrize("rate_hz", [12.5, 52.0, 104.0, 204.8, 285.714])
@pytest.mark.parametrize("run", [1, 8])
def test_stamps_in_whole_milliseconds(rate_hz: float, run: int) -> None:
    """Within 0.1 % although the median interval is up to 14 % off."""
    for seed in range(50):
        time = np.round(stamps(rate_hz, seed, lost=0.04, run=run), 3)
        assert estimate_rate(time) == pytest.approx(rate_hz, rel=1e-3)


def test_broken_times_are_left_out() -> None:
    """Repeated, reversed and non-finite times do not disturb the estimate."""
    time = stamps(100.0, 0)
    broken = np.insert(time, [3, 10, 50], [np.nan, time[9], time[20]])
    assert estimate_rate(broken) == pytest.approx(estimate_rate(time), rel=1e-12)


def test_two_times_are_enough() -> None:
    """One interval is an estimate."""
    assert estimate_rate(np.array([1.0, 1.01])) == pytest.approx(100.0)


@pytest.mark.parametrize("time", [[], [1.0], [1.0, 1.0, 1.0], [np.nan, 2.0], [3.0, 2.0, 1.0]])
def test_too_few_times_are_refused(time: list[float]) -> None:
    """The sentence says how many are needed."""
    with pytest.raises(ValueError, match=r"cannot tell the sample rate from \d distinct time\(s\): at least 2"):
        estimate_rate(np.array(time))


@pytest.mark.parametrize("rate_hz", [1.0, 9.9, 2100.0, 1e6])
def test_rates_of_no_sensor_are_refused(rate_hz: float) -> None:
    """The sentence names the rate and the range."""
    with pytest.raises(ValueError, match=r"the sample rate is .* Hz; it must be from 10 to 2000 Hz"):
        estimate_rate(np.arange(300) / rate_hz)


@pytest.mark.parametrize("usual", USUAL_RATES_HZ)
def test_usual_rates_attract_their_neighbourhood_only(usual: float) -> None:
    """0.29 % off snaps, 0.31 % off does not, and no two usual rates share a neighbourhood."""
    for sign in (-1.0, 1.0):
        assert snap_rate(usual * (1 + sign * 0.0029)) == usual
        assert snap_rate(usual * (1 + sign * 0.0031)) == usual * (1 + sign * 0.0031)


def test_an_unusual_rate_stays() -> None:
    """285.714 Hz is a real sensor's."""
    assert snap_rate(285.714) == 285.714
