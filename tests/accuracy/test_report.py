"""Tables, JSON and the comparison with committed figures."""

import io
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

from benchmarks.datasets.common import DataMissingError, Recording, data_folder, to_csv
from benchmarks.regression import Expected, differences, load, update
from benchmarks.report import Figure, Section, show, values, write_json

SECTION = Section(
    name="feet",
    title="Feet",
    figures=[
        Figure(key="f1", label="F1", value=0.97, digits=3, at_least=0.98, anchor="someone 2018: 0.98"),
        Figure(key="late", label="late", value=0.2, unit="s", at_most=0.3),
        Figure(key="none", label="nothing", value=math.nan, unit="ms", at_most=1.0),
        Figure(key="count", label="count", value=3, digits=0),
    ],
    notes=["how it is counted"],
    details=["walk 1"],
)


def test_a_bar_is_met_missed_or_absent() -> None:
    """Pins the verdicts: below, within, no number, no bar."""
    assert [figure.met() for figure in SECTION.figures] == [False, True, False, None]


@pytest.mark.parametrize("width", [50, 80, 110])
def test_the_table_fits_any_width(width: int) -> None:
    """Pins that no line is wider than the terminal, and that every value is shown."""
    out = io.StringIO()
    show(SECTION, Console(file=out, width=width, no_color=True), verbose=True)
    text = out.getvalue()
    assert max(len(line) for line in text.splitlines()) <= width
    for piece in ("0.970", ">= 0.98", "NO", "0.20 s", "how it is counted", "walk 1"):
        assert piece in text


def test_json_holds_every_figure(tmp_path: Path) -> None:
    """Pins the keys of the JSON and that what is no number is null."""
    write_json(tmp_path / "f.json", [SECTION], {"numpy": "2"})
    content = msgspec.json.decode((tmp_path / "f.json").read_bytes())
    assert [row["value"] for row in content["figures"]] == [0.97, 0.2, None, 3]
    assert [row["met"] for row in content["figures"]] == [False, True, False, None]
    assert content["facts"] == {"numpy": "2"}


def test_update_keeps_tolerances_and_other_suites(tmp_path: Path) -> None:
    """Pins what an update touches: values of the suites measured, nothing else."""
    path = tmp_path / "figures.json"
    path.write_bytes(msgspec.json.encode({"feet/f1": Expected(0.9, 0.5), "legs/f1": Expected(1.0, 0.1)}))
    update([SECTION], path)
    figures = load(path)
    assert figures["feet/f1"] == Expected(0.97, 0.5)
    assert figures["legs/f1"] == Expected(1.0, 0.1)
    assert figures["feet/none"].value is None
    assert differences("feet", values([SECTION]), figures) == []


def test_differences_name_what_moved() -> None:
    """Pins that a figure beyond its tolerance, a new one and one that is gone are each told."""
    expected = {"feet/a": Expected(1.0, 0.1), "feet/b": Expected(2.0, 0.1), "feet/c": Expected(None, 0.1)}
    found = differences("feet", {"feet/a": 1.2, "feet/c": 1.0, "feet/d": 1.0}, expected)
    assert [line.split()[0] for line in found] == ["feet/a", "feet/b", "feet/c", "feet/d"]
    assert differences("feet", {"feet/a": 0.95, "feet/b": 2.0, "feet/c": None}, expected) == []


def test_missing_recordings_are_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pins that both ways of missing data name the variable."""
    monkeypatch.delenv("ANKLED_DATA", raising=False)
    with pytest.raises(DataMissingError, match="ANKLED_DATA is not set"):
        data_folder("feet")
    monkeypatch.setenv("ANKLED_DATA", str(tmp_path))
    with pytest.raises(DataMissingError, match="has no folder feet"):
        data_folder("feet")


def test_csv_has_the_columns_of_replay(tmp_path: Path) -> None:
    """Pins header and order of columns, with a row missing in time."""
    data = Recording(np.array([0.0, 0.01, 0.03]), np.arange(9.0).reshape(3, 3), -np.arange(9.0).reshape(3, 3))
    to_csv(tmp_path / "a.csv", data)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == "t,ax,ay,az,gx,gy,gz"
    table = np.loadtxt(tmp_path / "a.csv", delimiter=",", skiprows=1)
    assert np.allclose(table, np.column_stack([data.time_s, data.acc, data.gyr]))
