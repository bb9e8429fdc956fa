"""The small plots and figures of the monitor."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.monitor import plots


@given(st.lists(st.none() | st.floats(), max_size=40), st.integers(0, 30), st.booleans())
def test_a_plot_is_never_wider_than_its_place(values: list[float | None], width: int, ascii_only: bool) -> None:
    """Whatever the numbers are: a column for each of the last ones, within the width."""
    plot = plots.spark(values, width, ascii_only=ascii_only)
    assert len(plot) <= width
    assert not ascii_only or plot.isascii()


def test_a_plot_shows_rise_and_fall_and_calls_noise_level() -> None:
    """The lowest value is the lowest column, the highest the highest; a difference of a percent is none."""
    assert plots.spark([1.0, 2.0, 3.0, None, 1.0], 5) == "▁▅█ ▁"
    assert set(plots.spark([100.0, 100.5, 100.0], 3)) <= set("▄▅")
    assert plots.balance(-100.0, 7, 30.0) == "███│···"
    assert plots.balance(math.nan, 7, 30.0) == "···│···"
    assert plots.figure(1e300) == "1e+300"
    assert [plots.age(value) for value in (3.0, 150.0, 7200.0, 1e99)] == ["3 s ago", "2 min ago", "2 h ago", "long ago"]
