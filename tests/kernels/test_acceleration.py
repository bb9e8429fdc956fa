"""The chain without a gyroscope as a stream: any cut, save and restore, gaps, rest, causality, no allocation."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.runtime import _nrt_python, rtsys  # noqa: TID251  (the statistics of its allocator; jit is loaded first)

from ankled.kernels import acceleration, results, timebase
from tests.kernels import chains

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.kernels.chains import Array, Rows, Stream

REST_S = 4.0
RANGE_MPS2 = 39.2


def in_blocks_of_one(work: acceleration.Chain, time_s: Array, acc: Array) -> int:
    """Run the chain sample by sample, as the pipeline does if need be, and return the count of rows."""
    rows = 0
    for i in range(time_s.shape[0]):
        rows += work.enter(work.state, work.out, time_s[i : i + 1], acc[i : i + 1], 0)
    return rows


def make(**options: float) -> acceleration.Chain:
    """Return a chain for the stream below."""
    params = timebase.Params(acc_range_mps2=RANGE_MPS2)
    return acceleration.Chain(100.0, **({"set_rest_s": REST_S} | options), timebase_params=params)


def mixed() -> Stream:
    """Return a walk with lost packets and a gap, a run, rest, and another walk; it clips at 4 g."""
    walk, run, rest = (chains.simulated(name) for name in ("walk_turn", "run", "stand"))
    run_s, rest_s = walk.time_s[-1] + 0.01, walk.time_s[-1] + run.time_s[-1] + 0.02
    whole = chains.join(walk, run.delayed(run_s), rest.cut(0, 800).delayed(rest_s), walk.delayed(rest_s + 8.0))
    kept = np.ones(len(whole.time_s), np.bool_)
    kept[700:712] = kept[1503:1504] = False
    kept[1760:1830] = False
    acc = np.ascontiguousarray(np.clip(whole.acc[kept], -RANGE_MPS2, RANGE_MPS2))
    return chains.Stream(whole.time_s[kept], acc, acc, 100.0)


STREAM = mixed()


def feed(work: acceleration.Chain, stream: Stream, cuts: Sequence[int] = ()) -> list[Rows]:
    """Run a chain over a stream in blocks cut at `cuts`; return the rows of every call."""
    pieces = []
    for a, b in itertools.pairwise((0, *cuts, len(stream.time_s))):
        first = 0
        while True:
            n = acceleration.run(work.state, work.out, stream.time_s[a:b], stream.acc[a:b], first)
            pieces.append(work.out[:n].copy())
            first = int(work.state["next"][0])
            if first >= b - a:
                break
    return pieces


def remembered(work: acceleration.Chain) -> bytes:
    """Return all that a chain remembers, but for what the last call returned."""
    state = work.state.copy()
    state["out_n"] = state["next"] = 0
    return state.tobytes()


def whole() -> tuple[Rows, bytes]:
    """Return the rows of the stream in one block, and what the chain remembers after it."""
    work = make()
    return np.concatenate(feed(work, STREAM)), remembered(work)


WHOLE, MEMORY = whole()
STRIDES = WHOLE[WHOLE["kind"] == results.STRIDE]


def test_the_stream_has_everything_in_it() -> None:
    """What the tests below compare is worth comparing: strides, a gap, rests, samples made up and clipped."""
    assert set(WHOLE["kind"]) == {results.STRIDE, results.GAP, results.REST}
    assert len(STRIDES) > 70
    assert STRIDES["missing"].max() >= 10
    assert STRIDES["clipped"].max() >= 1


@settings(max_examples=25)
@given(st.lists(st.integers(0, len(STREAM.time_s)), max_size=30))
def test_any_cut_gives_the_same_bits(cuts: list[int]) -> None:
    """run(a + b) is run(a); run(b): rows and memory, bit for bit, empty blocks included."""
    work = make()
    assert np.concatenate(feed(work, STREAM, sorted(cuts))).tobytes() == WHOLE.tobytes()
    assert remembered(work) == MEMORY


@settings(max_examples=10)
@given(st.lists(st.integers(1, len(STREAM.time_s) - 1), min_size=1, max_size=4, unique=True))
def test_saved_and_restored_it_goes_on_the_same(cuts: list[int]) -> None:
    """The state as bytes is all there is."""
    pieces = []
    work = make()
    for a, b in itertools.pairwise([0, *sorted(cuts), len(STREAM.time_s)]):
        pieces += feed(work, STREAM.cut(a, b))
        saved = work.state.tobytes()
        work = acceleration.Chain(50.0)
        work.state[:] = np.frombuffer(saved, acceleration.STATE)
        work.out.view(np.uint8)[:] = 0xA5
    assert np.concatenate(pieces).tobytes() == WHOLE.tobytes()


def test_a_full_output_stops_early_and_loses_nothing() -> None:
    """`run` stops while one more sample's results fit, says how far it came, and goes on from there."""
    work = make()
    work.out = np.zeros(acceleration.ROOM + 1, results.RESULT)
    pieces = feed(work, STREAM)
    assert np.concatenate(pieces).tobytes() == WHOLE.tobytes()
    assert len(pieces) > 10


@pytest.mark.parametrize("cut", [900, 2500, 4000, 6500])
def test_rows_are_causal(cut: int) -> None:
    """What was known before a cut is the same whatever follows."""
    noise = np.random.default_rng(cut).normal(0.0, 9.0, (len(STREAM.time_s) - cut, 3))
    acc = np.concatenate([STREAM.acc[:cut], noise])
    before = np.concatenate(feed(make(), STREAM.cut(0, cut)))
    assert len(before)
    assert before.tobytes() == WHOLE[: len(before)].tobytes()
    assert (WHOLE["known_s"][len(before) :] >= STREAM.time_s[cut]).all()
    other = np.concatenate(feed(make(), STREAM._replace(acc=acc)))
    assert other[: len(before)].tobytes() == before.tobytes()


def test_known_times_never_step_back_nor_precede_the_end() -> None:
    """Rows come in the order in which they were known; strides of one leg follow each other."""
    assert np.all(np.diff(WHOLE["known_s"]) >= 0.0)
    assert np.all(STRIDES["known_s"] >= STRIDES["end_s"])
    assert np.all(STRIDES["end_s"] > STRIDES["start_s"])
    assert np.all(STRIDES["start_s"][1:] >= STRIDES["end_s"][:-1])
    follows = STRIDES["first"][1:] == 0
    assert np.all(STRIDES["start_s"][1:][follows] == STRIDES["end_s"][:-1][follows])


def test_only_what_an_accelerometer_tells_is_told() -> None:
    """Everything else of a row is nan, whatever was written there before."""
    for name in ("toe_off_s", "travel_m", "heading_deg", "rom_deg", "peak_rad_s", "sway_rms_mps2", "lateral_peak_mps2"):
        assert np.isnan(WHOLE[name]).all()
    assert np.isfinite(WHOLE["known_s"]).all()
    assert np.array_equal(np.isfinite(WHOLE["gap_s"]), WHOLE["kind"] == results.GAP)
    assert np.array_equal(np.isfinite(WHOLE["start_s"]), WHOLE["kind"] == results.STRIDE)


def test_samples_made_up_or_clipped_are_counted_once() -> None:
    """The strides of a bout share out what was interpolated and clipped between its ends."""
    walked = STRIDES[STRIDES["end_s"] < 17.0]
    assert walked["missing"].sum() == 13
    assert walked["missing"].max() == 12
    inside = (STREAM.time_s > walked["start_s"][0]) & (STREAM.time_s < walked["end_s"][-1])
    clipped = np.abs(STREAM.acc[inside]).max(axis=1) >= RANGE_MPS2
    assert (
        abs(int(walked["clipped"].sum()) - int(clipped.sum())) <= 3
    )  # those of the last shock may come behind its peak


def test_a_gap_is_reported_and_ends_the_bout() -> None:
    """One row a gap, as long as the gap; no stride reaches over it; a new bout begins behind it."""
    (gap,) = WHOLE[WHOLE["kind"] == results.GAP]
    (here,) = np.flatnonzero(np.diff(STREAM.time_s) > 0.2)
    assert gap["gap_s"] == pytest.approx(STREAM.time_s[here + 1] - STREAM.time_s[here])
    assert gap["known_s"] == STREAM.time_s[here + 1]
    assert not np.any((STRIDES["start_s"] <= STREAM.time_s[here]) & (STRIDES["end_s"] > STREAM.time_s[here]))
    assert STRIDES["first"][STRIDES["start_s"] > STREAM.time_s[here]][0] == 1


def test_rest_closes_a_set_once() -> None:
    """A REST row, the set rest after the last stride, and no other until something happens again."""
    stream = chains.simulated("walk")
    quiet = chains.simulated("stand").cut(0, 2000).delayed(stream.time_s[-1] + 0.01)
    rows = np.concatenate(feed(make(set_rest_s=6.0), chains.join(stream, quiet)))
    assert list(rows["kind"]) == [results.STRIDE] * 20 + [results.REST]
    assert rows["known_s"][-1] == pytest.approx(rows["end_s"][-2] + 6.0, abs=0.02)


def test_strides_of_one_walk_are_one_set() -> None:
    """While the leg walks no rest is seen, even slowly, and even where the rest of a set is a second."""
    rows = np.concatenate(feed(make(set_rest_s=1.0), chains.simulated("walk_slow")))
    kinds = list(rows["kind"])
    assert kinds == [results.STRIDE] * 15 + [results.REST]


def test_nothing_is_allocated() -> None:
    """100,000 samples of walking, one a call, leave numba's allocator and Python's heap as they were."""
    stream = chains.simulated("walk")
    laps = -(-100_000 // len(stream.time_s))
    times, acc = np.arange(laps * len(stream.time_s), dtype=np.float64) * 0.01, np.tile(stream.acc, (laps, 1))
    work = make()
    in_blocks_of_one(work, times[:3000], acc[:3000])
    _nrt_python.memsys_enable_stats()
    tracemalloc.start()
    before, held = rtsys.get_allocation_stats(), tracemalloc.get_traced_memory()[0]
    rows = in_blocks_of_one(work, times[3000:], acc[3000:])
    after, (still, most) = rtsys.get_allocation_stats(), tracemalloc.get_traced_memory()
    tracemalloc.stop()
    _nrt_python.memsys_disable_stats()
    assert rows > 15 * laps
    assert after == before
    assert still - held < 2048
    assert most - held < 4096


@pytest.mark.parametrize("trial", ["2-3", "7-1"])
def test_a_real_walk_is_cut_anywhere(data_folder: Path, trial: str) -> None:
    """The bits of a real foot, with its lost packets, do not depend on the cuts either."""
    stream = chains.walk_of(data_folder, trial, "rf")
    cuts = sorted(np.random.default_rng(1).integers(0, len(stream.time_s), 40).tolist())
    rows = np.concatenate(feed(make(), stream))
    assert np.concatenate(feed(make(), stream, cuts)).tobytes() == rows.tobytes()
    assert len(rows[rows["kind"] == results.STRIDE]) > 10
