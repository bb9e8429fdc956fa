"""The form of a capture file, and what is asked of the mcap library."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from mcap.exceptions import EndOfFile
from mcap.reader import NonSeekingReader
from mcap.writer import Writer

from ankled.daemon.capture.file import CaptureFile
from ankled.daemon.capture.form import origin, topic
from ankled.daemon.capture.reader import CaptureReader, read_inputs
from ankled.daemon.capture.writer import CaptureLimits
from ankled.daemon.inputs import ClockAnchor, Notification, Tick
from tests.daemon.recordings import ORIGIN, SECOND, record, session

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_library_lets_go_of_a_chunk_when_told(tmp_path: Path) -> None:
    """`sync` leans on Writer.flush of mcap closing the chunk: another process then finds every message in the file."""
    assert callable(getattr(Writer, "flush", None)), "mcap before 1.5 has no flush"
    path = tmp_path / "a.mcap"
    with path.open("xb") as stream:
        capture = CaptureFile(stream, ORIGIN, first_number=0, utc_offset_ns=None)
        items = session(9)
        for number, item in enumerate(items):
            capture.add_input(number, item)
            if number == 5:
                capture.sync()
        with path.open("rb") as other:
            seen = []
            with suppress(EndOfFile):  # the library's word for an unfinished file
                for _, _, message in NonSeekingReader(other).iter_messages(log_time_order=False):
                    seen.append(message.sequence)
        assert seen == [0, 1, 2, 3, 4, 5]
        assert [number for number, _ in read_inputs(path)] == [0, 1, 2, 3, 4, 5]
        capture.finish()
    assert [item for _, item in read_inputs(path)] == items


def test_log_time_is_utc_once_it_is_known_and_reversible(tmp_path: Path) -> None:
    """publish_time is host time; log_time adds the newest anchor, which the next file knows from its first byte."""
    items = session(100)
    record(tmp_path / "a.mcap", items, CaptureLimits(rotate_s=3.0))
    for name in ("a.mcap", "a.001.mcap"):
        reader = CaptureReader(tmp_path / name)
        pairs = list(reader.with_messages())
        offset = reader.fact("utc_offset_ns")
        for entry, message in pairs:
            if isinstance(entry.item, ClockAnchor):
                offset = entry.item.utc_ns - entry.item.host_ns
            assert message.publish_time == entry.item.host_ns
            assert message.log_time == entry.item.host_ns + (offset or 0)
    assert offset == 1_700_000_000 * SECOND


def test_topics_name_type_and_device() -> None:
    """One channel per type and device."""
    note = Notification(host_ns=0, device="left", epoch=1, characteristic="2a37", data=b"")
    assert topic(note) == "/inputs/left/notification"
    assert topic(Tick(host_ns=0)) == "/inputs/tick"
    assert topic(session(3)[0], opening=True) == "/opening/config"


def test_the_origin_says_what_identity_is_promised_for() -> None:
    """Version, kind of CPU and the digest of the kernels are what a replay must share to be byte-identical."""
    found = origin("gym", "monday")
    assert (found.node, found.session) == ("gym", "monday")
    assert found.version
    assert len(found.kernels) == 16
    assert os.uname().machine in found.cpu


def test_a_sync_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut keeps what fsync was asked for: at that moment the file held every input, and so at the end."""
    sizes = []
    monkeypatch.setattr(os, "fsync", lambda handle: sizes.append(os.fstat(handle).st_size))
    path = tmp_path / "a.mcap"
    with path.open("xb") as stream:
        capture = CaptureFile(stream, ORIGIN, first_number=0, utc_offset_ns=None)
        for number, item in enumerate(session(9)):
            capture.add_input(number, item)
            if number == 5:
                capture.sync()
        capture.finish()
    kept, whole = sizes
    assert whole == path.stat().st_size
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(path.read_bytes()[:kept])
    assert [number for number, _ in read_inputs(cut)] == [0, 1, 2, 3, 4, 5]
