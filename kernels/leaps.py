"""Jumps: the crouch before a flight and the one that it ends in are one repetition.

In the air nothing but gravity acts, and the accelerometer shows next to nothing. An excursion that ends in a flight
waits for the excursion that the wearer lands with. One that begins with the landing of a flight is itself half of a
jump, or in a series of rebounds all of one, and waits for nothing.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.kernels.constants import GRAVITY_MPS2
from ankled.kernels.jit import kernel
from ankled.kernels.ring import ACC

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLYING = 0.5
"""Specific force, as a part of g, below which the leg is in free fall."""
_FLIGHT_S = 0.12
"""Shortest free fall that is a flight: the drop of a leg that is let go of is shorter, and does not end a movement."""
_PUSH = 1.5
"""Specific force, as a part of g, that a push-off reaches."""
_PUSH_S = 0.25
"""How long before the end of an excursion a push-off is looked for."""
_AWAIT_S = 0.15
"""How long after it a flight is waited for, where there was one."""
_LAND_S = 0.6
"""How long after a flight the excursion of the landing begins."""
_LANDING_S = 2.0
"""How long that takes at most."""

STATE = np.dtype(
    [
        ("flight_n", "i8"),
        ("push_n", "i8"),
        ("await_n", "i8"),
        ("land_n", "i8"),
        ("landing_n", "i8"),
        ("open", "i8"),
        ("flew", "i8"),
        ("until", "i8"),
        ("last", "i8"),
    ],
    align=True,
)
"""`open`: an excursion waits, until sample `until`; `flew`: 1 in the flight that has followed it, 2 after landing, 3 on
the excursion of the landing; without a flight it waits until sample `last` at most, and only while one may begin."""


def init(rate_hz: float) -> NDArray[np.void]:
    """Return the state, shape (1,), for a grid of `rate_hz`."""
    state = np.zeros(1, STATE)
    for name, seconds in (
        ("flight_n", _FLIGHT_S),
        ("push_n", _PUSH_S),
        ("await_n", _AWAIT_S),
        ("land_n", _LAND_S),
        ("landing_n", _LANDING_S),
    ):
        state[name] = ceil(seconds * rate_hz)
    return state


@kernel
def _force2(ring: NDArray[np.float64], k: int) -> float:
    """Return the square of the specific force at sample `k`, in g squared."""
    row = ring[k % (ring.shape[0] // 2)]
    force2 = row[ACC] * row[ACC] + row[ACC + 1] * row[ACC + 1] + row[ACC + 2] * row[ACC + 2]
    return force2 / (GRAVITY_MPS2 * GRAVITY_MPS2)


@kernel
def flies(s: Any, ring: NDArray[np.float64], first: int, last: int) -> bool:
    """Tell whether there is a flight among the samples from `first` to `last`, both included."""
    n = 0
    for k in range(first, last + 1):
        n = n + 1 if _force2(ring, k) < _FLYING * _FLYING else 0
        if n >= s.flight_n:
            return True
    return False


@kernel
def may_follow(s: Any, ring: NDArray[np.float64], oldest: int, k: int) -> bool:
    """Tell whether the samples up to `k`, `oldest` at most, show a push-off, so that a flight may follow."""
    for i in range(max(oldest, k - s.push_n), k + 1):
        force2 = _force2(ring, i)
        if force2 > _PUSH * _PUSH:
            return True
    return flies(s, ring, max(oldest, k - s.flight_n), k)


@kernel
def near(s: Any, ring: NDArray[np.float64], oldest: int, valley: int, k: int) -> bool:
    """Tell whether the excursion that began at `valley` and closes at sample `k` is part of a jump, or may be."""
    return may_follow(s, ring, oldest, k) or flies(s, ring, max(oldest, valley - s.land_n), k)


@kernel
def wait(s: Any, k: int) -> None:
    """Let an excursion that has closed at sample `k` wait for a flight."""
    s.open = 1
    s.flew = 0
    s.until = k + s.await_n
    s.last = s.until + s.await_n


@kernel
def still_waits(s: Any, ring: NDArray[np.float64], k: int, away: bool) -> bool:
    """Decide at sample `k` = s.until whether to wait on; `away` tells whether the leg is on an excursion."""
    force2 = _force2(ring, k)
    if force2 < _FLYING * _FLYING and (s.flew == 1 or flies(s, ring, k - s.flight_n, k)):
        s.flew = 1
        s.until = k + s.flight_n
        return True
    if s.flew == 0 and k < s.last and (force2 < _FLYING * _FLYING or force2 > _PUSH * _PUSH):
        s.until = k + 1
        return True
    if s.flew == 1:
        s.flew = 2
        s.until = k + s.land_n
        return True
    if s.flew == 2 and away:
        s.flew = 3
        s.until = k + s.landing_n
        return True
    s.open = 0
    return False
