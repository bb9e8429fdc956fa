"""The ring of history: every window is one block of rows, wherever it begins."""

from __future__ import annotations

import numpy as np
import pytest

from ankled.kernels import ring


@pytest.mark.parametrize("length", [0, 1, 7, 20])
def test_any_window_holds_its_samples(length: int) -> None:
    """Written once, sample by sample, over several rounds: a window over the end of the ring is whole, too."""
    rows = np.zeros((40, ring.WIDTH))
    samples = np.random.default_rng(0).normal(size=(95, ring.WIDTH))
    for k, sample in enumerate(samples):
        rows[k % 20] = sample
        first = max(0, k + 1 - length)
        found = ring.window(rows, first, k + 1)
        np.testing.assert_array_equal(found, samples[first : k + 1])
        assert found.flags.c_contiguous


@pytest.mark.parametrize(("rate_hz", "capacity"), [(25.0, 1125), (100.0, 4500), (285.714, 12858)])
def test_the_ring_reaches_back_45_seconds(rate_hz: float, capacity: int) -> None:
    """Twice as many rows: room for what goes on over the end."""
    assert ring.make_ring(rate_hz).shape == (2 * capacity, ring.WIDTH)
