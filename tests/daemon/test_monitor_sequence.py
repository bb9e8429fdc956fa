"""The order of results: whatever is lost, repeated and mixed up, each comes out once, in the order of `seq`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.monitor.sequence import Sequence


def name(seq: int) -> str:
    """Return the id of a result."""
    return f"s/left/rep/{seq}"


@given(st.permutations(range(1, 40)), st.lists(st.integers(1, 39)))
def test_what_arrives_in_any_order_leaves_in_the_order_of_seq(mixed: list[int], again: list[int]) -> None:
    """Reordered and repeated, everything leaves once and in order, and nothing is said to be missing."""
    sequence: Sequence[int] = Sequence()
    out = sequence.begin(1)
    for position, seq in enumerate(mixed):
        out += sequence.take(name(seq), seq, seq)[1]
        if position < len(again) and again[position] in mixed[: position + 1]:
            new, freed = sequence.take(name(again[position]), again[position], again[position])
            assert (new, freed) == (False, [])
    assert out == sorted(mixed)
    assert (sequence.lost, sequence.waiting, sequence.gap) == (0, 0, None)


@given(st.sets(st.integers(1, 60), min_size=1))
def test_what_is_given_up_is_counted_and_holds_nothing_back(arrived: set[int]) -> None:
    """All that came leaves in order; what did not come before the last of it is counted as lost."""
    sequence: Sequence[int] = Sequence()
    out = sequence.begin(1)
    for seq in sorted(arrived):
        out += sequence.take(name(seq), seq, seq)[1]
        while sequence.gap is not None:
            out += sequence.give_up()
    assert out == sorted(arrived)
    assert sequence.lost == max(arrived) - len(arrived)


def test_nothing_leaves_before_the_beginning_is_known() -> None:
    """A source that may have a past holds what is new until the past came, which then goes first."""
    sequence: Sequence[int] = Sequence()
    assert sequence.take(name(7), 7, 7) == (True, [])
    assert sequence.take(name(5), 5, 5) == (True, [])
    assert sequence.take(name(6), 6, 6) == (True, [])
    assert sequence.begin() == [5, 6, 7]


def test_what_comes_after_it_was_given_up_is_not_lost() -> None:
    """A late result is out of order, but it is shown, and it is missing no more."""
    sequence: Sequence[int] = Sequence()
    sequence.begin(1)
    sequence.take(name(3), 3, 3)
    assert sequence.give_up() == [3]
    assert sequence.lost == 2
    assert sequence.take(name(1), 1, 1) == (True, [1])
    assert sequence.lost == 1


def test_a_source_that_counts_anew_is_followed() -> None:
    """The same `seq` under another id is another result: a session that begins at 1 again is in order again."""
    sequence: Sequence[str] = Sequence()
    sequence.begin(1)
    for seq in (1, 2, 3):
        sequence.take(f"old/{seq}", seq, "old")
    assert sequence.take("new/1", 1, "new") == (True, ["new"])
    assert sequence.take("new/2", 2, "new") == (True, ["new"])
    assert sequence.next == 3
    assert sequence.take("new/4", 4, "new") == (True, [])


@given(st.lists(st.tuples(st.integers(-(10**18), 10**18), st.text(max_size=3)), max_size=60))
def test_no_number_holds_back_or_grows_without_bound(told: list[tuple[int, str]]) -> None:
    """Numbers made up by anybody never raise; given up, everything that came has left once."""
    sequence: Sequence[tuple[int, str]] = Sequence()
    out = sequence.begin(1)
    new = 0
    for seq, text in told:
        fresh, freed = sequence.take(f"{seq}/{text}", seq, (seq, text))
        new += fresh
        out += freed
    while sequence.gap is not None:
        out += sequence.give_up()
    assert len(out) == new == len(set(told))


def test_memory_is_bounded() -> None:
    """Ten thousand results behind a gap that nobody fills do not wait for ever."""
    sequence: Sequence[int] = Sequence()
    out = sequence.begin(1)
    for seq in range(2, 12_002):
        out += sequence.take(name(seq), seq, seq)[1]
    assert sequence.waiting <= 4096
    assert out == sorted(out)
    assert len(out) == 12_000 - sequence.waiting
