"""What is believed only in company: small repetitions, and turns about the vertical."""

from __future__ import annotations

import numpy as np
import pytest

from ankled.simulators.simulation import simulate
from tests.kernels import chains, lifts
from tests.kernels.lifts import Move, cycles, detect

RATE_HZ = 50.0
VERTICAL = np.array([0.0, 0.05, 1.0])


def count(moves: list[Move], axis: np.ndarray) -> int:
    """Return how many repetitions are found in these moves about `axis`."""
    t = np.arange(0.0, max(start + long for start, _, long in moves) + 3.0, 1.0 / RATE_HZ)
    return detect(lifts.rows(lifts.angle(moves, t), RATE_HZ, axis=axis, noise=0.01), RATE_HZ).count


@pytest.mark.parametrize(("turns", "found"), [(1, 0), (2, 0), (3, 3), (5, 5)])
def test_turns_on_the_spot_need_two_like_them(turns: int, found: int) -> None:
    """Pins that a foot turned once or twice is no exercise, and that a set of turns loses none."""
    assert count(cycles(4.0, turns, 30.0, (0.8, 0.2, 0.8, 0.6)), VERTICAL) == found


def test_turns_of_all_sizes_are_no_set() -> None:
    """Pins that turns about the vertical which are not alike are not company for each other."""
    moves: list[Move] = []
    for k, size in enumerate((40.0, 12.0, 35.0, 15.0, 50.0)):
        moves += [(4.0 + 3.0 * k, size, 0.8), (5.0 + 3.0 * k, -size, 0.8)]
    assert count(moves, VERTICAL) == 0


@pytest.mark.parametrize(("second_deg", "second_s", "found"), [(6.0, 0.8, 2), (3.3, 0.8, 0), (6.0, 2.4, 0)])
def test_small_ones_are_company_if_alike(second_deg: float, second_s: float, found: int) -> None:
    """Pins that range and duration decide whether a second small excursion makes two repetitions."""
    moves = cycles(4.0, 1, 6.0, (0.8, 0.4, 0.8, 0.0)) + cycles(8.0, 1, second_deg, (second_s, 0.4, second_s, 0.0))
    assert count(moves, np.array([0.0, -1.0, 0.0])) == found


def test_fidgeting_is_no_exercise() -> None:
    """Pins that ten legs which fidget for 40 s show no more than a chance pair or two of repetitions."""
    found = 0
    for seed in range(5):
        for leg in simulate("fidget", seed=seed, with_truth=False).legs.values():
            stream = chains.Stream(leg.time_s, np.ascontiguousarray(leg.acc), np.ascontiguousarray(leg.gyr), 100.0)
            found += len(chains.reps(chains.rows_of(stream)))
    assert found <= 6
