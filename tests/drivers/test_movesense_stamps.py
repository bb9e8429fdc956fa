"""Movesense: from one stamp in milliseconds for each payload to the times of all samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers.movesense.stamps import HOLD_S, Stamps, place

if TYPE_CHECKING:
    from collections.abc import Collection

Times = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

PACKING = [(13.0, 1), (26.0, 2), (52.0, 4), (104.0, 8), (208.0, 16)]


def stream(
    rate_hz: float,
    count: int,
    *,
    chip: float = 0.0,
    start_s: float = 5.1234,
    number: int = 400,
    lost: Collection[int] = (),
) -> tuple[list[Times], list[Times], list[int]]:
    """Return the times found, the true ones, and the samples missing, payload by payload."""
    period_s = 1.0 / (rate_hz * (1.0 + chip))
    stamps = Stamps()
    found, true, missing = [], [], []
    for index in range(number):
        if index in lost:
            continue
        first_s = start_s + index * count * period_s
        times, gone = place(stamps, rate_hz, int(first_s * 1000.0) % 2**32, count)
        found.append(times)
        true.append(first_s + np.arange(count, dtype=np.float64) * period_s)
        missing.append(gone)
    return found, true, missing


@pytest.mark.parametrize(("rate_hz", "count"), PACKING)
@pytest.mark.parametrize("chip", [-0.08, -0.02, 0.0, 0.03, 0.08])
def test_a_chip_off_its_rate_is_followed(rate_hz: float, count: int, chip: float) -> None:
    """Nothing is taken for lost; times become even to 0.3 ms where stamps are rounded to 1 ms, never drift."""
    found, true, missing = stream(rate_hz, count, chip=chip)
    assert sum(missing) == 0
    assert (np.diff(np.concatenate(found)) > 0.0).all()
    error_s = np.concatenate(found[50:]) - np.concatenate(true[50:])
    assert abs(error_s.mean() + 0.0005) < 0.0002, "stamps are rounded down: half a millisecond on average"
    assert np.abs(error_s - error_s.mean()).max() < 0.0003
    stamps_s = np.array([int(one[0] * 1000.0) / 1000.0 for one in true])
    assert np.abs(np.array([one[0] for one in found])[3:] - stamps_s[3:]).max() <= HOLD_S + 1e-9


@pytest.mark.parametrize(("rate_hz", "count"), PACKING)
@pytest.mark.parametrize("chip", [-0.03, 0.0, 0.03])
def test_lost_payloads_are_counted_to_the_sample(rate_hz: float, count: int, chip: float) -> None:
    """By the stamps alone, also right at the beginning, and times go on as true as before."""
    lost = {1, 4, 60, 61, 62, 200, *range(300, 340)}
    found, true, missing = stream(rate_hz, count, chip=chip, lost=lost)
    after = {index: gone for index, gone in enumerate(missing) if gone}
    slack = {1: 1} if count > 1 else {}  # with two payloads seen a chip's rate is known to a sample, no better
    wanted = {1: count, 3: count, 58: 3 * count, 195: count, 294: 40 * count}
    assert after.keys() == wanted.keys()
    for index, gone in after.items():
        assert abs(gone - wanted[index]) <= slack.get(index, 0)
    assert np.abs(found[-1] - true[-1]).max() < 0.0012


def test_the_counter_wraps_after_49_days() -> None:
    """Times go on over the wrap of 32 bits of milliseconds, evenly and without a loss."""
    start_s = 2**32 / 1000.0 - 3.0
    found, true, missing = stream(104.0, 8, start_s=start_s, number=100)
    assert sum(missing) == 0
    assert found[-1][-1] > 2**32 / 1000.0
    assert np.abs(np.concatenate(found[20:]) - np.concatenate(true[20:])).max() < 0.0012


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_clock_that_begins_anew_is_no_wrap(wrapped: bool) -> None:
    """A stamp that steps back is given as sent, and counts nothing as lost."""
    stamps = Stamps()
    place(stamps, 104.0, 2**32 - 50 if wrapped else 9_000_000, 8)
    before, _ = place(stamps, 104.0, 27 if wrapped else 9_000_077, 8)
    after, missing = place(stamps, 104.0, 5, 8)
    assert missing == 0
    assert after[0] < before[0]
    assert after[0] == pytest.approx((2**32 if wrapped else 0) / 1000.0 + 0.005)
    _, missing = place(stamps, 104.0, 82, 8)
    assert missing == 0


def test_a_stamp_that_comes_twice_is_given_twice() -> None:
    """It is for the fit of clocks to refuse what steps back."""
    stamps = Stamps()
    first, _ = place(stamps, 104.0, 1000, 8)
    second, missing = place(stamps, 104.0, 1000, 8)
    assert (first == second).all()
    assert missing == 0


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 18)), min_size=1, max_size=30))
def test_any_stamps_give_finite_times(given_: list[tuple[int, int]]) -> None:
    """Whatever a broken sensor sends: as many times as samples, growing within the payload, never a negative loss."""
    stamps = Stamps()
    for raw_ms, count in given_:
        times, missing = place(stamps, 104.0, raw_ms, count)
        assert times.shape == (count,)
        assert np.isfinite(times).all()
        assert (np.diff(times) > 0.0).all()
        assert missing >= 0
        stamps = msgspec.msgpack.decode(msgspec.msgpack.encode(stamps), type=Stamps)


def test_stamps_that_tremble_are_smoothed() -> None:
    """A sensor that stamps a little late now and then shakes the times by no more than what exceeds a millisecond."""
    rng = np.random.default_rng(1)
    stamps = Stamps()
    true, found = [], []
    for index in range(600):
        first_s = 5.0 + index * 8 / 104.0
        late_ms = 1 if rng.random() < 0.2 else 0
        times, missing = place(stamps, 104.0, int(first_s * 1000.0) + late_ms, 8)
        assert missing == 0
        found.append(times[0])
        true.append(first_s)
    error_s = np.array(found[100:]) - np.array(true[100:])
    assert np.ptp(error_s) < 0.001
