"""Recordings of live runs without one of the athletes: gone is who asked for it, and the others' results stay."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.capture.writer import CaptureLimits, CaptureWriter
from ankled.daemon.errors import RecordingError
from ankled.daemon.forget.recordings import look, remove
from ankled.daemon.inputs_codec import encode
from tests.live.controls import Desk, asking
from tests.live.runs import config_for, run
from tests.live.test_live_identity import dressed, replayed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.runs import Run

KIM = ("kim",)
LENGTH_S = 45.0


def recorded(folder: Path, **sides: dict[str, Any]) -> tuple[list[Path], Run]:
    """Record a training in files of a few seconds; return them in order, and the run."""
    world = dressed("left=movesense", "right=polar")
    path = folder / "live.mcap"
    live = run(world, LENGTH_S, config=config_for(world, **sides), capture=path, limits=CaptureLimits(rotate_s=9.0))
    files = sorted(folder.glob("*.mcap"), key=lambda one: (len(one.name), one.name))
    assert len(files) > 3
    return files, live


def of_others(lines: list[bytes], device: str, athlete: str) -> list[bytes]:
    """Return the results that are not of a device or an athlete."""
    told = [(line, msgspec.json.decode(line)) for line in lines]
    return [line for line, one in told if one.get("device") != device and one.get("athlete") != athlete]


def test_the_others_results_stay_the_same_to_the_byte(tmp_path: Path) -> None:
    """Files that begin in mid-session included; nothing in them names the athlete, and no number is missing."""
    files, live = recorded(tmp_path, left={"athlete": "kim"}, right={"athlete": "alex"})
    lines = live.kept.lines()
    assert replayed(*files) == lines
    for path in files:
        found = look(path, KIM)
        assert found is not None
        assert (found.devices, found.alone, found.others) == (("left",), False, ())
        remove(found, KIM)
        assert look(path, KIM) is None
        reader = CaptureReader(path)
        for entry in reader:
            assert b"kim" not in encode(entry.item)
        assert reader.finished
        assert not reader.notes
    expected = of_others(lines, "left", "kim")
    assert len(expected) > 10
    assert replayed(*files) == expected
    assert replayed(*files[2:]) == expected[-len(replayed(*files[2:])) :]


def test_a_recording_of_nobody_else_is_removed(tmp_path: Path) -> None:
    """Both weights were the athlete's: there is nothing to keep."""
    files, _ = recorded(tmp_path)
    for path in files:
        found = look(path, KIM)
        assert found is not None
        assert found.alone
        remove(found, KIM)
    assert not list(tmp_path.iterdir())


def test_a_recording_without_the_athlete_is_none_of_its_business(tmp_path: Path) -> None:
    """Nothing is found where others trained, nor of a name that only begins alike."""
    files, _ = recorded(tmp_path)
    assert [look(path, ("robin", "ki")) for path in files] == [None] * len(files)


def test_a_weight_that_changed_hands_goes_as_a_whole_and_that_is_said(tmp_path: Path) -> None:
    """The one who wore it before or after is named, so that nobody is surprised."""

    async def work(desk: Desk) -> None:
        await desk.at(15.0)
        await desk.ask("set_weight", device="left", athlete="alex")

    world = dressed("left=movesense", "right=openankle")
    config = config_for(world, left={"athlete": "kim"}, right={"athlete": "robin"})
    roster, meanwhile = asking(config, work)
    path = tmp_path / "live.mcap"
    live = run(world, LENGTH_S, config=config, capture=path, meanwhile=meanwhile, roster=roster)
    found = look(path, KIM)
    assert found is not None
    assert (found.devices, found.alone, found.others) == (("left",), False, ("alex",))
    remove(found, KIM)
    assert replayed(path) == of_others(of_others(live.kept.lines(), "left", "kim"), "left", "alex")


def test_what_is_being_recorded_and_what_cannot_be_rewritten_is_left(tmp_path: Path) -> None:
    """One sentence each, and the file stays as it was."""
    files, _ = recorded(tmp_path, left={"athlete": "kim"}, right={"athlete": "alex"})
    reader = CaptureReader(files[1])
    entries = list(reader)
    config, state = entries[0].item, entries[1].item
    strange = tmp_path / "strange.mcap"
    writer = CaptureWriter(strange, reader.origin)
    writer.begin(entries[2].number, [config, msgspec.structs.replace(state, data=b"\x81\xa3kim\x01", version="0.1")])
    writer.write(entries[2].number, next(one.item for one in entries[2:] if getattr(one.item, "device", "") == "right"))
    while not strange.stat().st_size:  # the writer works in a thread of its own
        time.sleep(0.01)
    found = look(strange, KIM)
    assert found is not None
    with pytest.raises(RecordingError, match="is being recorded"):
        remove(found, KIM)
    writer.close()
    found = look(strange, KIM)
    assert found is not None
    before = strange.read_bytes()
    with pytest.raises(RecordingError, match="a state of another ankled, which this one cannot rewrite"):
        remove(found, KIM)
    assert strange.read_bytes() == before
    assert not list(tmp_path.glob(".*"))
