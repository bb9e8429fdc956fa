"""Windows of history with known truth: rigid motion in earth axes, read by an ideal sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ankled.kernels import ring
from ankled.kernels.constants import GRAVITY_MPS2

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[np.float64]


def scratch(samples: int) -> Array:
    """Return a scratch array full of nan, so that reading what was not written shows."""
    return np.full((2 * samples + 512, 8), np.nan)


def window(
    t: Array,
    attitude: Callable[[Array], Rotation],
    acceleration: Callable[[Array], Array],
    mount: Rotation | None = None,
) -> Array:
    """Return rows of history: `attitude(t)` leg to earth, `acceleration(t)` (n, 3) in earth axes, sensor on `mount`.

    `mount` turns sensor axes into leg axes. The angular rate is the central difference of the attitude over 2e-5 s.
    """
    mount = Rotation.identity() if mount is None else mount
    to_earth = attitude(t) * mount
    rows = np.zeros((t.size, ring.WIDTH))
    rows[:, ring.TIME] = t
    rows[:, ring.ACC : ring.ACC + 3] = to_earth.inv().apply(acceleration(t) + np.array([0.0, 0.0, GRAVITY_MPS2]))
    small = 1e-5
    turned = (attitude(t - small) * mount).inv() * (attitude(t + small) * mount)
    rows[:, ring.GYR : ring.GYR + 3] = turned.as_rotvec() / (2.0 * small)
    rows[:, ring.QUAT : ring.QUAT + 4] = to_earth.as_quat(scalar_first=True)
    return rows


def upright(t: Array) -> Rotation:
    """Leg axes along earth axes throughout."""
    return Rotation.from_rotvec(np.zeros((t.size, 3)))


def at_rest(t: Array) -> Array:
    """No acceleration."""
    return np.zeros((t.size, 3))


def random_window(seed: int, samples: int, rate_hz: float) -> Array:
    """Return rows of smooth noise: nothing physical, everything different from zero."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((samples, ring.WIDTH))
    rows[:, ring.TIME] = 12.5 + np.arange(samples) / rate_hz
    walk = np.cumsum(rng.normal(size=(samples, 6)), axis=0)
    rows[:, ring.ACC : ring.ACC + 6] = walk * 0.7 + rng.normal(size=(samples, 6))
    rows[:, ring.ACC + 2] += GRAVITY_MPS2
    turns = np.cumsum(0.15 * rng.normal(size=(samples, 3)), axis=0)
    rows[:, ring.QUAT : ring.QUAT + 4] = Rotation.from_rotvec(turns).as_quat(scalar_first=True)
    return rows


def unit(rng: np.random.Generator) -> Array:
    """Return a random unit vector."""
    v = rng.normal(size=3)
    return v / np.linalg.norm(v)
