"""The time base against its plain twin, on exact lattices, and at the edges of its rules."""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ankled.kernels import timebase
from ankled.kernels.ring import FLAG_CLIPPED, FLAG_INTERPOLATED
from tests.kernels.twins.timebase_twin import TimebaseTwin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FloatArray = NDArray[np.float64]
T, VALUES, FLAGS, GAP = 0, slice(1, 7), 7, 8


def signals(n: int, seed: int = 0) -> FloatArray:
    """Return acc and gyr of n samples without any relation."""
    return np.random.default_rng(seed).normal(size=(n, 6))


def run(
    time: FloatArray,
    values: FloatArray,
    rate_hz: float,
    params: timebase.Params | None = None,
    cuts: Sequence[int] = (),
) -> tuple[FloatArray, Any]:
    """Return the rows and the state's record after all samples, fed in pieces cut at `cuts`."""
    params = params or timebase.Params()
    state = timebase.init(params, rate_hz)
    rows = np.empty((len(time) * (timebase.bridge_samples(params, rate_hz) + 1), 9))
    m = 0
    for a, b in itertools.pairwise((0, *cuts, len(time))):
        m += timebase.run(state, time[a:b], values[a:b, :3], values[a:b, 3:], rows[m:])
    return rows[:m], state[0]


def counts(s: Any) -> dict[str, int]:
    """Return the counters of a state under the names of the twin's."""
    return {name: int(s[f"{name}_n"]) for name in ("missing", "gaps", "repeated", "backwards", "not_finite", "clipped")}


NONE = {"missing": 0, "gaps": 0, "repeated": 0, "backwards": 0, "not_finite": 0, "clipped": 0}


@pytest.mark.parametrize("rate_hz", [12.5, 100.0, 204.8, 285.714, 1000.0])
@pytest.mark.parametrize("start_s", [0.0, -3.0, 86400.0])
def test_a_lattice_comes_out_as_it_went_in(rate_hz: float, start_s: float) -> None:
    """Exact input: the same values bit for bit, the same times to 1e-9 s, no flags, no counts."""
    time, values = start_s + np.arange(5000) / rate_hz, signals(5000)
    rows, s = run(time, values, rate_hz)
    assert len(rows) == 5000 == s["rows_n"]
    np.testing.assert_array_equal(rows[:, VALUES], values)
    np.testing.assert_allclose(rows[:, T], time, rtol=0, atol=1e-9)
    assert not rows[:, [FLAGS, GAP]].any()
    assert counts(s) == NONE


@pytest.mark.parametrize("ppm", [-500.0, -200.0, 200.0, 500.0])
def test_skew_with_jitter_never_interpolates(ppm: float) -> None:
    """A clock off by some hundred ppm, its stamps jittering by 0.15 periods: values unchanged, times followed."""
    rng = np.random.default_rng(1)
    true = np.arange(40_000) / 100.0 * (1 + ppm * 1e-6)
    rows, s = run(true + rng.uniform(-0.0015, 0.0015, 40_000), signals(40_000), 100.0)
    assert counts(s) == NONE
    np.testing.assert_array_equal(rows[:, VALUES], signals(40_000))
    assert not rows[:, FLAGS].any()
    assert np.abs(rows[100:, T] - true[100:]).max() < 0.001
    assert np.diff(rows[:, T]).min() > 0.0


def test_jitter_close_to_the_tolerance_rarely_interpolates() -> None:
    """At 0.2 periods the grid's own wander, a tenth of the jitter, throws a sample out now and then; none is lost."""
    rng = np.random.default_rng(2)
    true = np.arange(40_000) / 100.0 * (1 + 200e-6)
    rows, s = run(true + rng.uniform(-0.002, 0.002, 40_000), signals(40_000), 100.0)
    assert counts(s) == NONE
    assert len(rows) == 40_000
    assert (rows[:, FLAGS] != 0).mean() < 5e-4


@pytest.mark.parametrize("rate_hz", [204.8, 285.714])
def test_stamps_in_whole_milliseconds_never_interpolate(rate_hz: float) -> None:
    """Rounded time stamps are jitter: every sample keeps its slot."""
    true = 5.0 + np.arange(20_000) / rate_hz
    rows, s = run(np.round(true, 3), signals(20_000), rate_hz)
    assert len(rows) == 20_000
    assert counts(s) == NONE
    assert not rows[:, FLAGS].any()
    assert np.abs(rows[100:, T] - true[100:]).max() < 3e-4


@given(
    seed=st.integers(0, 2**32 - 1),
    rate_hz=st.sampled_from([10.0, 50.0, 100.0, 285.714]),
    jitter=st.sampled_from([0.0, 0.1, 0.3, 0.6, 1.5]),
    skew=st.sampled_from([0.0, 2e-4, -0.0213, 0.0987]),
    cuts=st.lists(st.integers(0, 400), max_size=5),
)
def test_anything_equals_the_twin_and_no_cut_changes_a_bit(
    seed: int, rate_hz: float, jitter: float, skew: float, cuts: list[int]
) -> None:
    """Losses in runs, jitter, wrong rates, repeated and reversed times, values not finite or clipped, all at once."""
    rng = np.random.default_rng(seed)
    n = 400
    time = (np.arange(n) * (1 + skew) + rng.uniform(-jitter, jitter, n)) / rate_hz
    time = time + np.cumsum(np.where(rng.random(n) < 0.02, rng.integers(1, 40, n), 0)) / rate_hz
    time[rng.integers(1, n, 5)] = np.nan
    again = rng.integers(1, n, 5)
    time[again] = time[again - 1]
    values = signals(n, seed % 1000)
    values[rng.integers(0, n, 5), rng.integers(0, 6, 5)] = rng.choice([np.nan, np.inf, -np.inf], 5)
    params = timebase.Params(acc_range_mps2=2.5, gyr_range_rad_s=2.8)
    rows, s = run(time, values, rate_hz, params)
    twin = TimebaseTwin(rate_hz, acc_range=2.5, gyr_range=2.8)
    for t, v in zip(time, values, strict=True):
        twin.feed(float(t), v[:3], v[3:])
    expected = np.array(twin.rows)
    assert counts(s) == asdict(twin.counts)
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-8)
    assert (np.diff(rows[:, T]) > 0).all()
    pieces, other = run(time, values, rate_hz, params, sorted(cuts))
    assert pieces.tobytes() == rows.tobytes()
    assert other.tobytes() == s.tobytes()


@pytest.mark.parametrize(
    ("rate_hz", "lost", "gap"),
    [
        (100.0, 15, 0),
        (100.0, 16, 1),
        (20.0, 3, 0),
        (20.0, 4, 1),
        (10.0, 2, 0),
        (10.0, 3, 1),
        (208.0, 31, 0),
        (208.0, 32, 1),
    ],
)
def test_the_edge_between_missing_and_gap(rate_hz: float, lost: int, gap: int) -> None:
    """Up to 150 ms or two samples missing are drawn as a straight line and counted; one more is a gap."""
    keep = np.ones(200, bool)
    keep[100 : 100 + lost] = False
    time = np.arange(200) / rate_hz
    values = np.outer(np.arange(200), np.arange(1.0, 7.0)) / 8.0
    rows, s = run(time[keep], values[keep], rate_hz)
    assert counts(s) == NONE | {"gaps": gap, "missing": 0 if gap else lost}
    if gap:
        np.testing.assert_allclose(rows[:, T], time[keep], atol=1e-9)
        np.testing.assert_array_equal(rows[:, VALUES], values[keep])
        np.testing.assert_array_equal(np.flatnonzero(rows[:, GAP]), [100])
        assert s["gap_s"] == pytest.approx((lost + 1) / rate_hz)
        assert not rows[:, FLAGS].any()
    else:
        np.testing.assert_allclose(rows[:, T], time, atol=1e-9)
        np.testing.assert_allclose(rows[:, VALUES], values, atol=1e-8)
        np.testing.assert_array_equal(rows[:, FLAGS] == FLAG_INTERPOLATED, ~keep)
        assert not rows[:, GAP].any()


def test_the_grid_begins_anew_after_a_gap() -> None:
    """The first sample after a gap lies on a slot, wherever it fell, and the rows are counted on."""
    time = np.concatenate((np.arange(50) * 0.01, 1.0037 + np.arange(50) * 0.01))
    rows, s = run(time, signals(100), 100.0)
    np.testing.assert_allclose(rows[:, T], time, atol=1e-9)
    np.testing.assert_array_equal(rows[:, VALUES], signals(100))
    assert s["rows_n"] == 100


def test_samples_far_from_their_slots_are_interpolated() -> None:
    """On a straight line the rows of an irregular sensor lie on the line, at a uniform step once the phase holds."""
    rng = np.random.default_rng(5)
    time = np.cumsum(rng.uniform(0.002, 0.018, 3000))
    values = np.outer(time, np.arange(1.0, 7.0))
    rows, s = run(time, values, 100.0)
    drawn = ~np.isin(rows[:, VALUES][:, 0], values[:, 0]) & (rows[:, T] <= time[-1])
    assert drawn.mean() > 0.3
    np.testing.assert_allclose(rows[drawn][:, VALUES], np.outer(rows[drawn, T], np.arange(1.0, 7.0)), atol=1e-9)
    step = np.diff(rows[:, T])
    assert step.min() > 0.007
    assert step.max() < 0.013
    assert s["gaps_n"] == 0


def test_a_row_between_two_samples_is_not_a_missing_one() -> None:
    """A sensor 2 % slower than its grid has rows between its samples: they are neither flagged nor counted."""
    time = np.arange(500) / 98.0
    rows, s = run(time, signals(500), 100.0)
    assert not rows[:, FLAGS].any()
    assert s["missing_n"] <= 12, "the grid itself has more slots than there are samples"


def test_repeated_backward_and_broken_samples_are_counted_and_left_out() -> None:
    """Of equal times the first counts; a time that runs back is skipped; a broken value is a missing sample."""
    time = np.array([0.00, 0.01, 0.01, 0.02, 0.005, 0.03, 0.04, 0.05, np.inf, 0.06])
    values = np.outer(np.arange(10.0), np.ones(6))
    values[6, 4] = np.nan
    rows, s = run(time, values, 100.0)
    assert counts(s) == NONE | {"repeated": 1, "backwards": 1, "not_finite": 2, "missing": 1}
    np.testing.assert_allclose(rows[:, T], np.arange(7) * 0.01, atol=1e-12)
    np.testing.assert_allclose(rows[:, 1], [0, 1, 3, 5, 6, 7, 9])
    np.testing.assert_array_equal(rows[:, FLAGS], [0, 0, 0, 0, FLAG_INTERPOLATED, 0, 0])


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_component_at_full_scale_is_flagged(column: int, sign: float) -> None:
    """Either sign, acc and gyr with their own range, and rows drawn from a clipped sample carry the flag on."""
    time = np.array([0.0, 0.01, 0.02, 0.04, 0.05])
    values = np.zeros((5, 6))
    values[2, column] = sign * (160.0 if column < 3 else 35.0)
    values[0, column] = sign * (159.0 if column < 3 else 34.0)
    params = timebase.Params(acc_range_mps2=160.0, gyr_range_rad_s=35.0)
    rows, s = run(time, values, 100.0, params)
    both = FLAG_INTERPOLATED + FLAG_CLIPPED
    np.testing.assert_array_equal(rows[:, FLAGS], [0, 0, FLAG_CLIPPED, both, 0, 0])
    assert s["clipped_n"] == 1
    unknown, _ = run(time, values, 100.0)
    assert not (unknown[:, FLAGS] >= FLAG_CLIPPED).any()


@pytest.mark.parametrize("trial", ["1-1", "5-3"])
def test_lost_packets_of_a_real_walk_are_filled_in_place(data_folder: Path, trial: str) -> None:
    """By packet counter over 100 Hz: a row for every packet, received ones unchanged, lost ones flagged and counted."""
    with np.load(data_folder / "gait_feet_ipol" / f"{trial}.npz") as file:
        packet, values = file["lf_pc"].astype(float), file["lf"].astype(float)
    lost = int(packet[-1] - packet[0]) + 1 - len(packet)
    rows, s = run(packet / 100.0, values, 100.0)
    assert lost > 0
    assert counts(s) == NONE | {"missing": lost}
    np.testing.assert_allclose(rows[:, T], np.arange(packet[0], packet[-1] + 1) / 100.0, atol=1e-9)
    received = rows[:, FLAGS] == 0.0
    np.testing.assert_array_equal(rows[received][:, VALUES], values)
    assert (rows[~received, FLAGS] == FLAG_INTERPOLATED).all()


def test_rows_are_causal() -> None:
    """What a sample releases is the same whatever comes after it."""
    rng = np.random.default_rng(9)
    time = np.cumsum(rng.uniform(0.001, 0.03, 300))
    whole, _ = run(time, signals(300), 100.0)
    for n in (1, 2, 50, 299):
        part, _ = run(time[:n], signals(300)[:n], 100.0)
        assert part.tobytes() == whole[: len(part)].tobytes()


@pytest.mark.parametrize(
    ("params", "rate_hz", "named"),
    [
        (timebase.Params(), 0.0, "rate_hz is 0.0"),
        (timebase.Params(), math.inf, "rate_hz is inf"),
        (timebase.Params(tolerance=0.5), 100.0, "tolerance is 0.5"),
    ],
)
def test_impossible_settings_are_refused(params: timebase.Params, rate_hz: float, named: str) -> None:
    """One sentence names the value."""
    with pytest.raises(ValueError, match=named):
        timebase.init(params, rate_hz)


def test_an_absurd_sample_is_a_lost_one() -> None:
    """Finite, but no sensor's: a broken packet must not reach the orientation, which would take minutes to recover."""
    time, values = np.arange(200) / 100.0, signals(200)
    broken = values.copy()
    broken[60, 1] = 3e38
    broken[120, 4] = 1e4
    rows, s = run(time, broken, 100.0)
    assert counts(s) == NONE | {"not_finite": 2, "missing": 2}
    kept = np.delete(np.arange(200), [60, 120])
    np.testing.assert_array_equal(rows[kept][:, VALUES], values[kept])
    assert np.abs(rows[:, VALUES]).max() < 100.0
