"""Joining of accelerometer and gyroscope streams that come in packets of their own."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.pipeline.joiner import LONGEST_WAIT_S, Joiner, JoinerState

if TYPE_CHECKING:
    from ankled.drivers.samples import FloatArray

RATE_HZ = 52.0


def _acc(time_s: FloatArray) -> FloatArray:
    return np.column_stack((time_s, 2.0 * time_s, 9.8 - time_s))


def _gyr(time_s: FloatArray) -> FloatArray:
    return np.column_stack((np.sin(time_s), np.cos(time_s), time_s))


def _feed(
    joiner: Joiner, cuts: list[int], count: int = 400, phase_s: float = 0.007
) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
    """Feed both streams in packets that end at `cuts`, the gyroscope a little later in time."""
    acc_s = np.arange(count) / RATE_HZ
    gyr_s = acc_s + phase_s
    out = []
    borders = [0, *sorted(set(cuts) | set(range(100, count, 100)) | {count})]
    for start, end in itertools.pairwise(borders):
        part = slice(start, end)
        joiner.add(acc_s[part], _acc(acc_s[part]), None, 0)
        if (got := joiner.take()) is not None:
            out.append(got[:3])
        joiner.add(gyr_s[part], None, _gyr(gyr_s[part]), 0)
        if (got := joiner.take()) is not None:
            out.append(got[:3])
    return out


@given(cuts=st.lists(st.integers(1, 399), max_size=30))
def test_joined_samples_do_not_depend_on_the_packets(cuts: list[int]) -> None:
    """Whatever the packets, times and rates are the gyroscope's and the force is interpolated between its samples."""
    parts = _feed(Joiner(RATE_HZ), cuts)
    time_s, acc, gyr = (np.concatenate([part[k] for part in parts]) for k in range(3))
    assert len(time_s) == 399, "the last one waits for the accelerometer"
    np.testing.assert_allclose(acc, _acc(time_s), atol=1e-9)
    np.testing.assert_allclose(gyr, _gyr(time_s), atol=1e-12)
    assert np.diff(time_s).min() > 0.0


def test_nothing_is_interpolated_across_a_hole() -> None:
    """Where the accelerometer lost a packet, the gyroscope's samples are counted, not joined with a straight line."""
    joiner = Joiner(RATE_HZ)
    time_s = np.arange(200) / RATE_HZ
    keep = (time_s < 1.0) | (time_s > 2.0)
    joiner.add(time_s[keep], _acc(time_s[keep]), None, 0)
    joiner.add(time_s + 0.005, None, _gyr(time_s), 0)
    got = joiner.take()
    assert got is not None
    assert not ((got[0] > 1.01) & (got[0] < 1.99)).any()
    assert joiner.given_up == pytest.approx(52, abs=2)


def test_a_stream_that_stops_does_not_fill_the_memory() -> None:
    """What waits too long for its counterpart is given up and counted."""
    joiner = Joiner(RATE_HZ)
    for start in range(100):
        time_s = start + np.arange(52) / RATE_HZ
        joiner.add(time_s, None, _gyr(time_s), 0)
        assert joiner.take() is None
    held = len(np.frombuffer(joiner.snapshot().gyr)) // 4
    assert held <= (LONGEST_WAIT_S + 1.0) * RATE_HZ + 1
    assert joiner.given_up + held == 5200


def test_missing_ones_are_passed_on_once() -> None:
    """The count of missing samples goes with the next joined block."""
    joiner = Joiner(RATE_HZ)
    time_s = np.arange(10) / RATE_HZ
    joiner.add(time_s, _acc(time_s), None, 3)
    joiner.add(time_s, None, _gyr(time_s), 2)
    got = joiner.take()
    assert got is not None
    assert got[3] == 5
    later = time_s + 1.0
    joiner.add(later, _acc(later), None, 0)
    joiner.add(later, None, _gyr(later), 0)
    got = joiner.take()
    assert got is not None
    assert got[3] == 0


def test_a_snapshot_goes_on_identically() -> None:
    """Saved in mid-stream and taken up again, the joined samples are the same bits."""
    joiner = Joiner(RATE_HZ)
    _feed(joiner, [30, 75], count=150)
    other = Joiner(RATE_HZ)
    other.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(joiner.snapshot()), type=JoinerState))
    time_s = 3.0 + np.arange(60) / RATE_HZ
    for one in (joiner, other):
        one.add(time_s, _acc(time_s), None, 0)
        one.add(time_s, None, _gyr(time_s), 0)
    got, same = joiner.take(), other.take()
    assert got is not None
    assert same is not None
    assert [part.tobytes() for part in got[:3]] == [part.tobytes() for part in same[:3]]
