"""What is called right and wrong, how quality is judged by it, and which cuts are noticed."""

import numpy as np
import pytest

from benchmarks.datasets.common import Recording
from benchmarks.scoring.trust import Verdicts, judge_session, judge_simulated, judge_walk, verdicts
from benchmarks.suites import causality
from tests.accuracy.perfect import make_rep, make_reps, make_strides

CONTACTS = np.arange(1.0, 9.0)


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [([1.0, 0.9], [0.2], 1.0), ([0.5], [0.5], 0.5), ([0.2], [0.9, 0.1], 0.5), ([0.1], [0.9], 0.0)],
)
def test_separation_counts_pairs(right: list[float], wrong: list[float], expected: float) -> None:
    """Pins the share of pairs in the right order, ties half."""
    assert Verdicts(np.asarray(right), np.asarray(wrong)).separation() == expected


def test_separation_of_nothing_is_no_number() -> None:
    """Pins that without a wrong record there is nothing to tell apart."""
    assert np.isnan(Verdicts(np.ones(3), np.empty(0)).separation())


def test_on_a_walk_strangers_latecomers_and_repetitions_are_wrong() -> None:
    """Pins the verdicts inside the span; what lies outside is not judged."""
    found = make_strides("left", [1.0, 2.15, 3.0, 4.5, 30.0], [])
    judged = judge_walk(CONTACTS, (0.5, 8.5), found, make_reps([(5.0, 6.0), (40.0, 41.0)]))
    assert (len(judged.right), len(judged.wrong)) == (2, 3)


def test_in_a_session_unmatched_repetitions_and_strides_are_wrong() -> None:
    """Pins the verdicts of known intervals."""
    judged = judge_session(
        np.asarray([(0.0, 2.0), (5.0, 7.0)]), make_strides("left", [3.0], []), make_reps([(0.1, 2.0), (9.0, 10.0)])
    )
    assert (len(judged.right), len(judged.wrong)) == (1, 2)


@pytest.mark.parametrize(("rom_deg", "right"), [(50.0, 1), (61.0, 1), (63.0, 0), (None, 1)])
def test_in_a_simulation_the_main_figures_must_be_right(rom_deg: float | None, right: int) -> None:
    """Pins a quarter of the usual size as the border; a null is not held against a record."""
    truth = [make_rep(kind="rep", start_s=0.0, end_s=2.0, duration_s=2.0, rom_deg=50.0)]
    found = [make_rep(kind="rep", start_s=0.0, end_s=2.0, duration_s=2.0, rom_deg=rom_deg)]
    assert len(judge_simulated(truth, [], found).right) == right


def test_verdicts_add_up() -> None:
    """Pins the sum over recordings."""
    total = verdicts([(make_rep(quality=0.5), True)]) + verdicts([(make_rep(quality=0.25), False)])
    assert (total.right.tolist(), total.wrong.tolist()) == ([0.5], [0.25])


def test_a_cut_that_alters_a_record_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pins the comparison itself: records that depend on the length of the recording, or vanish with it, are named."""

    def lines_of(legs: dict[str, Recording]) -> dict[str, tuple[float, bytes]]:
        end_s = float(legs["left"].time_s[-1])
        steady = {f"s/left/rep/{n}": (float(n), b"same") for n in range(8) if n <= end_s}
        return steady | {"s/left/rep/90": (3.0, f"{end_s:.0f}".encode())}

    monkeypatch.setattr(causality, "lines_of", lines_of)
    leg = Recording(np.arange(0.0, 8.0, 0.5), np.zeros((16, 3)), np.zeros((16, 3)))
    compared, altered = causality.differing({"left": leg}, [2.0, 5.0])
    assert compared == 3 + 6 + 1
    assert altered == ["s/left/rep/90 cut at 5.00 s"]
