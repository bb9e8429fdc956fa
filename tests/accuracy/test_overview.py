"""The table at a glance: rows out of figures."""

import io
import math

import pytest
from rich.console import Console

from benchmarks import overview
from benchmarks.glance import ROWS
from benchmarks.overview import Line, Row
from benchmarks.report import Figure, Section

FEET = Section(
    name="feet",
    title="Feet of many",
    figures=[
        Figure(key="f1", label="F1", value=0.97, at_least=0.98),
        Figure(key="late", label="late", value=0.2, at_most=0.3),
        Figure(key="none", label="nothing", value=math.nan, at_most=1.0),
    ],
)


def test_a_row_shows_its_figures_and_their_verdict() -> None:
    """Pins the title in place of the suite's name, the formats, and that one bar missed is missed."""
    row = Row("feet", "both", "{feet/f1:.3f}, {feet/late:.1f} s", "0.98, 0.3 s", ("feet/f1", "feet/late"), "someone")
    assert overview.lines([row], [FEET]) == [
        Line("Feet of many", "both", "0.970, 0.2 s", "0.98, 0.3 s", met=False, beside="someone")
    ]


@pytest.mark.parametrize(("judge", "met"), [((), None), (("feet/late",), True), (("feet/none",), False)])
def test_a_verdict_needs_a_bar_and_a_number(judge: tuple[str, ...], met: bool | None) -> None:
    """Pins no bar: no verdict; no number: not met."""
    assert overview.lines([Row("feet", "x", "{feet/none:.1f}", judge=judge)], [FEET])[0].met is met


def test_what_was_not_measured_is_left_out() -> None:
    """Pins that a row whose suite did not run is no row, and no error."""
    assert overview.lines([Row("hands", "x", "{hands/f1:.1f}")], [FEET]) == []


def test_both_forms_show_every_cell() -> None:
    """Pins the table and the Markdown; the name of the recordings stands once."""
    rows = [Row("feet", "one", "{feet/f1:.2f}", "0.98", ("feet/f1",)), Row("feet", "two", "{feet/late:.1f}")]
    made = overview.lines(rows, [FEET])
    out = io.StringIO()
    overview.show(made, Console(file=out, width=100, no_color=True))
    for text in (out.getvalue(), overview.markdown(made)):
        assert text.count("Feet of many") == 1
        for piece in ("one", "two", "0.97", "0.98", "NO", "0.2"):
            assert piece in text


def test_rows_differ() -> None:
    """Pins that no figure is shown twice under the same words."""
    assert len({(row.of, row.what) for row in ROWS}) == len(ROWS)
