"""The recorder: what survives a kill, a full disk and a slow one, and how it tells."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ankled.daemon.capture.reader import CaptureReader, read_chain
from ankled.daemon.capture.rolls import Rolls, in_use
from ankled.daemon.capture.writer import CaptureHealth, CaptureLimits, CaptureWriter
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.errors import RecordingError
from tests.daemon.recordings import ORIGIN, CountingCore, entries, flat, record, replay, session

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE_S = 60.0


def _wait(writer: CaptureWriter, reached: Callable[[CaptureHealth], bool]) -> CaptureHealth:
    """Wait until the recorder's health says so; how long that takes is nobody's business."""
    deadline = time.monotonic() + _PATIENCE_S
    while not reached(health := writer.health()):
        assert time.monotonic() < deadline, health
        time.sleep(0.005)
    return health


_CHILD = """
import sys, time
from pathlib import Path
from ankled.daemon.capture.writer import CaptureLimits, CaptureWriter
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.inputs import Config, Notification
from tests.daemon.recordings import ORIGIN, SETTINGS, CountingCore

writer = CaptureWriter(Path(sys.argv[1]), ORIGIN, CaptureLimits(sync_s=float(sys.argv[2])))
dispatcher = Dispatcher(CountingCore(), writer)
dispatcher.feed(Config(host_ns=0, settings=SETTINGS))
told = None
while True:
    now = time.monotonic_ns()
    dispatcher.feed(Notification(host_ns=now, device="left", epoch=1, characteristic="2a37", data=bytes(64)))
    synced = writer.health().synced_number
    if synced != told:
        told = synced
        print(synced, dispatcher.number, flush=True)
    time.sleep(0.001)
"""


def test_a_killed_recorder_loses_only_what_was_not_synced(tmp_path: Path) -> None:
    """After SIGKILL the file holds every input up to the last sync that was reported, in order, and replays."""
    path = tmp_path / "a.mcap"
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(path), "0.2"], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert child.stdout is not None
    lines = [child.stdout.readline().split() for _ in range(4)]
    child.send_signal(signal.SIGKILL)
    lines += [line.split() for line in child.stdout.read().splitlines()]
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    synced = int(lines[-1][0])
    reader = CaptureReader(path)
    numbers = [entry.number for entry in reader]
    assert numbers == list(range(len(numbers)))
    assert numbers[-1] >= synced > 50
    assert not reader.finished
    assert "was not finished: it is readable up to input" in reader.notes[0]
    # The next sync after the one reported had everything that was fed by then, so less than two periods are lost.
    assert len({int(line[0]) for line in lines}) >= 4
    assert replay(entries(path))


def test_a_file_is_locked_while_it_is_written(tmp_path: Path) -> None:
    """Whoever repairs recordings can tell a live one from one that a kill left behind."""
    path = tmp_path / "a.mcap"
    writer = CaptureWriter(path, ORIGIN)
    with path.open("rb") as stream:
        assert in_use(stream)
    Dispatcher(CountingCore(), writer).feed(session(3)[0])
    writer.close()
    with path.open("rb") as stream:
        assert not in_use(stream)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("there.mcap", "File exists"),
        ("no/folder/a.mcap", "No such file or directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_wrong_path_is_told_at_once(tmp_path: Path, name: str, told: str) -> None:
    """The first file is made before anything is recorded, and never over another."""
    (tmp_path / "there.mcap").write_bytes(b"precious")
    with pytest.raises(RecordingError, match=f"cannot be written: {told}"):
        CaptureWriter(tmp_path / name, ORIGIN)
    assert (tmp_path / "there.mcap").read_bytes() == b"precious"


def test_later_files_step_over_names_that_are_taken(tmp_path: Path) -> None:
    """Rotation never overwrites either."""
    (tmp_path / "a.001.mcap").write_bytes(b"precious")
    live = record(tmp_path / "a.mcap", session(100), CaptureLimits(rotate_s=3.0))
    assert (tmp_path / "a.001.mcap").read_bytes() == b"precious"
    assert replay(read_chain([CaptureReader(tmp_path / n) for n in ("a.mcap", "a.002.mcap")])) == flat(live)


_FULL = """
import resource, signal, sys, time
from pathlib import Path
from ankled.daemon.capture.writer import CaptureLimits, CaptureWriter
from ankled.daemon.dispatcher import Dispatcher
from tests.daemon.recordings import ORIGIN, CountingCore, session

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
writer = CaptureWriter(Path(sys.argv[1]), ORIGIN, CaptureLimits(sync_s=0.01, retry_s=0.1))
dispatcher = Dispatcher(CountingCore(), writer)
items = session(3000)
fault = None
for item in items[:-1]:
    dispatcher.feed(item)
    if dispatcher.number % 50 == 0:
        time.sleep(0.03)
    if fault is None and (fault := writer.health().fault) is not None:
        print(fault)
        for _ in range(5):  # five attempts on a disk that takes nothing at all
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
            time.sleep(0.12)
            dispatcher.feed(items[3])
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        time.sleep(0.12)
dispatcher.feed(items[-1])
writer.close()
health = writer.health()
print(dispatcher.number, health.lost, health.fault)
"""


def test_a_full_disk_is_told_and_recording_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """The fault is one sentence in health; inputs are counted as lost; then a new file opens with the state."""
    path = tmp_path / "a.mcap"
    done = subprocess.run([sys.executable, "-c", _FULL, str(path)], capture_output=True, text=True, check=True)
    fault, summary = done.stdout.splitlines()
    assert fault == f"{path} cannot be written: File too large."
    fed, lost, end = summary.split()
    assert end == "None"
    files = sorted(tmp_path.iterdir(), key=lambda name: (len(name.name), name.name))
    assert len(files) == 2, "attempts on a full disk leave no files behind"
    first, second = CaptureReader(files[0]), CaptureReader(files[1])
    kept = list(first)
    after = list(second)
    assert not first.finished
    assert second.finished
    assert [type(entry.item).__name__ for entry in after[:2] if entry.opening] == ["Config", "State"]
    assert second.last == int(fed) - 1
    stored = len(kept) + len(after) - 2
    assert int(fed) - int(lost) <= stored < int(fed)
    assert replay(after)


def test_what_a_full_queue_loses_begins_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk stalls the dispatcher goes on, counts what is lost, and every file still replays identically."""
    stalled, stall = threading.Event(), threading.Event()
    real = Rolls.sync

    def slow(rolls: Rolls) -> None:
        if not stall.is_set():
            stalled.set()
            stall.wait(_PATIENCE_S)
        real(rolls)

    monkeypatch.setattr(Rolls, "sync", slow)
    writer = CaptureWriter(tmp_path / "a.mcap", ORIGIN, CaptureLimits(queue=8, sync_s=0.0))
    dispatcher = Dispatcher(CountingCore(), writer)
    items = session(60)
    live = [dispatcher.feed(items[0])]
    assert stalled.wait(_PATIENCE_S)
    live += [dispatcher.feed(item) for item in items[1:30]]
    assert writer.health().lost >= 20
    assert writer.health().queued == writer.health().capacity == 8
    stall.set()
    _wait(writer, lambda health: health.queued == 0)
    for item in items[30:]:
        live.append(dispatcher.feed(item))
        _wait(writer, lambda health: health.queued == 0)
    writer.close()
    assert writer.health().files == 2
    first, second = entries(tmp_path / "a.mcap"), entries(tmp_path / "a.001.mcap")
    assert replay(first) == flat(live[: len(first)])
    begins = second[0].number
    assert begins == 30
    assert replay(second) == flat(live[begins:])
    assert writer.health().lost == begins - len(first)


def test_a_defect_in_the_recorder_is_a_fault_and_not_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in the thread stands in health, and closing tells it again."""

    def broken(_: Rolls, __: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(Rolls, "add", broken)
    writer = CaptureWriter(tmp_path / "a.mcap", ORIGIN)
    Dispatcher(CountingCore(), writer).feed(session(3)[0])
    health = _wait(writer, lambda health: health.fault is not None)
    assert health.fault is not None
    assert "KeyError" in health.fault
    with pytest.raises(RecordingError, match="KeyError"):
        writer.close()


def test_health_follows_the_recording(tmp_path: Path) -> None:
    """Numbers written and synced, bytes, files and the heartbeat are there for the health topic and the watchdog."""
    path = tmp_path / "a.mcap"
    writer = CaptureWriter(path, ORIGIN, CaptureLimits(sync_s=0.01))
    dispatcher = Dispatcher(CountingCore(), writer)
    begun = writer.health()
    for item in session(30):
        dispatcher.feed(item)
    health = _wait(writer, lambda health: health.synced_number == 29)
    assert (health.path, health.fault, health.files, health.lost) == (str(path), None, 1, 0)
    assert health.bytes == path.stat().st_size
    _wait(writer, lambda health: health.heartbeat_s > begun.heartbeat_s)
    writer.close()
    writer.close()


def test_a_recorder_that_recorded_nothing_leaves_nothing(tmp_path: Path) -> None:
    """No empty file stays behind."""
    CaptureWriter(tmp_path / "a.mcap", ORIGIN).close()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_behind_a_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with inputs missing in its middle would not replay identically: what follows a loss waits for `begin`."""
    stall = threading.Event()
    real = Rolls.begin

    def slow(rolls: Rolls, *job: Any) -> None:
        stall.wait(_PATIENCE_S)
        real(rolls, *job)

    monkeypatch.setattr(Rolls, "begin", slow)
    writer = CaptureWriter(tmp_path / "a.mcap", ORIGIN, CaptureLimits(queue=4))
    items = session(20)
    writer.begin(0, [])
    for number in range(8):
        writer.write(number, items[number])
    stall.set()
    _wait(writer, lambda health: health.queued == 0)
    assert writer.due
    writer.write(8, items[8])
    writer.begin(9, items[:1])
    writer.write(9, items[9])
    writer.close()
    first = [entry.number for entry in entries(tmp_path / "a.mcap")]
    assert first == list(range(len(first)))
    assert len(first) < 8
    assert [entry.number for entry in entries(tmp_path / "a.001.mcap") if not entry.opening] == [9]
    assert writer.health().lost == 9 - len(first)
