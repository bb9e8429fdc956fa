"""The axes of a single stride: against the twin, the truth of the simulator, and any rotation of the sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import principal, ring, stride_axes
from tests.kernels import chains
from tests.kernels.twins import stride_axes_twin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernels.chains import Array, Stream

LEFT = np.array([0.0, 1.0, 0.0])


def seen_in(rows: Array, rate_hz: float, left: Array = LEFT) -> Any:
    """Return what the kernel sees in these rows."""
    array = np.zeros(1, stride_axes.SEEN)
    assert stride_axes.measure(array[0], rows, left, rate_hz)
    return array[0]


def strides_of(stream: Stream) -> list[Array]:
    """Return the rows of each stride that follows another, amid a walk."""
    rows, found = chains.history(stream), chains.strides(chains.rows_of(stream))
    found = found[(found["first"] == 0) & (np.abs(found["heading_deg"]) < 20.0)]
    time_s = rows[:, ring.TIME]
    ends = [np.searchsorted(time_s, (one["start_s"], one["end_s"])) for one in found]
    return [np.ascontiguousarray(rows[a : b + 1]) for a, b in ends]


def equals_twin(rows: Array, rate_hz: float) -> None:
    """Assert that kernel and twin agree."""
    s, twin = seen_in(rows, rate_hz), stride_axes_twin.measure(rows, rate_hz, LEFT)
    for name in ("left", "z", "mean_up"):
        np.testing.assert_allclose(s[name], getattr(twin, name), atol=1e-6, err_msg=name)
    assert s["ratio"] == pytest.approx(twin.ratio, rel=1e-6)
    assert s["active_share"] == pytest.approx(twin.active_share)


@pytest.mark.parametrize(("scenario", "rate_hz"), [("walk", 100.0), ("walk_turn", 52.0), ("run", 25.0), ("run", 400.0)])
def test_equals_twin(scenario: str, rate_hz: float) -> None:
    """A running sum over a window is the mean of it, and so on: every stride, at any rate."""
    for rows in strides_of(chains.simulated(scenario, "right", rate_hz)):
        equals_twin(rows, rate_hz)


def test_equals_twin_on_a_real_walk(data_folder: Path) -> None:
    """The same with the signals of a foot."""
    for rows in strides_of(chains.walk_of(data_folder, "2-1", "lf")):
        equals_twin(rows, 100.0)


@pytest.mark.parametrize("scenario", ["walk", "walk_slow", "walk_fast", "run", "run_fast"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_truth_of_the_simulator(scenario: str, side: str) -> None:
    """Each stride shows y within 6 deg, and all together within 2."""
    mount = chains.leg_of(scenario, side).mount
    true = np.array(mount.left)
    found = np.array([seen_in(rows, 100.0, true)["left"] for rows in strides_of(chains.simulated(scenario, side))])
    assert len(found) > 8
    assert np.all(found @ true > np.cos(np.radians(6.0)))
    mean = found.mean(axis=0)
    assert mean @ true > np.cos(np.radians(2.0)) * np.linalg.norm(mean)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_any_rotation_turns_the_axes_with_it(seed: int) -> None:
    """Sums of vectors turn with them."""
    turn = Rotation.random(rng=np.random.default_rng(seed))
    rows = strides_of(chains.simulated("walk"))[3]
    turned = rows.copy()
    for first in (ring.ACC, ring.GYR):
        turned[:, first : first + 3] = turn.apply(rows[:, first : first + 3])
    attitude = Rotation.from_quat(rows[:, ring.QUAT : ring.QUAT + 4], scalar_first=True) * turn.inv()
    turned[:, ring.QUAT : ring.QUAT + 4] = attitude.as_quat(scalar_first=True)
    a, b = seen_in(rows, 100.0), seen_in(turned, 100.0, turn.apply(LEFT))
    for name in ("left", "z", "mean_up"):
        np.testing.assert_allclose(b[name], turn.apply(a[name]), atol=1e-9, err_msg=name)
    assert b["ratio"] == pytest.approx(a["ratio"], rel=1e-6)


def test_a_leg_at_rest_shows_no_axes() -> None:
    """Nothing turns, nothing is told; nor by a window of two samples."""
    rows = chains.history(chains.simulated("stand").cut(0, 300))
    rows[:, ring.GYR : ring.GYR + 3] = 0.0
    seen = np.zeros(1, stride_axes.SEEN)[0]
    assert not stride_axes.measure(seen, rows, LEFT, 100.0)
    assert not stride_axes.measure(seen, strides_of(chains.simulated("walk"))[0][:2].copy(), LEFT, 100.0)


@given(st.integers(0, 10**6))
def test_the_principal_direction_is_the_eigenvector(seed: int) -> None:
    """In the plane across z, as NumPy finds it; a ratio of 0 says that no direction stands out."""
    rng = np.random.default_rng(seed)
    points, z = rng.normal(size=(20, 3)) * [1.0, 2.0, 3.0], rng.normal(size=3)
    z /= np.linalg.norm(z)
    across = np.eye(3) - np.outer(z, z)
    values, vectors = np.linalg.eigh(across @ points.T @ points @ across)
    *direction, ratio = principal.across(np.triu(points.T @ points), *z)
    assert abs(vectors[:, 2] @ direction) == pytest.approx(1.0)
    assert ratio == pytest.approx(values[2] / values[1])
    assert principal.across(np.eye(3), *z) == (0.0, 0.0, 0.0, 0.0)
