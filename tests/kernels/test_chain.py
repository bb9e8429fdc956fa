"""The chain as a stream: any cut, any save and restore, gaps, rest, causality, and no allocation."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.runtime import _nrt_python, rtsys  # noqa: TID251  (the statistics of its allocator; jit is loaded first)

from ankled.kernels import chain, results
from ankled.kernels.constants import REPS
from tests.kernels import chains

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernels.chains import Array, Rows, Stream


def in_blocks_of_one(work: chain.Chain, time_s: Array, acc: Array, gyr: Array) -> int:
    """Run the chain sample by sample, as the pipeline does if need be, and return the count of rows."""
    rows = 0
    for i in range(time_s.shape[0]):
        one = slice(i, i + 1)
        rows += work.enter(work.state, work.ring, work.scratch, work.out, time_s[one], acc[one], gyr[one], 0)
    return rows


def mixed() -> Stream:
    """Return a walk with lost packets and a gap, then a set of leg raises, rest, and another walk."""
    demo, walk = chains.simulated("demo"), chains.simulated("walk_turn")
    rest = chains.simulated("stand").cut(0, 800)
    start = demo.time_s[-1] + 0.01
    whole = chains.join(demo, rest.delayed(start), walk.delayed(start + 8.0))
    lost = np.ones(len(whole.time_s), np.bool_)
    lost[700:712] = lost[1503:1504] = False
    lost[960:1100] = False
    lost[5200:5290] = False
    return chains.Stream(
        whole.time_s[lost], np.ascontiguousarray(whole.acc[lost]), np.ascontiguousarray(whole.gyr[lost]), 100.0
    )


STREAM = mixed()
OPTIONS: dict[str, Any] = {"set_rest_s": 4.0}


def remembered(work: chain.Chain) -> bytes:
    """Return all that a chain remembers, but for what the last call returned."""
    state = work.state.copy()
    state["out_n"] = state["next"] = 0
    return state.tobytes() + work.ring.tobytes()


def whole() -> tuple[Rows, bytes]:
    """Return the rows of the stream in one block, and what the chain remembers after it."""
    work = chain.Chain(100.0, **OPTIONS)
    rows = np.concatenate(chains.feed(work, STREAM))
    return np.concatenate([rows, chains.finish(work)]), remembered(work)


WHOLE, MEMORY = whole()


def test_the_stream_has_everything_in_it() -> None:
    """What the tests below compare is worth comparing: strides, repetitions, gaps, rests, axes, filled samples."""
    assert set(WHOLE["kind"]) == {results.STRIDE, results.REP, results.GAP, results.REST, results.AXES}
    assert len(chains.strides(WHOLE)) > 30
    assert len(chains.reps(WHOLE)) >= 5
    assert WHOLE["missing"].max() >= 10


@settings(max_examples=25)
@given(st.lists(st.integers(0, len(STREAM.time_s)), max_size=30))
def test_any_cut_gives_the_same_bits(cuts: list[int]) -> None:
    """run(a + b) is run(a); run(b): rows and memory, bit for bit, empty blocks included."""
    work = chain.Chain(100.0, **OPTIONS)
    rows = np.concatenate([*chains.feed(work, STREAM, sorted(cuts)), chains.finish(work)])
    assert rows.tobytes() == WHOLE.tobytes()
    assert remembered(work) == MEMORY


@pytest.mark.parametrize("size", [1, 10, 977])
def test_equal_blocks_give_the_same_bits(size: int) -> None:
    """Down to one sample a call."""
    work = chain.Chain(100.0, **OPTIONS)
    cuts = range(size, len(STREAM.time_s), size)
    rows = np.concatenate([*chains.feed(work, STREAM, list(cuts)), chains.finish(work)])
    assert rows.tobytes() == WHOLE.tobytes()
    assert remembered(work) == MEMORY


@settings(max_examples=10)
@given(st.lists(st.integers(1, len(STREAM.time_s) - 1), min_size=1, max_size=4, unique=True))
def test_saved_and_restored_it_goes_on_the_same(cuts: list[int]) -> None:
    """State and ring as bytes are all there is: a chain made of them, with fresh work space, gives the same rows."""
    pieces = []
    work = chain.Chain(100.0, **OPTIONS)
    edges = [0, *sorted(cuts), len(STREAM.time_s)]
    for a, b in itertools.pairwise(edges):
        pieces += chains.feed(work, STREAM.cut(a, b))
        saved = work.state.tobytes(), work.ring.tobytes()
        work = chain.Chain(100.0)
        work.state[:] = np.frombuffer(saved[0], chain.STATE)
        work.ring.reshape(-1)[:] = np.frombuffer(saved[1])
        work.scratch[:] = np.nan
        work.out.view(np.uint8)[:] = 0xA5
    pieces.append(chains.finish(work))
    assert np.concatenate(pieces).tobytes() == WHOLE.tobytes()


@pytest.mark.parametrize("room", [1, 3, 40])
def test_a_full_output_stops_early_and_loses_nothing(room: int) -> None:
    """`run` stops while one more sample's results fit, says how far it came, and goes on from there."""
    work = chain.Chain(100.0, **OPTIONS)
    work.out = np.zeros(chain.ROOM + room, results.RESULT)
    pieces = [*chains.feed(work, STREAM), chains.finish(work)]
    assert np.concatenate(pieces).tobytes() == WHOLE.tobytes()
    assert len(pieces) > 2


@pytest.mark.parametrize("cut", [900, 2500, 4000, 6500])
def test_rows_are_causal(cut: int) -> None:
    """What was known before a cut is the same whatever follows: other samples, or none."""
    rng = np.random.default_rng(cut)
    count = len(STREAM.time_s) - cut
    noise = chains.Stream(
        STREAM.time_s[cut:], rng.normal(0.0, 9.0, (count, 3)), rng.normal(0.0, 4.0, (count, 3)), 100.0
    )
    work = chain.Chain(100.0, **OPTIONS)
    before = np.concatenate(chains.feed(work, STREAM.cut(0, cut)))
    assert len(before)
    assert before.tobytes() == WHOLE[: len(before)].tobytes()
    assert (WHOLE["known_s"][len(before) :] > STREAM.time_s[cut - 1] - 0.005).all()
    other = chains.rows_of(chains.join(STREAM.cut(0, cut), noise), **OPTIONS)
    assert other[: len(before)].tobytes() == before.tobytes()


def test_known_times_never_step_back_nor_precede_the_end() -> None:
    """Rows come in the order in which they were known, and nothing is known before it has ended.

    When it was known is a sample's own time, when it ended that of the grid: up to a quarter of a period lies between.
    """
    kept = WHOLE[WHOLE["kind"] <= results.REP]
    assert np.all(np.diff(WHOLE["known_s"]) >= 0.0)
    assert np.all(kept["known_s"] >= kept["end_s"] - 0.0025)
    assert np.all(kept["end_s"] > kept["start_s"])
    prompt = kept[(kept["kind"] == results.STRIDE) & (kept["retroactive"] == 0) & (kept["first"] == 0)]
    assert np.median(prompt["known_s"] - prompt["end_s"]) < 0.3


def test_what_the_end_closes_is_not_known_before_it_has_ended() -> None:
    """A repetition that the end of the stream closes a little behind the last sample is known at its end."""
    stream = chains.simulated("leg_raise", rate_hz=25.0)
    uneven = stream.time_s + np.where(np.arange(len(stream.time_s)) % 2 == 0, 0.006, 0.0)
    closed = 0
    for cut in range(100, 700, 3):
        work = chain.Chain(25.0, movement=REPS)
        chains.feed(work, stream._replace(time_s=uneven).cut(0, cut))
        last = chains.finish(work)
        closed += int(np.sum(last["end_s"] > uneven[cut - 1]))
        assert np.all(last["known_s"] >= last["end_s"])
    assert closed > 0


def test_what_does_not_apply_is_nan() -> None:
    """Rows of gaps, rests and axes say nothing about strides, whatever was written there before."""
    for kind, told in ((results.GAP, {"gap_s"}), (results.REST, set()), (results.AXES, {"axis_uncertainty_rad"})):
        rows = WHOLE[WHOLE["kind"] == kind]
        assert np.isfinite(rows["known_s"]).all()
        for name in ("start_s", "end_s", "travel_m", "rom_deg", "lateral_peak_mps2", "gap_s", "axis_uncertainty_rad"):
            assert np.isfinite(rows[name]).all() == (name in told), (kind, name)


def test_a_gap_is_reported_and_the_numbers_go_on() -> None:
    """One row a gap, as long as the gap; no stride reaches over it; the grid goes on where the samples do."""
    gaps = WHOLE[WHOLE["kind"] == results.GAP]
    breaks = np.flatnonzero(np.diff(STREAM.time_s) > 0.2)
    assert len(gaps) == len(breaks) == 2
    np.testing.assert_allclose(gaps["gap_s"], np.diff(STREAM.time_s)[breaks])
    np.testing.assert_allclose(gaps["known_s"], STREAM.time_s[breaks + 1])
    found = WHOLE[WHOLE["kind"] <= results.REP]
    for b in breaks:
        assert not np.any((found["start_s"] <= STREAM.time_s[b]) & (found["end_s"] > STREAM.time_s[b + 1]))
    after = chains.strides(WHOLE)
    after = after[after["start_s"] > STREAM.time_s[breaks[0]]]
    assert after["first"][0] == 1
    work = chain.Chain(100.0)
    chains.feed(work, STREAM)
    assert int(work.state["k"][0]) == len(STREAM.time_s) + 13
    assert int(work.state["oldest"][0]) > breaks[1]


def test_history_is_that_of_time_base_and_orientation_filter() -> None:
    """The ring holds, bit for bit, what the two kernels give when they run alone."""
    stream = chains.simulated("walk")
    work = chain.Chain(100.0)
    chains.feed(work, stream)
    rows, capacity = chains.history(stream), len(work.ring) // 2
    n = min(len(rows), capacity)
    assert int(work.state["k"][0]) == len(rows)
    np.testing.assert_array_equal(work.ring[:n], rows[:n])


def test_rest_closes_a_set_once() -> None:
    """A REST row, the set rest after the last repetition, and no other until something happens again."""
    stream = chains.simulated("knee_extension")
    quiet = chains.simulated("stand").cut(0, 2000).delayed(stream.time_s[-1] + 0.01)
    rows = chains.rows_of(chains.join(stream, quiet), set_rest_s=6.0)
    assert list(rows["kind"]) == [results.REP] * 10 + [results.REST]
    assert rows["known_s"][-1] == pytest.approx(rows["end_s"][-2] + 6.0, abs=0.02)
    until = int((rows["end_s"][-2] + 5.9) * 100.0)
    assert results.REST not in chains.rows_of(chains.join(stream, quiet).cut(0, until), set_rest_s=6.0)["kind"]


def test_strides_of_one_walk_are_one_set() -> None:
    """While the leg walks no rest is seen, even where the rest of a set is a second."""
    rows = chains.rows_of(chains.simulated("walk"), set_rest_s=1.5)
    kinds = list(rows["kind"])
    assert kinds.count(results.REST) == 1
    assert kinds[-1] == results.REST


def test_nothing_is_allocated() -> None:
    """100,000 samples of walking, one a call, leave numba's allocator and Python's heap as they were."""
    stream = chains.simulated("walk")
    laps = -(-100_000 // len(stream.time_s))
    times = np.arange(laps * len(stream.time_s), dtype=np.float64) * 0.01
    acc, gyr = np.tile(stream.acc, (laps, 1)), np.tile(stream.gyr, (laps, 1))
    work = chain.Chain(100.0)
    in_blocks_of_one(work, times[:3000], acc[:3000], gyr[:3000])
    _nrt_python.memsys_enable_stats()
    tracemalloc.start()
    before, held = rtsys.get_allocation_stats(), tracemalloc.get_traced_memory()[0]
    rows = in_blocks_of_one(work, times[3000:], acc[3000:], gyr[3000:])
    after, (still, most) = rtsys.get_allocation_stats(), tracemalloc.get_traced_memory()
    tracemalloc.stop()
    _nrt_python.memsys_disable_stats()
    assert len(times) >= 100_000
    assert rows > 15 * laps
    assert after == before
    assert still - held < 2048
    assert most - held < 4096


@pytest.mark.parametrize("trial", ["2-3", "7-1"])
def test_a_real_walk_is_cut_anywhere(data_folder: Path, trial: str) -> None:
    """The bits of a real foot, with its lost packets, do not depend on the cuts either."""
    stream = chains.walk_of(data_folder, trial, "rf")
    rows = chains.rows_of(stream)
    cuts = sorted(np.random.default_rng(1).integers(0, len(stream.time_s), 40).tolist())
    assert chains.rows_of(stream, cuts).tobytes() == rows.tobytes()
    assert len(chains.strides(rows)) > 10
