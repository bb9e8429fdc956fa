"""The axes of one leg: a configured mount, axes adopted from walking and followed, and the place on the leg."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.kernels import gait_axes, leg
from ankled.kernels.displacement import SHANK_LEVER_M
from tests.kernels import motions

SEEDS = st.integers(0, 10**6)


def found(rng: np.random.Generator, ratio: float = 100.0) -> Any:
    """Return axes as gait finds them: unit vectors, not quite perpendicular."""
    axes = gait_axes.init(gait_axes.Params(), 100.0)[0]
    axes["left"] = motions.unit(rng)
    up = motions.unit(rng)
    axes["z"] = up if abs(up @ axes["left"]) < 0.9 else np.cross(axes["left"], up)
    axes["z"] /= np.linalg.norm(axes["z"])
    axes["ratio"] = ratio
    return axes


def square(record: Any) -> None:
    """Assert that the axes are unit and perpendicular."""
    assert np.linalg.norm(record["left"]) == pytest.approx(1.0, abs=1e-12)
    assert np.linalg.norm(record["up"]) == pytest.approx(1.0, abs=1e-12)
    assert record["left"] @ record["up"] == pytest.approx(0.0, abs=1e-12)


@given(SEEDS)
def test_a_configured_mount_is_made_square(seed: int) -> None:
    """`left` keeps its direction, `up` gives way; lengths do not matter."""
    rng = np.random.default_rng(seed)
    left, up = 3.0 * motions.unit(rng), 0.2 * motions.unit(rng)
    record = leg.init(tuple(left), tuple(up))[0]
    square(record)
    np.testing.assert_allclose(record["left"], left / 3.0, atol=1e-12)
    assert record["up"] @ up > 0.0
    assert record["source"] == leg.CONFIGURED


def test_without_a_mount_nothing_is_known() -> None:
    """The source says so, and so does the uncertainty."""
    record = leg.init(None, None)[0]
    assert record["source"] == leg.UNKNOWN
    assert record["uncertainty_rad"] == np.pi


def test_parallel_axes_are_refused() -> None:
    """One sentence names what is wrong."""
    with pytest.raises(ValueError, match="parallel"):
        leg.init((0.0, 1.0, 0.0), (0.0, -2.0, 0.0))


@given(SEEDS, st.floats(4.0, 5000.0))
def test_adopted_axes_are_those_found(seed: int, ratio: float) -> None:
    """`left` as it is, `up` made perpendicular; the uncertainty grows as the axis stands out less."""
    axes = found(np.random.default_rng(seed), ratio)
    array = leg.init(None, None)
    leg.adopt(array[0], axes)
    record = array[0]
    square(record)
    np.testing.assert_allclose(record["left"], axes["left"], atol=1e-12)
    assert record["source"] == leg.WALKING
    assert record["uncertainty_rad"] == pytest.approx(np.hypot(np.radians(1.5), 1.0 / np.sqrt(ratio)))


@given(SEEDS)
def test_axes_move_towards_a_stride_and_get_surer(seed: int) -> None:
    """Each stride brings the axes nearer to what it speaks for and lowers the uncertainty, until ten are seen.

    Adopting counts for two of them.
    """
    rng = np.random.default_rng(seed)
    array = leg.init(None, None)
    leg.adopt(array[0], found(rng))
    goal = found(rng)
    if array[0]["left"] @ goal["left"] < 0.0:
        goal["left"] *= -1.0
    doubts = []
    for _ in range(60):
        leg.follow(array[0], goal, 0.01)
        square(array[0])
        doubts.append(float(array[0]["uncertainty_rad"]))
    assert array[0]["left"] @ goal["left"] > np.cos(np.radians(1.0))
    assert np.all(np.diff(doubts[:8]) < 0.0)
    assert doubts[-1] == pytest.approx(np.hypot(np.radians(1.5), np.sqrt(0.1 * 0.01)))


def test_a_configured_mount_does_not_move() -> None:
    """Strides teach it where on the leg it sits, not how it is turned."""
    array = leg.init((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    before = array.copy()
    for _ in range(5):
        leg.place(array[0], 5.0, -3.0)
        leg.follow(array[0], found(np.random.default_rng(1)), 0.01)
    for name in ("left", "up", "uncertainty_rad", "source"):
        assert array[name].tobytes() == before[name].tobytes()
    assert array["pushes_n"] == 5.0


def test_stored_axes_stand_in_with_the_doubt_of_a_weight_put_on_anew() -> None:
    """They are no mount that was measured: 20 deg, where a configured one has 2."""
    record = leg.init((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), stored=True)[0]
    assert record["source"] == leg.STORED
    assert np.degrees(record["uncertainty_rad"]) == pytest.approx(20.0)
    assert np.degrees(leg.init((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))[0]["uncertainty_rad"]) == pytest.approx(2.0)


def test_doubt_lasts_until_a_stride_clears_it() -> None:
    """A stride that strays raises the uncertainty to what it strays by; the next that does not takes that back."""
    array = leg.init((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    leg.doubt(array[0], np.radians(40.0))
    leg.doubt(array[0], np.radians(30.0))
    assert np.degrees(array[0]["uncertainty_rad"]) == pytest.approx(np.hypot(30.0, 2.0))
    leg.follow(array[0], found(np.random.default_rng(1)), 0.01)
    assert np.degrees(array[0]["uncertainty_rad"]) == pytest.approx(2.0)


def test_the_faster_push_off_tells_a_foot_from_a_shank() -> None:
    """The mean ratio of push-off to swing rate decides, and with it the lever of the zero-velocity update."""
    array = leg.init(None, None)
    leg.adopt(array[0], found(np.random.default_rng(2)))
    leg.place(array[0], 5.0, -3.0)
    assert array["lever_m"] == SHANK_LEVER_M
    for _ in range(20):
        leg.place(array[0], 5.0, -8.0)
    assert array["lever_m"] == 0.0
    assert array["push"] == pytest.approx(1.6, abs=0.1)


@given(SEEDS)
def test_angle_between_lines(seed: int) -> None:
    """Between lines, so at most 90 deg, and the same for the opposite vector."""
    rng = np.random.default_rng(seed)
    a, b = motions.unit(rng), motions.unit(rng)
    expected = np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), abs(a @ b)))
    assert leg.angle_deg(a, b) == pytest.approx(expected, abs=1e-5)
    assert leg.angle_deg(a, -b) == leg.angle_deg(a, b)
    assert leg.angle_deg(a, a) == pytest.approx(0.0, abs=2e-6)
