"""Reports on captures, and repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from mcap.reader import make_reader

from ankled.daemon.capture.file import replacing
from ankled.daemon.capture.repair import repair, repair_folder
from ankled.daemon.capture.report import describe, examine
from ankled.daemon.capture.rolls import Rolls
from ankled.daemon.capture.writer import CaptureLimits
from ankled.daemon.errors import RecordingError
from tests.daemon.recordings import ORIGIN, chunks, entries, flat, record, replay, session, store

if TYPE_CHECKING:
    from pathlib import Path


def damage(path: Path, index: int) -> None:
    """Change a byte in the middle of a chunk."""
    start, end = chunks(path)[index]
    data = bytearray(path.read_bytes())
    data[(start + end) // 2] ^= 0xFF
    path.write_bytes(data)


def _fail_half_way(target: Path) -> None:
    with replacing(target, overwrite=True) as stream:
        stream.write(b"half")
        raise ZeroDivisionError


def test_the_report_of_a_whole_file(tmp_path: Path) -> None:
    """Counts by type and device, numbers, times, and who recorded."""
    report = examine(store(tmp_path / "a.mcap", session(200)))
    assert report.whole
    assert (report.inputs, report.first_number, report.last_number, report.missing) == (200, 0, 199, 0)
    assert report.counts["config"] == report.counts["clockanchor"] == report.counts["stop"] == 1
    assert sum(report.counts.values()) == 200
    assert set(report.devices) == {"left", "right"}
    assert report.duration_s == 10.0
    assert report.first_utc == "2023-11-14T22:13:20.000Z"
    assert (report.version, report.node, report.kernels) == ("0", "gym", "0123456789abcdef")
    assert not report.mid_session
    assert msgspec.json.decode(msgspec.json.encode(report), type=type(report)) == report
    text = describe(report)
    assert "200 (number 0 to 199)" in text
    assert "whole" in text.splitlines()[-1]


def test_the_report_of_a_damaged_file_says_where(tmp_path: Path) -> None:
    """Verify counts what survives and names the damaged bytes and the missing numbers."""
    path = store(tmp_path / "a.mcap", session(200))
    start, _ = chunks(path)[5]
    damage(path, 5)
    report = examine(path)
    assert not report.whole
    assert report.finished
    assert (report.inputs, report.missing) == (180, 20)
    assert [hole.start for hole in report.damage] == [start]
    assert f"{path}: inputs 100 to 119 are missing." in report.notes
    assert "not whole" in describe(report)


def test_the_report_of_a_later_file_says_that_it_begins_in_mid_session(tmp_path: Path) -> None:
    """It knows the clock from its first byte."""
    record(tmp_path / "a.mcap", session(200), CaptureLimits(rotate_s=3.0))
    report = examine(tmp_path / "a.001.mcap")
    assert report.mid_session
    assert report.whole
    assert report.first_number == 61
    assert report.first_utc == "2023-11-14T22:13:23.050Z"


def test_repair_makes_a_cut_file_whole_and_leaves_the_source(tmp_path: Path) -> None:
    """All inputs that can be read, the same records, the same origin, and seeking readers take it."""
    path = store(tmp_path / "a.mcap", session(200))
    path.write_bytes(path.read_bytes()[: chunks(path)[7][0] + 10])
    before = path.read_bytes()
    done = repair(path)
    target = tmp_path / "a.repaired.mcap"
    assert (done.target, done.inputs, done.missing) == (str(target), 140, 0)
    assert path.read_bytes() == before
    assert entries(target) == entries(path)
    report = examine(target)
    assert report.whole
    assert (report.version, report.cpu) == (ORIGIN.version, ORIGIN.cpu)
    with target.open("rb") as stream:
        assert make_reader(stream).get_summary().statistics.message_count == 140  # type: ignore[union-attr]  # whole
    with pytest.raises(RecordingError, match="exists already"):
        repair(path)
    assert repair(path, overwrite=True).inputs == 140


def test_repair_keeps_what_surrounds_damage(tmp_path: Path) -> None:
    """The hole stays visible in the numbers, and the file can be read again."""
    path = store(tmp_path / "a.mcap", session(200))
    damage(path, 5)
    done = repair(path, tmp_path / "b.mcap")
    assert (done.inputs, done.missing) == (180, 20)
    assert [entry.number for entry in entries(tmp_path / "b.mcap")] == [*range(100), *range(120, 200)]


def test_repair_keeps_the_opening(tmp_path: Path) -> None:
    """A repaired file of mid-session still replays identically."""
    live = record(tmp_path / "a.mcap", session(200), CaptureLimits(rotate_s=3.0))
    path = tmp_path / "a.001.mcap"
    first = entries(path)[0].number
    path.write_bytes(path.read_bytes()[: chunks(path)[-1][1]])
    repair(path, in_place=True)
    assert examine(path).whole
    records = replay(entries(path))
    assert records == flat(live[first:])[: len(records)]
    assert records


def test_repair_refuses_its_own_source_and_what_holds_nothing(tmp_path: Path) -> None:
    """Only `in_place` replaces the source, and nothing is written where nothing can be read."""
    path = store(tmp_path / "a.mcap", session(200))
    with pytest.raises(RecordingError, match="is the recording itself"):
        repair(path, path, overwrite=True)
    start, _ = chunks(path)[0]
    path.write_bytes(path.read_bytes()[: start + 5])
    with pytest.raises(RecordingError, match="there is nothing to repair"):
        repair(path, tmp_path / "b.mcap")
    assert [file.name for file in tmp_path.iterdir()] == ["a.mcap"]


def test_the_daemon_repairs_its_own_folder(tmp_path: Path) -> None:
    """At start unfinished files are made whole, empty ones go, whole, foreign and living ones stay as they are."""
    cut = store(tmp_path / "cut.mcap", session(200))
    cut.write_bytes(cut.read_bytes()[: chunks(cut)[7][0] + 10])
    whole = store(tmp_path / "whole.mcap", session(50)).read_bytes()
    (tmp_path / "empty.mcap").touch()
    (tmp_path / "foreign.mcap").write_bytes(b"something else")
    (tmp_path / "notes.txt").write_text("mine")
    living = Rolls(tmp_path / "living.mcap", ORIGIN)
    living.begin(0, [], None)
    content = (tmp_path / "living.mcap").read_bytes()
    with pytest.raises(RecordingError, match="is being recorded"):
        repair(tmp_path / "living.mcap", in_place=True)
    told = repair_folder(tmp_path)
    assert len(told) == 3
    assert told[0] == f"{cut} was not finished and has been made whole: 140 inputs."
    assert told[1] == f"{tmp_path / 'empty.mcap'} was empty and has been removed."
    assert "foreign.mcap is not an MCAP file" in told[2]
    assert examine(cut).whole
    assert (tmp_path / "whole.mcap").read_bytes() == whole
    assert (tmp_path / "living.mcap").read_bytes() == content
    living.abandon()


def test_what_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    """A target appears whole or not at all; an older one stays."""
    target = tmp_path / "a.mcap"
    target.write_bytes(b"older")
    with pytest.raises(ZeroDivisionError):
        _fail_half_way(target)
    assert target.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [target]
    with (
        pytest.raises(RecordingError, match="cannot be written: No such file"),
        replacing(tmp_path / "no" / "a.mcap", overwrite=False),
    ):
        pass
