"""The zero-phase low-pass against SciPy, against its twin and against what it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from ankled.kernels import filters
from tests.kernels.twins import filters_twin

if TYPE_CHECKING:
    from numpy.typing import NDArray


def smooth(x: NDArray[np.float64], bandwidth_hz: float, rate_hz: float, column: int = 3) -> NDArray[np.float64]:
    """Run the kernel on one column and see that it leaves the others alone."""
    scratch = np.full((filters.scratch_rows(x.size), filters.SCRATCH_COLUMNS), np.nan)
    scratch[: x.size, column] = x
    filters.lowpass(scratch, column, x.size, bandwidth_hz, rate_hz)
    others = np.delete(scratch, column, axis=1)
    assert np.all(np.isnan(others))
    return scratch[: x.size, column]


@pytest.mark.parametrize(
    ("bandwidth_hz", "rate_hz"), [(20.0, 50.0), (20.0, 52.0), (10.0, 100.0), (20.0, 208.0), (3.5, 100.0)]
)
@pytest.mark.parametrize("samples", [2, 3, 17, 64, 400])
def test_equals_filtfilt(bandwidth_hz: float, rate_hz: float, samples: int) -> None:
    """The same numbers as scipy.signal.filtfilt with odd padding, to 1e-9, whatever the length and the rate."""
    x = 50.0 * np.random.default_rng(samples).normal(size=samples)
    if bandwidth_hz > 0.25 * rate_hz:
        k = np.tan(np.pi * bandwidth_hz / rate_hz) / (np.sqrt(2.0) - 1.0) ** 0.25
        b, a = signal.butter(2, np.arctan(k) * rate_hz / np.pi, fs=rate_hz)
    else:
        b, a = filters_twin.coefficients(bandwidth_hz, rate_hz)
    pad = filters.padding(samples, bandwidth_hz, rate_hz)
    expected = signal.filtfilt(b, a, x, padtype="odd", padlen=pad)
    np.testing.assert_allclose(smooth(x, bandwidth_hz, rate_hz), expected, atol=1e-9, rtol=0.0)


@given(
    st.lists(st.floats(-200.0, 200.0), max_size=60),
    st.floats(0.02, 0.45),
    st.sampled_from([25.0, 52.0, 100.0, 208.0, 833.0]),
)
def test_equals_twin(values: list[float], part: float, rate_hz: float) -> None:
    """The kernel does what its definition says, for any signal, the empty and the single one included."""
    x = np.array(values)
    expected = filters_twin.lowpass(x, part * rate_hz, rate_hz)
    np.testing.assert_allclose(smooth(x, part * rate_hz, rate_hz), expected, atol=1e-7, rtol=0.0)


@pytest.mark.parametrize(("bandwidth_hz", "rate_hz"), [(20.0, 50.0), (20.0, 100.0), (10.0, 25.0), (10.0, 200.0)])
def test_total_response_is_3_db_at_the_bandwidth(bandwidth_hz: float, rate_hz: float) -> None:
    """A sine at the named bandwidth leaves with 0.7071 of its amplitude and without delay, even at 0.4 of the rate."""
    x = np.cos(2.0 * np.pi * bandwidth_hz * np.arange(3000) / rate_hz + 0.3)
    middle = slice(500, 2500)
    np.testing.assert_allclose(smooth(x, bandwidth_hz, rate_hz)[middle], np.sqrt(0.5) * x[middle], atol=1e-9)


@pytest.mark.parametrize(
    ("bandwidth_hz", "rate_hz", "within", "beyond"),
    [(10.0, 100.0, 0.002, 0.008), (20.0, 208.0, 0.002, 0.008), (10.0, 200.0, 0.001, 0.001), (20.0, 100.0, 0.02, 0.1)],
)
def test_gain_is_that_of_the_analogue_filter(bandwidth_hz: float, rate_hz: float, within: float, beyond: float) -> None:
    """One bandwidth means the same at every rate: the gain of both passes is the analogue one, and none at the end."""
    b, a = filters_twin.coefficients(bandwidth_hz, rate_hz)
    frequency = np.linspace(0.0, 0.5 * rate_hz, 200)
    _, response = signal.freqz(b, a, frequency, fs=rate_hz)
    analogue = 1.0 / (1.0 + (np.sqrt(2.0) - 1.0) * (frequency / bandwidth_hz) ** 4)
    error = np.abs(np.abs(response) ** 2 - analogue)
    assert error[frequency <= bandwidth_hz].max() < within
    assert error.max() < beyond
    assert abs(response[-1]) < 1e-9


@given(st.floats(-50.0, 50.0), st.floats(-3.0, 3.0), st.integers(31, 200))
def test_straight_lines_pass(offset: float, slope: float, samples: int) -> None:
    """Odd reflection continues a line as a line: neither offset nor trend is bent at the ends of a full-length pad."""
    line = offset + slope * np.arange(samples, dtype=np.float64)
    out = smooth(line, 10.0, 100.0)
    np.testing.assert_allclose(out, line, atol=0.2 * abs(slope) + 1e-9)


def test_context_settles_the_middle() -> None:
    """What lies beyond three periods of the bandwidth from an edge no longer changes the value."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=400)
    whole, part = smooth(x, 20.0, 100.0), smooth(x[170:230], 20.0, 100.0)
    np.testing.assert_allclose(part[20:40], whole[190:210], atol=2e-3)
