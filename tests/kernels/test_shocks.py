"""Restlessness, falls and shocks: against the twin, and what no turn of the sensor may alter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ankled.kernels import shocks
from ankled.kernels.jit import kernel
from ankled.kernels.ring import FLAG_CLIPPED, FLAG_INTERPOLATED
from tests.kernels import chains
from tests.kernels.twins import shocks_twin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernels.chains import Array, Rows, Stream

Marks = NDArray[np.bool_]
PARAMS = shocks.Params()


@kernel
def run(state: Rows, time_s: Array, acc: Array, flags: Array, still: Array, falling: Array, kept: Rows) -> None:
    """Take in all samples; write where the leg is still, where it falls, and each shock as it was in the end."""
    s: Any = state[0]
    for k in range(time_s.shape[0]):
        shocks.step(s, time_s[k], acc[k, 0], acc[k, 1], acc[k, 2], flags[k])
        still[k] = shocks.is_still(s)
        falling[k] = shocks.is_falling(s)
        if s.shocks_n > 0:
            kept[s.shocks_n - 1] = shocks.shock(s, 0)


def follow(stream: Stream, flags: Array | None = None) -> tuple[Marks, Marks, Rows, Any]:
    """Return where the leg is still, where it falls, its shocks in order, and the state at the end."""
    state = shocks.init(PARAMS, stream.rate_hz)
    count = len(stream.time_s)
    still, falling, kept = np.zeros(count), np.zeros(count), np.zeros(1000, shocks.SHOCK)
    run(state, stream.time_s, stream.acc, np.zeros(count) if flags is None else flags, still, falling, kept)
    return still > 0.0, falling > 0.0, kept[: state["shocks_n"][0]], state[0]


def equals_twin(stream: Stream) -> None:
    """Assert that kernel and twin say the same."""
    still, falling, kept, _ = follow(stream)
    assert 0.02 < np.mean(still) < 0.98
    np.testing.assert_array_equal(still, shocks_twin.still(stream.acc, stream.rate_hz, PARAMS))
    np.testing.assert_array_equal(falling, shocks_twin.falling(stream.acc, stream.rate_hz, PARAMS))
    expected = shocks_twin.shocks(stream.time_s, stream.acc, stream.rate_hz, PARAMS)
    assert len(kept) == len(expected) > 3
    np.testing.assert_allclose(kept["time_s"], [one.time_s for one in expected], rtol=0, atol=1e-6)
    np.testing.assert_allclose(kept["energy"], [one.energy for one in expected], rtol=1e-9)
    np.testing.assert_allclose(kept["peak_mps2"], [one.peak_mps2 for one in expected], rtol=1e-12)


@pytest.mark.parametrize(
    ("scenario", "rate_hz"), [("walk", 100.0), ("run", 52.0), ("walk_slow", 25.0), ("jump", 104.0), ("walk", 400.0)]
)
def test_equals_twin(scenario: str, rate_hz: float) -> None:
    """Sample by sample it says what whole arrays say, at any rate."""
    equals_twin(chains.simulated(scenario, rate_hz=rate_hz).cut(0, 3000))


def test_equals_twin_on_a_real_walk(data_folder: Path) -> None:
    """The same on a foot: its samples taken for a grid without loss, which is what the kernel is given."""
    stream = chains.walk_of(data_folder, "3-2", "lf")
    equals_twin(stream._replace(time_s=np.arange(len(stream.time_s)) / 100.0))


def test_only_jumps_fall() -> None:
    """Free fall is seen in the flight of a jump, and in no walk, run or exercise."""
    for scenario in ("walk", "walk_fast", "run", "run_fast", "leg_raise", "straight_leg_raise"):
        assert not follow(chains.simulated(scenario))[1].any(), scenario
    assert follow(chains.simulated("jump"))[1].any()


def test_what_was_made_up_or_clipped_is_counted() -> None:
    """Each shock carries the counts up to it: that of all samples before."""
    stream = chains.simulated("walk")
    flags = np.zeros(len(stream.time_s))
    flags[700:710] = FLAG_INTERPOLATED
    flags[705] = FLAG_INTERPOLATED + FLAG_CLIPPED
    flags[900] = FLAG_CLIPPED
    _, _, kept, s = follow(stream, flags)
    assert (s["missing"], s["clipped"]) == (10, 2)
    for one in kept:
        if one["time_s"] < 6.9:
            assert (one["missing"], one["clipped"]) == (0, 0)
        elif 7.2 < one["time_s"] < 8.9:
            assert (one["missing"], one["clipped"]) == (10, 1)


def test_only_the_latest_are_kept() -> None:
    """More shocks than there is room for leave the latest, in order."""
    _, _, kept, s = follow(chains.simulated("run"))
    assert len(kept) > shocks.KEPT
    latest = [shocks.shock(s, back)["time_s"] for back in range(shocks.KEPT)]
    assert latest == kept["time_s"][: -shocks.KEPT - 1 : -1].tolist()
