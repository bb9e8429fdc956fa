"""The movement axis: against the twin, for any mount, and how fast it turns to a new movement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ankled.kernels import movement_axis as ma
from ankled.kernels import ring
from ankled.kernels.jit import kernel
from tests.kernels import lifts, motions
from tests.kernels.twins import movement_axis_twin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.kernels.motions import Array

RATE_HZ = 50.0
ARM_M = np.array([0.8, 0.0, 0.0])
"""A straight leg lying along x: turning about -y lifts its end."""


@kernel
def _run(state: Any, rows: Any) -> None:
    for k in range(rows.shape[0]):
        ma.step(state[0], rows[k])
    ma.solve(state[0])


@kernel
def _rest(state: Any) -> None:
    ma.rest(state[0])
    ma.solve(state[0])


def run(rows: Array, state: NDArray[np.void] | None = None, rate_hz: float = RATE_HZ) -> Any:
    """Return the state after the rows, solved."""
    state = ma.init(ma.Params(), rate_hz) if state is None else state
    _run(state, rows)
    return state


def leg(
    count: int = 3,
    size_deg: float = 40.0,
    axis: Array | None = None,
    mount: Rotation | None = None,
    noise: float = 0.05,
) -> Array:
    """Return a set of lifts of the straight leg."""
    t = np.arange(0.0, 4.0 + 4.0 * count, 1.0 / RATE_HZ)
    x = lifts.angle(lifts.cycles(2.0, count, size_deg, (1.0, 1.0, 1.0, 1.0)), t)
    return lifts.rows(x, RATE_HZ, axis=axis, arm_m=ARM_M, mount=mount, noise=noise)


@pytest.mark.parametrize("seed", range(4))
def test_the_axis_is_that_of_the_twin(seed: int) -> None:
    """Pins axis, sign, share and correlation to the definition, on rows with nothing regular about them."""
    rows = motions.random_window(seed, 300, RATE_HZ)
    rows[:, ring.GYR] *= 2.0  # one axis has to stand out for the eigenvector to be defined
    w, x, y, z = rows[:, ring.QUAT : ring.QUAT + 4].T
    up = np.stack((2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)), axis=1)
    params = ma.Params()
    p, share, correlation = movement_axis_twin.axis(
        rows[:, ring.ACC : ring.ACC + 3],
        rows[:, ring.GYR : ring.GYR + 3],
        up,
        1.0 / RATE_HZ,
        smooth_s=params.smooth_s,
        forget_s=params.forget_s,
        leak_s=params.velocity_leak_s,
    )
    state = run(rows)
    np.testing.assert_allclose(state["p"][0], p, atol=1e-4)
    assert state["share"][0] == pytest.approx(share, abs=1e-6)
    assert state["correlation"][0] == pytest.approx(correlation, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_the_sign_lifts_for_any_mount(seed: int) -> None:
    """Pins that the positive sense raises the weight, however the sensor sits in its pocket."""
    mount = Rotation.random(random_state=seed)
    state = run(leg(mount=mount))
    np.testing.assert_allclose(mount.apply(state["p"][0]), [0.0, -1.0, 0.0], atol=0.02)
    assert state["correlation"][0] > 0.5
    assert state["lever_m"][0] > 0.3


def test_a_movement_that_lifts_nothing_has_no_lever() -> None:
    """Pins that turning about a joint at the sensor itself does not claim a sign by its lever."""
    t = np.arange(0.0, 20.0, 1.0 / RATE_HZ)
    x = lifts.angle(lifts.cycles(2.0, 4, 30.0, (1.0, 1.0, 1.0, 1.0)), t)
    assert run(lifts.rows(x, RATE_HZ, noise=0.05))["lever_m"][0] < 0.03


def test_the_axis_follows_a_new_movement() -> None:
    """Pins that two repetitions of a slow abduction after a rest outvote a fast set about another axis."""
    state = run(leg(count=10, size_deg=90.0))
    _rest(state)
    run(leg(count=2, size_deg=20.0, axis=np.array([0.0, 0.0, 1.0])), state)
    assert abs(state["p"][0, 2]) > 0.97


def test_nothing_yet_is_no_movement() -> None:
    """Pins that solving before any motion gives zeros, not a division by zero."""
    state = ma.init(ma.Params(), RATE_HZ)
    _run(state, np.zeros((0, ring.WIDTH)))
    assert state["spread_rad_s"][0] == state["share"][0] == state["correlation"][0] == 0.0
