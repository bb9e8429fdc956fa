"""Recordings within bounds: the oldest of our own go, nobody else's is touched, a full disk stops the recording."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.capture import retention
from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.capture.retention import Keep, sweep
from ankled.daemon.capture.writer import CaptureLimits, CaptureWriter
from ankled.daemon.config.schema import CaptureConfig
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Config, Notification
from ankled.daemon.live.housekeeping import Housekeeping
from ankled.daemon.live.recorder import Recorder
from tests.daemon.disks import fill, mounted
from tests.daemon.recordings import ORIGIN, SETTINGS, CountingCore, entries, record, session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.daemon.commands import Shell

DAY_S = 86_400.0
MIB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of sixteen megabytes."""
    with mounted(tmp_path / "disk", "16m") as folder:
        yield folder


def recorded(folder: Path, name: str, age_s: float = 0.0) -> Path:
    """Make a capture that was written so long ago."""
    path = folder / name
    record(path, session(40))
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def names(folder: Path) -> list[str]:
    """Return what there is."""
    return sorted(path.name for path in folder.iterdir())


def mine(count: int) -> list[str]:
    """Return names as the recorder gives them, the oldest first."""
    return [f"gym-202601{day:02d}T080000Z.mcap" for day in range(1, count + 1)]


def test_the_oldest_go_where_there_are_too_many(tmp_path: Path) -> None:
    """By size: as many as must, and each is told with the reason; the newest stay."""
    paths = [recorded(tmp_path, name, age_s=1000.0 - n) for n, name in enumerate(mine(5))]
    size = paths[0].stat().st_size
    swept = sweep(tmp_path, "gym", Keep(size_bytes=3 * size + size // 2), time.time())
    assert [(one.path, why) for one, why in swept.removed] == [
        (path, "the recordings are more than capture.keep_gb") for path in paths[:2]
    ]
    assert names(tmp_path) == mine(5)[2:]
    assert sweep(tmp_path, "gym", Keep(size_bytes=3 * size + size // 2), time.time()).removed == ()
    assert sweep(tmp_path, "gym", Keep(), time.time()).removed == ()


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    """By the time it was last written."""
    for n, name in enumerate(mine(4)):
        recorded(tmp_path, name, age_s=(4 - n) * DAY_S)
    swept = sweep(tmp_path, "gym", Keep(age_s=2.5 * DAY_S), time.time())
    assert {why for _, why in swept.removed} == {"older than capture.keep_days"}
    assert names(tmp_path) == mine(4)[2:]


def test_nobody_elses_file_is_removed(tmp_path: Path) -> None:
    """Not by another name or node, not by our name with another content, no link, no folder, not what is written to."""
    theirs = [
        "notes.txt",
        "best set ever.mcap",
        "gym-20260101T080000Z.repaired.mcap",
        "gym-20260101T080000Z copy.mcap",
        "other-20260101T080000Z.mcap",
        "x-gym-20260101T080000Z.mcap",
        "gym-20260101T080000Z.mcap.bak",
    ]
    for name in theirs:
        recorded(tmp_path, name, 900 * DAY_S)
    kept = [*theirs, *mine(5)]
    (tmp_path / mine(5)[0]).write_text("a diary")
    (tmp_path / mine(5)[1]).write_bytes(b"\x89MCAP0\r\n" + bytes(60))
    (tmp_path / mine(5)[2]).symlink_to(tmp_path / "notes.txt")
    (tmp_path / mine(5)[3]).mkdir()
    writer = CaptureWriter(tmp_path / mine(5)[4], ORIGIN)
    ours = ["gym-20260101T080000Z-2.mcap", "gym-20260101T080000Z.001.mcap", "gym-20260101T080000Z-2.1000.mcap"]
    for name in ours:
        recorded(tmp_path, name, 900 * DAY_S)
    keep = Keep(age_s=1.0, size_bytes=1, min_free_bytes=1 << 60)
    swept = sweep(tmp_path, "gym", keep, time.time() + 1000 * DAY_S)
    assert sorted(one.path.name for one, _ in swept.removed) == sorted(ours)
    assert names(tmp_path) == sorted(kept)
    writer.close()


def test_a_recording_that_was_not_finished_goes_too(tmp_path: Path) -> None:
    """A power cut leaves it without an end; it takes room like any other."""
    path = recorded(tmp_path, mine(1)[0])
    path.write_bytes(path.read_bytes()[:-200])
    assert len(sweep(tmp_path, "gym", Keep(size_bytes=1), time.time()).removed) == 1


def test_free_disk_is_made_by_the_oldest(disk: Path) -> None:
    """As many go as the disk needs, no more, and not for a bound that is not set."""
    paths = [recorded(disk, name, age_s=1000.0 - n) for n, name in enumerate(mine(6))]
    size = paths[0].stat().st_size
    free = retention.free_bytes(disk)
    swept = sweep(disk, "gym", Keep(min_free_bytes=free + 2 * size), time.time())
    assert 2 <= len(swept.removed) <= 3
    assert swept.free_bytes >= free + 2 * size
    assert retention.free_bytes(disk / "not" / "there") == swept.free_bytes


class Feed:
    """What a running daemon does to a recorder: inputs, one after the other."""

    def __init__(self, recorder: Recorder) -> None:
        self.dispatcher = Dispatcher(CountingCore())
        recorder.record_to = self.dispatcher.record_to
        self.now_ns = 0
        self.dispatcher.feed(Config(host_ns=0, settings=SETTINGS))

    def give(self, count: int) -> None:
        """Feed so many packets that cannot be compressed."""
        for _ in range(count):
            self.now_ns += 10_000_000
            self.dispatcher.feed(
                Notification(host_ns=self.now_ns, device="left", epoch=1, characteristic="2a37", data=os.urandom(4096))
            )


def recording(recorder: Recorder) -> bool:
    """Tell whether something is recorded."""
    return recorder.writer is not None


def until(reached: Callable[[], bool]) -> None:
    """Wait for something another thread does."""
    deadline = time.monotonic() + 60.0
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_capture_ended_by_a_full_disk_is_whole_up_to_its_last_chunk(disk: Path, tmp_path: Path, shell: Shell) -> None:
    """`verify` tells that it has no end; every input that was on the disk is read, and `repair` makes it whole."""
    fill(disk, but=2 * MIB)
    recorder = Recorder(disk, "gym", CaptureLimits(sync_s=0.02, retry_s=3600.0))
    feed = Feed(recorder)
    path = recorder.start()
    writer = recorder.writer
    assert writer is not None
    while writer.health().fault is None:
        feed.give(10)
        time.sleep(0.01)
    health = writer.health()
    assert health.fault is not None
    assert "No space left on device" in health.fault
    assert health.synced_number is not None
    with pytest.raises(RecordingError):
        writer.close()
    feed.dispatcher.record_to(None)
    there = entries(path, strict=False)
    assert [one.number for one in there if not one.opening][-1] >= health.synced_number
    assert shell("capture", "verify", path).code != 0
    whole = tmp_path / "whole.mcap"
    assert shell("capture", "repair", path, "--out", whole).code == 0
    assert shell("capture", "verify", whole).code == 0
    assert entries(whole) == there


async def test_a_full_disk_stops_the_recording_which_begins_again_with_room(disk: Path) -> None:
    """It stops with a problem for health, is refused to who asks for it, and goes on by itself: not for a few bytes."""
    recorder = Recorder(disk, "gym", CaptureLimits(sync_s=0.02, retry_s=0.05))
    house = Housekeeping(recorder, "gym", CaptureConfig(folder=str(disk), min_free_gb=0.0))
    feed = Feed(recorder)
    house.begin()
    feed.give(50)
    ballast = fill(disk)
    first = recorder.writer
    assert first is not None
    while first.health().fault is None:
        feed.give(10)
        time.sleep(0.01)  # noqa: ASYNC251 - for the thread that writes; nothing else runs in this loop
    await house.look()
    assert not recording(recorder)
    assert recorder.wanted
    assert house.troubles() == ["nothing is recorded: the disk is full; the recording begins again by itself"]
    with pytest.raises(RecordingError, match="the recording begins by itself when there is room"):
        recorder.start()
    feed.give(100)
    with ballast.open("r+b") as file:
        file.truncate(ballast.stat().st_size - MIB)
    await house.look()
    assert not recording(recorder), "a little room would be taken at once"
    ballast.unlink()
    await house.look()
    second = recorder.writer
    assert second is not None
    assert house.troubles() == []
    feed.give(20)
    path = await recorder.stop()
    assert path is not None
    assert second.health().lost == 0
    numbers = [one.number for one in CaptureReader(path)]
    assert numbers[-1] == feed.dispatcher.number - 1
    await house.look()
    assert not recording(recorder), "it was told to stop"


async def test_old_recordings_go_before_the_recording_stops(disk: Path) -> None:
    """Less than min_free_gb is free: first the oldest make room; then it stops, before the disk is full."""
    old = [recorded(disk, name, 1000.0) for name in mine(3)]
    recorder = Recorder(disk, "gym")
    feed = Feed(recorder)
    house = Housekeeping(recorder, "gym", CaptureConfig(folder=str(disk), min_free_gb=4e-3, keep_days=0.0))
    house.begin()
    feed.give(1)
    await house.look()
    assert all(path.exists() for path in old)
    ballast = fill(disk, but=3_000_000)
    await house.look()
    assert not [path for path in old if path.exists()]
    assert not recording(recorder)
    assert retention.free_bytes(disk) > 2_000_000
    ballast.unlink()
    await house.look()
    assert recording(recorder)
    await recorder.stop()


async def test_a_start_on_a_full_disk_waits_for_room(disk: Path) -> None:
    """A daemon that starts there runs; a folder that cannot be used for another reason is refused as ever."""
    ballast = fill(disk)
    folder = disk / "captures"
    recorder = Recorder(folder, "gym")
    feed = Feed(recorder)
    house = Housekeeping(recorder, "gym", CaptureConfig(folder=str(folder), min_free_gb=1e-3))
    house.prepare()
    house.begin()
    assert not recording(recorder)
    assert house.troubles()
    ballast.unlink()
    await house.look()
    assert recording(recorder)
    feed.give(1)
    await recorder.stop()
    (disk / "file").touch()
    wrong = Housekeeping(Recorder(disk / "file", "gym"), "gym", CaptureConfig(folder=str(disk / "file")))
    with pytest.raises(RecordingError, match="cannot be used"):
        wrong.prepare()


def test_a_file_ends_where_it_is_asked_to_but_not_at_once_again(tmp_path: Path) -> None:
    """`rotate` begins a new file with the next input, which holds the state; both legs' sets end within moments."""
    recorder = Recorder(tmp_path, "gym")
    feed = Feed(recorder)
    recorder.start()
    writer = recorder.writer
    assert writer is not None
    for packets, files in ((2, 1), (1200, 2), (5, 2), (1200, 3)):
        feed.give(packets)
        writer.rotate()
        feed.give(1)
        until(lambda: writer.health().files == files)  # noqa: B023  (called at once)
    writer.close()
    assert len(names(tmp_path)) == 3
    numbers = [one.number for name in names(tmp_path) for one in CaptureReader(tmp_path / name) if not one.opening]
    assert sorted(numbers) == list(range(1, feed.dispatcher.number))


def test_the_defaults_bound_everything() -> None:
    """A daemon that is left alone for a year fills no disk."""
    config = CaptureConfig()
    assert min(config.keep_gb, config.min_free_gb) > 0
    assert config.keep_days == 0, "nothing goes for its age alone unless that is asked for"
    assert msgspec.structs.asdict(config)["rotate"] == "size-or-time"
