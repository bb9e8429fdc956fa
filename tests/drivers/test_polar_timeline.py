"""The times of Polar samples: around a loss, at a rate that is off, when stamps tremble or the clock is set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ankled.drivers.polar.timeline import Timeline


def frame_stamps(counts: list[int], rate_hz: float, begin_ns: int = 10**18) -> list[int]:
    """Return the times of the last samples of consecutive frames."""
    return [begin_ns + round(n * 1e9 / rate_hz) for n in np.cumsum(counts)]


@given(st.lists(st.integers(15, 140), min_size=3, max_size=12), st.floats(-0.03, 0.03), st.integers(1, 10))
def test_a_lost_frame_is_counted_and_nothing_stretched(counts: list[int], off: float, lost: int) -> None:
    """Wherever a frame is lost, its samples are missing and the others keep their times, at a rate 3 % off.

    Before two frames have shown the true rate the count is as good as the nominal one.
    """
    lost = min(lost, len(counts) - 1)
    unsure = 0.031 * (counts[1] + counts[2]) + 1.0 if lost == 1 else 0.0
    assume(lost > 1 or counts[1] > 0.1 * counts[2] + unsure)
    true_hz = 52.0 * (1.0 + off)
    stamps = frame_stamps(counts, true_hz)
    line = Timeline()
    line.begin(52.0)
    times: list[float] = []
    for number, (stamp, count) in enumerate(zip(stamps, counts, strict=True)):
        if number == lost:
            continue
        time_s, missing = line.take(stamp, count, 10**18)
        expected = np.arange(sum(counts[:number]) + 1, sum(counts[: number + 1]) + 1) / true_hz
        if number == lost + 1:
            assert abs(missing - counts[lost]) <= unsure
            assert np.abs(time_s - expected).max() <= 1e-6 + unsure / 52.0
        else:
            assert missing == 0
            assert number == 0 or np.abs(time_s - expected).max() < 1e-6
        assert time_s[-1] == pytest.approx(expected[-1], abs=1e-8)
        times += time_s.tolist()
    assert (np.diff(times) > 0.0).all()


@given(st.lists(st.floats(-0.004, 0.004), min_size=3, max_size=25), st.sampled_from([52.0, 208.0, 416.0]))
def test_stamps_that_tremble_are_no_loss(tremble_s: list[float], rate_hz: float) -> None:
    """Stamps that are off by up to 4 ms, at a rate that is 3 % off, are not taken for lost samples."""
    line = Timeline()
    line.begin(rate_hz)
    for stamp, off_s in zip(frame_stamps([60] * len(tremble_s), 0.97 * rate_hz), tremble_s, strict=True):
        assert line.take(stamp + round(off_s * 1e9), 60, 0)[1] == 0


def test_a_first_stamp_that_is_off_misleads_for_a_few_frames_only() -> None:
    """A wrong period that was learnt at the start is learnt anew, although frames seem late by it."""
    stamps = frame_stamps([60] * 12, 52.0)
    line = Timeline()
    line.begin(52.0)
    line.take(stamps[0] + 80_000_000, 60, 0)
    missing = [line.take(stamp, 60, 0)[1] for stamp in stamps[1:]]
    assert 0 < sum(missing) < 10
    assert not any(missing[4:])


def test_the_true_rate_is_learnt() -> None:
    """After some frames a loss is counted exactly although the rate is 3 % off."""
    counts = [60] * 40
    stamps = frame_stamps(counts, 52.0 * 1.03)
    line = Timeline()
    line.begin(52.0)
    for stamp in stamps[:30]:
        line.take(stamp, 60, 0)
    _, missing = line.take(stamps[34], 60, 0)
    assert missing == 4 * 60
    line.begin(52.0)
    time_s, missing = line.take(stamps[36], 60, 0)
    assert missing == 0, "what was before a new start is no loss"
    np.testing.assert_allclose(np.diff(time_s), 1.0 / 52.0 / 1.03, rtol=2e-3)


@pytest.mark.parametrize("step_s", [-1000.0, -0.001, 0.0, 61.0, 1e8])
def test_a_clock_that_is_set_is_no_loss(step_s: float) -> None:
    """A stamp that steps back or far ahead is taken as it is: samples one period apart, none missing."""
    line = Timeline()
    line.begin(50.0)
    line.take(10**18, 30, 0)
    stamp_ns = 10**18 + round(step_s * 1e9)
    time_s, missing = line.take(stamp_ns, 30, 10**18)
    assert missing == 0
    np.testing.assert_allclose(time_s, step_s - np.arange(29, -1, -1) / 50.0, atol=1e-6)
