"""Recordings that cannot be used: one sentence that names file and place and what is allowed, and no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mcap.writer import Writer

from tests.daemon.recordings import chunks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon.commands import Shell

Csvs = tuple["Path", "Path"]

HEADER = b"t,ax,ay,az,gx,gy,gz\n"


def _rows(count: int, period_s: float = 0.01, first: int = 0) -> bytes:
    """Return rows of a leg at rest."""
    return b"".join(f"{i * period_s:.6f},0,0,9.81,0,0,0\n".encode() for i in range(first, first + count))


GOOD = HEADER + _rows(60)
CSV_FAULTS = {
    "empty": (b"", ["is empty", "t,ax,ay,az,gx,gy,gz"]),
    "blank": (b"\n \n", ["is empty"]),
    "header only": (HEADER, ["holds no sample row", "at least 2 are needed"]),
    "one row": (HEADER + _rows(1), ["holds one sample row only", "at least 2 are needed"]),
    "no header": (_rows(10), ["line 1", "first line holds numbers"]),
    "missing column": (GOOD.replace(b"gz", b"temperature"), ["line 1", "column gz is missing", "t,ax,ay,az,gx,gy,gz"]),
    "column twice": (GOOD.replace(b"gz", b"gy"), ["line 1", "gz is missing"]),
    "semicolons": (GOOD.replace(b",", b";"), ["separated by ';', not by ','"]),
    "tabs": (GOOD.replace(b",", b"\t"), ["separated by tabs"]),
    "text": (GOOD + b"0.60,0,abc,9.81,0,0,0\n", ["line 62", "ay is 'abc', which is not a number"]),
    "nothing": (GOOD + b"0.60,0,,9.81,0,0,0\n", ["line 62", "ay is empty"]),
    "nan": (GOOD + b"0.60,0,nan,9.81,0,0,0\n", ["line 62", "ay is 'nan'", "finite number"]),
    "infinite": (GOOD + b"0.60,0,0,9.81,0,0,-inf\n", ["line 62", "gz is '-inf'", "finite number"]),
    "too few": (GOOD + b"0.60,0,0,9.81\n", ["line 62", "4 values where the header names 7"]),
    "decimal commas": (GOOD + b"0,60,0,0,0,0,9,81,0,0,0,0,0,0\n", ["line 62", "decimal mark a comma"]),
    "backwards": (GOOD + _rows(1, first=58), ["line 62", "time runs backwards", "0.59 s to 0.58 s"]),
    "constant time": (HEADER + _rows(1) * 60, ["sample rate", "1 distinct time", "at least 2 are needed"]),
    "slow": (HEADER + _rows(60, period_s=0.2), ["sample rate is 5 Hz", "from 10 to 2000 Hz"]),
    "fast": (HEADER + _rows(60, period_s=0.0001), ["sample rate is 10000 Hz", "from 10 to 2000 Hz"]),
    "milliseconds": (HEADER + b"1e13,0,0,9.81,0,0,0\n" * 2, ["line 2", "milliseconds"]),
    "binary": (bytes(range(256)) * 8, ["is not a text file"]),
    "not utf-8": (GOOD + b"0.60,0,0,9.81,0,0,0 \xff\n", ["line 62", "0xff is not UTF-8"]),
    "utf-16": (GOOD.decode().encode("utf-16"), ["UTF-16", "save it as UTF-8"]),
}


@pytest.mark.parametrize("command", ["replay", "import"])
@pytest.mark.parametrize("fault", CSV_FAULTS)
def test_a_csv_that_cannot_be_used(fault: str, command: str, tmp_path: Path, shell: Shell) -> None:
    """Whatever is wrong with a table, the sentence names file, line and column; importing it leaves nothing behind."""
    content, told = CSV_FAULTS[fault]
    path, out = tmp_path / "walk.csv", tmp_path / "walk.mcap"
    path.write_bytes(content)
    words = ("replay", path, "--json") if command == "replay" else ("capture", "import", path, "--out", out)
    sentence = shell.refused(*words, code=4)
    assert str(path) in sentence
    for part in told:
        assert part in sentence
    assert list(tmp_path.iterdir()) == [path]


def test_the_second_of_two_files_is_named(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """Of two recordings the sentence is about the one that is wrong."""
    path = tmp_path / "right.csv"
    path.write_bytes(HEADER)
    assert str(path) in shell.refused("replay", walk_csv[0], path, code=4)


def test_two_files_of_different_rates_are_fine(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """Each device has its own rate."""
    lines = walk_csv[1].read_bytes().splitlines(keepends=True)
    slower = tmp_path / "slower.csv"
    slower.write_bytes(b"".join([lines[0], *lines[1::2]]))
    done = shell("replay", walk_csv[0], slower, "--json")
    assert done.code == 0
    assert {record["device"] for record in done.records if "device" in record} == {"left_foot", "slower"}


# --- captures -------------------------------------------------------------------------------------------------------


def _foreign(path: Path) -> None:
    """Write a valid MCAP of somebody else's."""
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start(profile="ros2", library="x")
        schema = writer.register_schema("std_msgs/String", "ros2msg", b"string data")
        channel = writer.register_channel("/chatter", "cdr", schema)
        writer.add_message(channel, 0, b"hello", 0)
        writer.finish()  # type: ignore[no-untyped-call]  # the library leaves it without types


MCAP_FAULTS = {
    "empty": (b"", "is empty"),
    "cut in the magic": (b"\x89MCA", "ends after 4 bytes"),
    "cut after the magic": (b"\x89MCAP0\r\n", "has no header"),
    "text": (b"t,ax\n", "is not an MCAP file"),
}


@pytest.mark.parametrize("words", [("replay",), ("capture", "info"), ("capture", "verify"), ("capture", "export")])
@pytest.mark.parametrize("fault", [*MCAP_FAULTS, "foreign"])
def test_what_is_no_capture(fault: str, words: tuple[str, ...], tmp_path: Path, shell: Shell) -> None:
    """Every command that reads a capture says why this is none."""
    path = tmp_path / "walk.mcap"
    if fault == "foreign":
        _foreign(path)
        told = "is an MCAP file, but not a recording of ankled"
    else:
        content, told = MCAP_FAULTS[fault]
        path.write_bytes(content)
    sentence = shell.refused(*words, path, code=4)
    assert told in sentence
    assert str(path) in sentence
    assert list(tmp_path.iterdir()) == [path]


def test_a_capture_that_ends_early_gives_what_it_has(walk_mcap: Path, tmp_path: Path, shell: Shell) -> None:
    """Replay publishes up to the cut and says so; `verify` calls it not whole; `repair` makes it whole."""
    cut = tmp_path / "cut.mcap"
    data = walk_mcap.read_bytes()
    cut.write_bytes(data[: chunks(walk_mcap)[-1][1]])
    whole, early = shell("replay", walk_mcap, "--json"), shell("replay", cut, "--json")
    assert early.code == 0
    assert whole.out.startswith(early.out)
    assert "was not finished: it is readable up to input" in early.err
    verified = shell("capture", "verify", cut)
    assert verified.code == 4
    assert "not whole: `ankled capture repair`" in verified.out
    assert shell("capture", "info", cut).code == 0
    repaired = shell("capture", "repair", cut)
    assert repaired.code == 0
    assert shell("capture", "verify", tmp_path / "cut.repaired.mcap").code == 0


def test_a_capture_that_ends_before_its_first_input(walk_mcap: Path, tmp_path: Path, shell: Shell) -> None:
    """Cut before anything can be read: replay fails instead of finding nothing."""
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(walk_mcap.read_bytes()[:100])
    assert "it holds no input" in shell.refused("replay", cut, code=4)


def test_a_damaged_capture(walk_mcap: Path, tmp_path: Path, shell: Shell) -> None:
    """A chunk that does not match its checksum is named by its place, and what to do about it."""
    bad = tmp_path / "bad.mcap"
    data = bytearray(walk_mcap.read_bytes())
    start, end = chunks(walk_mcap)[0]
    data[(start + end) // 2] ^= 0xFF
    bad.write_bytes(data)
    done = shell("replay", bad, "--json")
    assert "Traceback" not in done.err
    assert f"{bad} is damaged at byte {start}" in done.err
    assert shell("capture", "verify", bad).code == 4
