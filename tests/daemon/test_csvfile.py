"""CSV recordings: what is read, what is refused and in which words, and the inputs they stand for."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon import csvfile
from ankled.daemon.csvfile import COLUMNS, HEADER, CsvTable, read_csv
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Config, Stop
from ankled.daemon.recorded import BLOCK_S, csv_inputs
from ankled.daemon.settings import DeviceSettings, PipelineSettings
from ankled.drivers.samples import Samples

if TYPE_CHECKING:
    from pathlib import Path

ROW = "{t},0.1,0.2,9.8,0.01,0.02,0.03"


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    """Write lines to a file."""
    path.write_bytes(end.join([*lines, ""]).encode())
    return path


def good(*times: float) -> list[str]:
    """Return header and rows at these times."""
    return [HEADER, *(ROW.format(t=t) for t in times)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a test writes its file."""
    return tmp_path / "leg.csv"


def test_columns_in_their_order(path: Path) -> None:
    """SI units are taken as they are."""
    table = read_csv(write(path, HEADER, "0,1,2,9,4,5,6", "0.5,-1,2e0,9.25,4.5,-5,.125"))
    assert table.time_s.tolist() == [0.0, 0.5]
    assert table.acc.tolist() == [[1.0, 2.0, 9.0], [-1.0, 2.0, 9.25]]
    assert table.gyr.tolist() == [[4.0, 5.0, 6.0], [4.5, -5.0, 0.125]]
    assert table.notes == ()
    assert all(array.flags.c_contiguous for array in (table.time_s, table.acc, table.gyr))


def test_any_order_and_extra_columns(path: Path) -> None:
    """Columns are found by name; what is not needed is noted, numbers or not."""
    table = read_csv(write(path, "gz,gy,gx,label,az,ay,ax,T, hr", "6,5,4,walk,9,2,1,0,90", "6,5,4,,9,2,1,1,91"))
    assert table.time_s.tolist() == [0.0, 1.0]
    assert table.acc[0].tolist() == [1.0, 2.0, 9.0]
    assert table.gyr[0].tolist() == [4.0, 5.0, 6.0]
    assert table.notes == (f"{path}: ignored the columns label, hr.",)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("tail", ["", "\n", "\r\n  \r\n"])
def test_habits_of_spreadsheets(path: Path, end: str, mark: str, tail: str) -> None:
    """Byte order mark, carriage returns, blank lines, quoted names, blanks around numbers, plus signs."""
    path.write_bytes(
        (
            mark + end.join(['"t","ax","ay","az","gx","gy","gz"', "0, 1 ,2,9,4,5,6", "", "+1,1,2,9,4,5,6"]) + tail
        ).encode()
    )
    table = read_csv(path)
    assert table.time_s.tolist() == [0.0, 1.0]
    assert table.acc.tolist() == [[1.0, 2.0, 9.0]] * 2


def test_units(path: Path) -> None:
    """G is standard gravity, degrees are degrees."""
    table = read_csv(write(path, HEADER, "0,0,0,1,180,0,0", "1,0,0,1,0,0,-90"), acc_unit="g", gyro_unit="deg/s")
    assert table.acc[0].tolist() == [0.0, 0.0, 9.80665]
    assert table.gyr[0, 0] == pytest.approx(np.pi)
    assert table.gyr[1, 2] == pytest.approx(-np.pi / 2)
    assert table.notes == ()


@pytest.mark.parametrize(
    ("values", "units", "hint"),
    [
        ("0,0,1,0,0,0", {}, "the median acceleration is 1.00 m/s2, which looks like g: try --acc-unit g."),
        ("0,0,9.8,0,0,0", {"acc_unit": "g"}, "looks like m/s2: leave out --acc-unit g"),
        ("0,0,9.8,0,-300,0", {}, "the largest angular velocity is 300 rad/s, which looks like deg/s"),
        ("0,0,9.8,0,-300,0", {"gyro_unit": "deg/s"}, None),
    ],
)
def test_values_in_another_unit_are_noticed(path: Path, values: str, units: dict[str, str], hint: str | None) -> None:
    """A hint, not a refusal: the numbers are read as was said."""
    table = read_csv(write(path, HEADER, f"0,{values}", f"1,{values}"), **units)  # type: ignore[arg-type]  # parameters
    assert len(table.notes) == (hint is not None)
    assert hint is None or hint in table.notes[0]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([""], "is empty: the first line must be t,ax,ay,az,gx,gy,gz."),
        ([HEADER], "holds no sample row: at least 2 are needed."),
        (good(0), "holds one sample row only: at least 2 are needed."),
        (["t,ax,ay,az,gx,gy", "0,1,2,3,4,5"], "line 1: column gz is missing, the header must be t,ax,ay,az,gx,gy,gz."),
        (["t,ax,ay,az", "0,1,2,3"], "line 1: columns gx, gy, gz are missing"),
        (["t;ax;ay;az;gx;gy;gz", "0;1;2;3;4;5;6"], "The columns are separated by ';', not by ','."),
        (["t\tax\tay\taz\tgx\tgy\tgz"], "The columns are separated by tabs, not by ','."),
        (["0,1,2,3,4,5,6", "1,1,2,3,4,5,6"], "Its first line holds numbers instead of names."),
        (["t,ax,ay,az,gx,gy,gz,ax"], "line 1: column ax stands there 2 times."),
        ([*good(0, 1), "2,1,2,x3,4,5,6"], "line 4: az is 'x3', which is not a number."),
        ([*good(0, 1), "2,1,2,1_0,4,5,6"], "line 4: az is '1_0', which is not a number."),
        ([*good(0, 1), "2,1,2,,4,5,6"], "line 4: az is empty."),
        ([*good(0, 1), "2,1,2,nan,4,5,6"], "line 4: az is 'nan', a finite number is needed."),
        ([*good(0, 1), "2,1,2,3,4,5,-inf"], "line 4: gz is '-inf', a finite number is needed."),
        ([*good(0, 1), "2,1,2,3,4,5,1e999"], "line 4: gz is '1e999', a finite number is needed."),
        ([*good(0, 1), "2,1,2", "3,4,5,6"], "line 4: 3 values where the header names 7."),
        ([*good(0, 1), "2,1,2,3,4,5"], "line 4: 6 values where the header names 7."),
        ([*good(0, 1), "2,1,2,3,4,5,6,7"], "line 4: 8 values where the header names 7."),
        ([*good(0, 1), ",".join("1,5" for _ in COLUMNS)], "line 4: 14 values where the header names 7 (is the decimal"),
        ([*good(0, 1, 0.5, 2)], "line 4: time runs backwards, from 1.0 s to 0.5 s."),
        ([*good(0, 1), "", *good(0.25)[1:]], "line 5: time runs backwards, from 1.0 s to 0.25 s."),
        (good(1.7e12, 1.7e12 + 10), "line 2: t is 1700000000000.0, at most 9.2e+09 s is allowed (are these millisec"),
        ([*good(0, 1), "2,1,2," + "z" * 100 + ",4,5,6"], "line 4: az is 'zzzz"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(path: Path, lines: list[str], told: str) -> None:
    """One sentence with file, line, column and value."""
    with pytest.raises(RecordingError) as caught:
        read_csv(write(path, *lines))
    assert told in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 160


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x89MCAP0\r\n\x01\0\0\0\0\0", "is not a text file"),
        (HEADER.encode() + b"\n0,1,2,3,4,5,\xff\n", "line 2: byte 0xff is not UTF-8 text."),
        (HEADER.encode("utf-16"), "is UTF-16 text: save it as UTF-8."),
        (b"", "is empty"),
        (HEADER.encode() + b'\n0,1,2,3,4,5,"6\n7,8', "line 3: "),
    ],
)
def test_what_is_no_csv_is_told(path: Path, content: bytes, told: str) -> None:
    """Other files under this name have their own sentences."""
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=told):
        read_csv(path)


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """The system's reason without its number."""
    with pytest.raises(RecordingError, match=r"none\.csv cannot be read: No such file or directory\.$"):
        read_csv(tmp_path / "none.csv")


def test_equal_times_are_kept(path: Path) -> None:
    """Of equal times the first counts, which is decided where samples go onto their grid."""
    assert read_csv(write(path, *good(0, 1, 1, 2))).time_s.tolist() == [0.0, 1.0, 1.0, 2.0]


_value = st.floats(allow_nan=False, allow_infinity=False)
_form = st.sampled_from(
    [repr, lambda v: f"{v:.17g}", lambda v: f"{v:+.3e}", lambda v: f" {v!r}", lambda v: f"{v:.30g}"]
)


@given(rows=st.lists(st.tuples(*[st.tuples(_value, _form)] * 7), min_size=2, max_size=8), data=st.data())
def test_the_fast_way_and_the_slow_way_agree_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[tuple[float, object], ...]], data: st.DataObject
) -> None:
    """Whatever the fast parser takes, it takes as Python's float does; what it does not take the slow one judges."""
    lines = [",".join(form(value) for value, form in row) for row in rows]  # type: ignore[operator]  # a strategy
    if data.draw(st.booleans()):
        index = data.draw(st.integers(0, len(lines) - 1))
        lines[index] = data.draw(st.text('0123456789.,-+eE nai\t\r"[]{}', max_size=40))
    path = tmp_path_factory.getbasetemp() / "agree.csv"
    text = "\n".join([HEADER, *lines])
    fast = csvfile._parse_fast("\n".join(lines).encode(), 7)
    try:
        slow = csvfile._parse_lines(path, text, list(COLUMNS))
    except RecordingError:
        assert fast is None or not csvfile._is_sane(fast)
        return
    assert fast is None or fast.tobytes() == slow.tobytes()


def test_the_fast_way_is_taken_over_block_borders(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long plain file never needs the slow way, and no row is lost where blocks meet."""
    random = np.random.default_rng(0)
    rows = np.column_stack([np.arange(9000) / 100, random.normal(0, 9, (9000, 6))])
    write(path, HEADER, *(",".join(map(repr, row)) for row in rows.tolist()))
    assert path.stat().st_size > 8 * csvfile._BLOCK
    monkeypatch.delattr(csvfile, "_parse_lines")
    table = read_csv(path)
    assert np.array_equal(np.column_stack([table.time_s, table.acc, table.gyr]), rows)


def _table(times: np.ndarray, value: float) -> CsvTable:
    data = np.full((len(times), 3), value)
    return CsvTable(path="a.csv", time_s=times, acc=data, gyr=data, notes=())


TWO = PipelineSettings(
    devices=(
        DeviceSettings(slug="left", side="left", rate_hz=100.0),
        DeviceSettings(slug="right", side="right", rate_hz=100.0),
    )
)


@given(
    starts=st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
    steps=st.lists(st.lists(st.floats(0, 0.6), min_size=1, max_size=80), min_size=2, max_size=2),
)
def test_blocks_come_in_the_order_of_their_last_sample(starts: tuple[float, float], steps: list[list[float]]) -> None:
    """Config first, Stop last, times never fall, every sample of both files is there once, blocks are short."""
    tables = [
        _table(start + np.cumsum([0.0, *step]), value)
        for start, step, value in zip(starts, steps, (1.0, 2.0), strict=True)
    ]
    first, *blocks, last = csv_inputs(tables, TWO)
    assert isinstance(first, Config)
    assert first.settings.devices == TWO.devices
    assert first.settings.origin_ns == 0, "session times are the files' own"
    assert isinstance(last, Stop)
    stamps = [item.host_ns for item in (first, *blocks, last)]
    assert all(a <= b for a, b in pairwise(stamps))
    for table, device in zip(tables, ("left", "right"), strict=True):
        own = [block for block in blocks if isinstance(block, Samples) and block.device == device]
        assert np.concatenate([block.time_s for block in own]).tolist() == table.time_s.tolist()
        assert {block.acc[0, 0] for block in own} == {table.acc[0, 0]}
        for block in own:
            assert block.time_s is not None
            assert block.time_s[-1] - block.time_s[0] <= BLOCK_S + 1e-9
            assert block.host_ns == round(1e9 * block.time_s[-1])
    assert sum(isinstance(block, Samples) for block in blocks) == len(blocks)


def test_every_table_needs_its_device() -> None:
    """A wiring mistake is told at once, not by a silent second file."""
    with pytest.raises(ValueError, match="1 tables for 2 devices"):
        next(csv_inputs([_table(np.array([0.0, 1.0]), 1.0)], TWO))
