"""Fractional positions: extremes with their parabola, spans and means, against the twin and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.kernels import windows
from tests.kernels.twins import windows_twin

SIGNAL = st.lists(st.integers(-1000, 1000), min_size=1, max_size=30).map(lambda v: np.array(v, dtype=float))


@given(SIGNAL, st.floats(-2.0, 32.0), st.floats(-2.0, 32.0))
def test_extreme_equals_twin(signal: np.ndarray, start: float, stop: float) -> None:
    """Position and value of the largest magnitude, wherever the bounds are, even outside the signal or exchanged."""
    position, value = windows.extreme(signal, len(signal), start, stop)
    np.testing.assert_allclose((position, value), windows_twin.extreme(signal, start, stop), rtol=1e-7, atol=1e-7)


def test_extreme_finds_the_vertex() -> None:
    """A parabola's vertex between the samples is found exactly, a negative one too, and only inside the interval."""
    k = np.arange(12.0)
    hill = 9.0 - 0.25 * (k - 5.3) ** 2
    assert windows.extreme(hill, 12, 2.0, 9.0) == pytest.approx((5.3, 9.0))
    assert windows.extreme(-hill, 12, 2.0, 9.0) == pytest.approx((5.3, -9.0))
    assert windows.extreme(hill, 12, 0.0, 5.2) == pytest.approx((5.0, hill[5]))
    assert windows.extreme(hill, 12, 7.5, 11.0) == pytest.approx((8.0, hill[8]))
    assert windows.extreme(hill, 12, 7.2, 7.4) == pytest.approx((7.3, 0.7 * hill[7] + 0.3 * hill[8]))


@given(SIGNAL, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_span_and_means_equal_twin(signal: np.ndarray, a: float, b: float) -> None:
    """Range, mean magnitude and RMS between two positions are those of the interpolated signal."""
    start, stop = sorted((a * (len(signal) - 1), b * (len(signal) - 1)))
    nodes = windows_twin.nodes(len(signal), start, stop)
    values = windows_twin.at(signal, nodes)
    assert windows.span(signal, start, stop) == pytest.approx(np.ptp(values), abs=1e-9)
    mean, rms = windows.mean_and_rms(signal, len(signal), start, stop)
    if stop - start < 1e-6:
        return
    assert mean == pytest.approx(np.trapezoid(np.abs(values), nodes) / (stop - start), rel=1e-9, abs=1e-9)
    assert rms**2 == pytest.approx(np.trapezoid(values**2, nodes) / (stop - start), rel=1e-9, abs=1e-9)


def test_empty_interval_is_nan() -> None:
    """No time, no mean; no samples, no extreme."""
    assert np.all(np.isnan(windows.mean_and_rms(np.ones(4), 4, 2.0, 2.0)))
    assert np.all(np.isnan(windows.extreme(np.ones(4), 4, 3.0, 1.0)))
