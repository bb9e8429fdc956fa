"""The judge of a soak: tells growth from noise, and says so when there is too little to tell."""

from __future__ import annotations

import random

import pytest

from tests.soak.trend import BOUNDS, LEAST, judge, slope, told

MINUTES = [float(minute) for minute in range(21)]


def test_outliers_move_no_slope() -> None:
    """A broker that is away when it is looked at fills a queue for that one look."""
    values = [float(minute) for minute in MINUTES]
    values[3], values[11], values[17] = 500.0, 900.0, 0.0
    assert slope(MINUTES, values) == pytest.approx(1.0, abs=0.01)


def test_what_was_made_while_warming_up_is_no_growth() -> None:
    """Caches fill, and then stay."""
    rng = random.Random(4)
    values = [100.0 + 20.0 * min(minute, 5.0) + rng.uniform(-1.0, 1.0) for minute in MINUTES]
    verdict = judge("rss_mib", MINUTES, values)
    assert verdict is not None
    assert verdict.flat
    assert abs(verdict.slope) < 0.2


@pytest.mark.parametrize("name", BOUNDS)
def test_growth_beyond_its_bound_is_told(name: str) -> None:
    """Each figure by its own bound: a little under it is flat, a little over it grows."""
    bound = BOUNDS[name]
    assert bound.least > 0.0 or bound.share == 0.0
    late_min = MINUTES[-1] - 5.0

    def rising(by: float) -> list[float]:
        return [10.0 + by * minute / late_min for minute in MINUTES]

    for by, flat in ((0.9 * bound.least, True), (1.1 * bound.least + 0.5, False)):
        verdict = judge(name, MINUTES, rising(by))
        assert verdict is not None
        assert verdict.flat is flat
        assert verdict.growth == pytest.approx(by)
        assert ("flat" if flat else "GROWS") in told([verdict])


def test_a_large_figure_may_grow_by_its_share() -> None:
    """8 MiB are much of 20 and little of 1000."""
    values = [1000.0 + 2.0 * minute for minute in MINUTES]
    verdict = judge("rss_mib", MINUTES, values)
    assert verdict is not None
    assert verdict.bound == pytest.approx(0.05 * 1025.0)
    assert verdict.flat


def test_too_few_figures_tell_nothing() -> None:
    """No verdict is no pass."""
    few = [0.0, *(6.0 + minute for minute in range(LEAST - 1))]
    assert judge("tasks", few, [1.0] * len(few)) is None
