"""Lifts of a leg about one joint, with known truth, and the detector run over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

from ankled.kernels import reps, ring
from ankled.kernels.constants import GRAVITY_MPS2
from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.kernels.motions import Array

Move = tuple[float, float, float]
"""Start, s; change of angle, deg; duration, s."""


def cycles(start_s: float, count: int, size_deg: float, phases_s: tuple[float, float, float, float]) -> list[Move]:
    """Return `count` repetitions: out, hold, back and rest take `phases_s`."""
    out, hold, back, rest = phases_s
    moves = []
    for k in range(count):
        begin = start_s + k * (out + hold + back + rest)
        moves += [(begin, size_deg, out), (begin + out + hold, -size_deg, back)]
    return moves


def angle(moves: list[Move], t: Array) -> Array:
    """Return the angle, rad: every move is minimum jerk."""
    x = np.zeros_like(t)
    for start, size, duration in moves:
        u = np.clip((t - start) / duration, 0.0, 1.0)
        x += np.radians(size) * u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
    return x


def rows(  # every fact of a lift has a default of its own
    x: Array,
    rate_hz: float,
    *,
    axis: Array | None = None,
    up: Array | None = None,
    arm_m: Array | None = None,
    mount: Rotation | None = None,
    noise: float = 0.0,
) -> Array:
    """Return rows of history for a leg turning by x about `axis` through the joint, the sensor at `arm_m` from it.

    Earth and leg axes agree at x = 0 but for `up`, the vertical at x = 0 in the leg's axes.
    """
    axis = np.array([0.0, -1.0, 0.0]) if axis is None else axis / np.linalg.norm(axis)
    up = np.array([0.0, 0.0, 1.0]) if up is None else up / np.linalg.norm(up)
    arm_m = np.zeros(3) if arm_m is None else arm_m
    mount = Rotation.identity() if mount is None else mount
    level, _ = Rotation.align_vectors(np.array([[0.0, 0.0, 1.0]]), up[None])
    turned = Rotation.from_rotvec(x[:, None] * axis)
    to_earth = level * turned
    place = to_earth.apply(arm_m)
    force = np.gradient(np.gradient(place, axis=0), axis=0) * rate_hz**2 + np.array([0.0, 0.0, GRAVITY_MPS2])
    history = np.zeros((x.size, ring.WIDTH))
    history[:, ring.TIME] = np.arange(x.size) / rate_hz
    history[:, ring.ACC : ring.ACC + 3] = mount.inv().apply(to_earth.inv().apply(force))
    history[:, ring.GYR : ring.GYR + 3] = mount.inv().apply(np.gradient(x)[:, None] * rate_hz * axis)
    history[:, ring.QUAT : ring.QUAT + 4] = (to_earth * mount).as_quat(scalar_first=True)
    rng = np.random.default_rng(7)
    history[:, ring.ACC : ring.ACC + 3] += noise * rng.normal(size=(x.size, 3))
    history[:, ring.GYR : ring.GYR + 3] += 0.1 * noise * rng.normal(size=(x.size, 3))
    return history


@kernel
def _feed(state: Any, history: Any, samples: Any, first: int, found: Any, known: Any, count: int) -> int:
    s = state[0]
    capacity = history.shape[0] // 2
    for i in range(samples.shape[0]):
        k = first + i
        for column in range(samples.shape[1]):
            history[k % capacity, column] = history[k % capacity + capacity, column] = samples[i, column]
        for j in range(reps.step(s, history, k)):
            found[count] = s.found[j]
            known[count] = k
            count += 1
    return count


@kernel
def _flush(state: Any, history: Any, k: int, found: Any, known: Any, count: int) -> int:
    s = state[0]
    for j in range(reps.flush(s, history, k)):
        found[count] = s.found[j]
        known[count] = k
        count += 1
    return count


@kernel
def _resume(state: Any, k: int, gap_n: float) -> None:
    reps.resume(state[0], k, gap_n)


class Detector:
    """The streaming detector with its history, as the chain runs it."""

    def __init__(self, rate_hz: float, params: reps.Params | None = None) -> None:
        """Start an epoch at sample 0."""
        self.state = reps.init(params or reps.Params(), rate_hz)
        self.history = ring.make_ring(rate_hz)
        self.k = self.count = 0
        self._found = np.zeros(1000, reps.FOUND)
        self._known = np.zeros(1000, np.int64)

    def feed(self, samples: Array) -> None:
        """Take in rows."""
        self.count = _feed(self.state, self.history, samples, self.k, self._found, self._known, self.count)
        self.k += len(samples)

    def flush(self) -> None:
        """End the stream."""
        self.count = _flush(self.state, self.history, self.k - 1, self._found, self._known, self.count)

    def resume(self, gap_n: float) -> None:
        """Go on after a gap of so many periods."""
        self.flush()
        _resume(self.state, self.k - 1, gap_n)

    @property
    def found(self) -> NDArray[np.void]:
        """Every repetition reported so far."""
        return self._found[: self.count]

    @property
    def known(self) -> NDArray[np.int64]:
        """The sample at which each was reported."""
        return self._known[: self.count]


def detect(samples: Array, rate_hz: float) -> Detector:
    """Run the detector over a whole recording."""
    detector = Detector(rate_hz)
    detector.feed(samples)
    detector.flush()
    return detector
