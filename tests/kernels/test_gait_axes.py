"""The axes of a walking leg: against the batch twin, the truth of the simulator, and any rotation of the sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import gait_axes
from tests.kernels import chains
from tests.kernels.twins import gait_axes_twin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernels.chains import Array

PARAMS = gait_axes.Params()


def solved(rows: Array, rate_hz: float) -> Any:
    """Return the state's record after all rows."""
    state = gait_axes.init(PARAMS, rate_hz)
    for row in rows:
        gait_axes.step(state[0], row)
    gait_axes.solve(state[0])
    return state[0]


def equals_twin(rows: Array, rate_hz: float) -> None:
    """Assert that kernel and twin agree on these rows."""
    s, twin = solved(rows, rate_hz), gait_axes_twin.measure(rows, rate_hz, PARAMS)
    np.testing.assert_allclose(s["left"], twin.left, atol=1e-6)
    np.testing.assert_allclose(s["z"], twin.up, atol=1e-9)
    assert s["ratio"] == pytest.approx(twin.ratio, rel=1e-6)
    assert s["confidence"] == pytest.approx(twin.confidence, rel=1e-6)


@pytest.mark.parametrize(
    ("scenario", "rate_hz", "until_s"),
    [("walk", 100.0, 4.0), ("run", 100.0, 15.0), ("walk_turn", 52.0, 25.0), ("knee_extension", 100.0, 15.0)],
)
def test_equals_twin(scenario: str, rate_hz: float, until_s: float) -> None:
    """Streaming with growing gains is the weighted mean over the history that the definition names."""
    stream = chains.simulated(scenario, "right", rate_hz)
    equals_twin(chains.history(stream.cut(0, int(until_s * rate_hz))), rate_hz)


@pytest.mark.parametrize("foot", ["lf", "rf"])
def test_equals_twin_on_a_real_walk(data_folder: Path, foot: str) -> None:
    """The same with the signals of a foot."""
    equals_twin(chains.history(chains.walk_of(data_folder, "2-1", foot))[:1500], 100.0)


@pytest.mark.parametrize("scenario", ["walk", "walk_slow", "walk_fast", "walk_turn", "run"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_truth_of_the_simulator(scenario: str, side: str) -> None:
    """Walking and running show the axes within 4 deg, the same way round on both legs.

    Walking says so with confidence; in running the leg turns fast on its way back, too, and the sign hangs by a thread.
    """
    stream = chains.simulated(scenario, side)
    s = solved(chains.history(stream), stream.rate_hz)
    mount = chains.leg_of(scenario, side).mount
    assert s["left"] @ np.array(mount.left) > np.cos(np.radians(4.0))
    assert s["z"] @ np.array(mount.up) > np.cos(np.radians(8.0))
    assert s["ratio"] > 4.0
    assert s["confidence"] > (0.3 if scenario != "run" else 0.0)


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_any_rotation_turns_the_axes_with_it(seed: int) -> None:
    """The axes are those of the leg: turning the sensor in its pocket turns them in the sensor frame, no more.

    Up to 0.06 deg: the orientation filter limits bias and variance axis by axis, so a turned sensor is not quite the
    same to it.
    """
    stream = chains.simulated("walk").cut(0, 800)
    turn = Rotation.random(rng=np.random.default_rng(seed))
    plain, turned = (solved(chains.history(one), 100.0) for one in (stream, stream.turned(turn)))
    np.testing.assert_allclose(turned["left"], turn.apply(plain["left"]), atol=1e-3)
    np.testing.assert_allclose(turned["z"], turn.apply(plain["z"]), atol=1e-3)
    assert turned["ratio"] == pytest.approx(plain["ratio"], rel=0.02)
    assert turned["confidence"] == pytest.approx(plain["confidence"], rel=0.02)


def test_nothing_known_before_the_leg_has_moved() -> None:
    """Rest names no axis: ratio 1, confidence 0, no division by zero."""
    rows = chains.history(chains.simulated("stand").cut(0, 300))
    rows[:, 4:7] = 0.0
    s = solved(rows, 100.0)
    assert s["ratio"] == 1.0
    assert s["confidence"] == 0.0
    assert not np.any(np.isnan(s["left"]))
