"""Streams for the tests of strides and of the chain: simulated and real legs, their history, and the rows found."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ankled.kernels import chain, ring, timebase, vqf
from ankled.kernels.results import REP, STRIDE
from ankled.simulators.simulation import LegRecording, simulate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
Rows = NDArray[np.void]


class Stream(NamedTuple):
    """What one sensor delivered: time_s (n,), acc and gyr (n, 3), C-contiguous."""

    time_s: Array
    acc: Array
    gyr: Array
    rate_hz: float

    def cut(self, first: int, last: int | None = None) -> Stream:
        """Return samples `first` to `last`."""
        rows = slice(first, last)
        return Stream(self.time_s[rows], self.acc[rows], self.gyr[rows], self.rate_hz)

    def turned(self, rotation: Rotation) -> Stream:
        """Return what the sensor had delivered, had it sat in its pocket turned by `rotation`."""
        acc, gyr = np.ascontiguousarray(rotation.apply(self.acc)), np.ascontiguousarray(rotation.apply(self.gyr))
        return Stream(self.time_s, acc, gyr, self.rate_hz)

    def delayed(self, seconds: float) -> Stream:
        """Return the same samples, later."""
        return self._replace(time_s=self.time_s + seconds)


def join(*streams: Stream) -> Stream:
    """Return the streams one after the other."""
    times, accs, gyrs, rates = zip(*streams, strict=True)
    return Stream(np.concatenate(times), np.concatenate(accs), np.concatenate(gyrs), rates[0])


@functools.cache
def leg_of(scenario: str, side: Any = "left", rate_hz: float = 100.0, imu: str = "consumer") -> LegRecording:
    """Return the recording of one leg of a scenario."""
    return simulate(scenario, rate_hz=rate_hz, imu=imu).legs[side]


def simulated(scenario: str, side: str = "left", rate_hz: float = 100.0, imu: str = "consumer") -> Stream:
    """Return what the sensor on one leg delivers in a scenario."""
    leg = leg_of(scenario, side, rate_hz, imu)
    return Stream(leg.time_s, np.ascontiguousarray(leg.acc), np.ascontiguousarray(leg.gyr), rate_hz)


def walk_of(folder: Path, trial: str, foot: str) -> Stream:
    """Return a real walk, one foot, by packet counter at 100 Hz."""
    with np.load(folder / "gait_feet_ipol" / f"{trial}.npz") as file:
        packet, values = file[f"{foot}_pc"].astype(float), file[foot].astype(float)
    return Stream(packet / 100.0, np.ascontiguousarray(values[:, :3]), np.ascontiguousarray(values[:, 3:]), 100.0)


def history(stream: Stream) -> Array:
    """Return the rows that the chain writes to its ring, (n, WIDTH), from the time base and the orientation filter."""
    params = timebase.Params()
    room = np.empty((len(stream.time_s) * (timebase.bridge_samples(params, stream.rate_hz) + 1), 9))
    n = timebase.run(timebase.init(params, stream.rate_hz), stream.time_s, stream.acc, stream.gyr, room)
    grid = room[:n]
    quat, bias, rest = np.empty((n, 4)), np.empty((n, 3)), np.empty(n, np.bool_)
    acc, gyr = np.ascontiguousarray(grid[:, 1:4]), np.ascontiguousarray(grid[:, 4:7])
    vqf.run(vqf.init(vqf.Params(), stream.rate_hz), gyr, acc, quat, bias, rest)
    rows = np.empty((n, ring.WIDTH))
    rows[:, ring.TIME] = grid[:, 0]
    rows[:, ring.ACC : ring.ACC + 3] = acc
    rows[:, ring.GYR : ring.GYR + 3] = gyr - bias
    rows[:, ring.QUAT : ring.QUAT + 4] = quat
    rows[:, ring.FLAGS] = grid[:, 7]
    return rows


def feed(work: chain.Chain, stream: Stream, cuts: Sequence[int] = ()) -> list[Rows]:
    """Run a chain over a stream in blocks cut at `cuts`; return the rows of every call."""
    pieces = []
    for a, b in itertools.pairwise((0, *cuts, len(stream.time_s))):
        first = 0
        while True:
            block = (stream.time_s[a:b], stream.acc[a:b], stream.gyr[a:b])
            n = chain.run(work.state, work.ring, work.scratch, work.out, *block, first)
            pieces.append(work.out[:n].copy())
            first = int(work.state["next"][0])
            if first >= b - a:
                break
    return pieces


def finish(work: chain.Chain) -> Rows:
    """Close the stream and return the last rows."""
    return work.out[: chain.finish(work.state, work.ring, work.scratch, work.out)].copy()


def rows_of(stream: Stream, cuts: Sequence[int] = (), **options: Any) -> Rows:
    """Return all rows of a stream, its end included."""
    work = chain.Chain(stream.rate_hz, **options)
    return np.concatenate([*feed(work, stream, cuts), finish(work)])


def strides(rows: Rows) -> Rows:
    """Return the strides among rows."""
    return rows[rows["kind"] == STRIDE]


def reps(rows: Rows) -> Rows:
    """Return the repetitions among rows."""
    return rows[rows["kind"] == REP]
