"""The dispatcher, and the identity that the whole design rests on: live records equal those of a replay."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankled.daemon.capture.form import Entry
from ankled.daemon.capture.reader import CaptureReader, read_chain
from ankled.daemon.capture.writer import CaptureLimits, CaptureWriter
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Config, Input, State, Tick
from ankled.daemon.inputs_codec import same
from tests.daemon.recordings import (  # fmt: skip
    ORIGIN,
    SETTINGS,
    CountingCore,
    any_input,
    chunks,
    entries,
    flat,
    record,
    replay,
    session,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ankled.daemon.records import Record


def in_order(folder: Path) -> list[Path]:
    """Return the files of one recording, first to last."""
    return sorted(folder.iterdir(), key=lambda path: (len(path.name), path.name))


class Listing:
    """A capture that keeps what it is handed, and asks for a new file before the inputs it was told."""

    def __init__(self, *files: int) -> None:
        self.files = files
        self.opened: list[tuple[int, list[Input]]] = []
        self.written: list[tuple[int, Input]] = []

    @property
    def due(self) -> bool:
        """Whether a file begins at the next number."""
        return len(self.written) in self.files

    def begin(self, number: int, opening: Sequence[Input]) -> None:
        """Note a new file."""
        self.opened.append((number, list(opening)))

    def write(self, number: int, item: Input) -> None:
        """Keep an input."""
        self.written.append((number, item))


def test_numbers_count_from_zero_and_go_on_across_files() -> None:
    """Every input is handed to the capture once, under consecutive numbers, whatever files begin."""
    items = session(50)
    capture = Listing(0, 17, 30)
    dispatcher = Dispatcher(CountingCore(), capture)
    for item in items:
        dispatcher.feed(item)
    assert capture.written == list(enumerate(items))
    assert [number for number, _ in capture.opened] == [0, 17, 30]
    assert dispatcher.number == 50


def test_a_file_opens_with_settings_and_state() -> None:
    """The first file has nothing to restate; a later one gets the newest Config and the state at that point."""
    capture = Listing(0, 17)
    dispatcher = Dispatcher(CountingCore(), capture)
    twin = CountingCore()
    for number, item in enumerate(session(20)):
        if number == 17:
            expected = twin.snapshot()
        dispatcher.feed(item)
        twin.feed(item)
    (_, nothing), (_, (config, state)) = capture.opened
    assert nothing == []
    assert config == Config(host_ns=0, settings=SETTINGS)
    assert isinstance(state, State)
    assert state.data == expected


def test_recording_may_start_late_and_end_early() -> None:
    """A capture attached in mid-session begins with the state there and sees nothing after it was taken away."""
    items = session(60)
    capture = Listing(0)
    dispatcher = Dispatcher(CountingCore())
    live = []
    for number, item in enumerate(items):
        if number == 20:
            dispatcher.record_to(capture)
        if number == 50:
            dispatcher.record_to(None)
        live.append(dispatcher.feed(item))
    assert [number for number, _ in capture.written] == list(range(20, 50))
    number, opening = capture.opened[0]
    tape = [Entry(number, item, True) for item in opening] + [Entry(*pair, False) for pair in capture.written]
    assert replay(tape) == flat(live[20:50])


def test_an_input_that_cannot_be_recorded_takes_no_number(tmp_path: Path) -> None:
    """What is refused leaves no trace: neither in the numbers, nor in the file, nor in the core."""
    items = session(10)
    items.insert(5, Tick(host_ns=1 << 70))
    refused = 0

    def fed() -> list[Input]:
        return [item for item in items if item.host_ns < 1 << 64]

    writer = CaptureWriter(tmp_path / "a.mcap", ORIGIN)
    dispatcher = Dispatcher(CountingCore(), writer)
    live = []
    for item in items:
        try:
            live.append(dispatcher.feed(item))
        except RecordingError:
            refused += 1
    writer.close()
    assert refused == 1
    assert [entry.item for entry in entries(tmp_path / "a.mcap")] == fed()
    assert replay(entries(tmp_path / "a.mcap")) == flat(live)


class _Loud(CountingCore):
    """A core that has something to say about every input."""

    def feed(self, item: Input) -> list[Record]:
        """Give a record each time."""
        self.state.seen = 2
        return super().feed(item)


def test_an_opening_is_a_start_and_no_input() -> None:
    """What it might complete was published before it, and a recording of the replay does not hold it as an input."""
    tape = [Entry(5, Config(host_ns=0, settings=SETTINGS), True), Entry(5, Tick(host_ns=1), False)]
    capture = Listing(0)
    records = list(Dispatcher(_Loud(), capture).replay(tape))
    assert [record.known_at_s for record in records] == [1e-9]
    assert capture.written == [(5, Tick(host_ns=1))]
    ((number, opening),) = capture.opened
    assert (number, opening[0]) == (5, tape[0].item)


def test_a_state_of_another_version_is_refused() -> None:
    """Only the version that wrote a state can take it over; the sentence names both."""
    tape = [
        Entry(5, Config(host_ns=0, settings=SETTINGS), True),
        Entry(5, State(host_ns=0, version="0.0.0-other", data=b""), True),
    ]
    with pytest.raises(RecordingError, match=r"ankled 0\.0\.0-other"):
        replay(tape)


def test_a_recording_without_settings_is_refused() -> None:
    """Inputs mean nothing before a Config."""
    with pytest.raises(RecordingError, match="begins with input 3, without its settings"):
        replay([Entry(3, Tick(host_ns=0), False)])


@settings(max_examples=40)
@given(items=st.lists(any_input().filter(lambda item: not isinstance(item, State)), max_size=12))
def test_live_equals_replay_for_any_inputs(tmp_path_factory: pytest.TempPathFactory, items: list[Input]) -> None:
    """Whatever the inputs are, however their times jump and so begin new files: the same inputs, the same records."""
    folder = tmp_path_factory.mktemp("any")
    items = [Config(host_ns=0, settings=SETTINGS), *items]
    live = record(folder / "a.mcap", items)
    tape = list(read_chain([CaptureReader(path) for path in in_order(folder)]))
    assert [entry.number for entry in tape] == list(range(len(items)))
    assert all(same(entry.item, item) for entry, item in zip(tape, items, strict=True))
    assert repr(replay(tape)) == repr(flat(live))  # repr: a NaN is the same NaN


def test_live_equals_replay_from_the_start_and_from_every_later_file(tmp_path: Path) -> None:
    """Rotated files replay identically as a chain, and each later start gives exactly the records from there."""
    live = record(tmp_path / "a.mcap", session(500), CaptureLimits(rotate_s=3.0))
    files = in_order(tmp_path)
    assert len(files) > 5
    firsts = []
    for index in range(len(files)):
        readers = [CaptureReader(path) for path in files[index:]]
        records = replay(read_chain(readers))
        first = readers[0].first
        assert first is not None
        assert records == flat(live[first:])
        firsts.append(first)
    assert firsts[0] == 0
    assert all(a < b for a, b in pairwise(firsts))


def test_rotation_by_size(tmp_path: Path) -> None:
    """A new file begins when one has taken so many bytes; nothing is lost between them."""
    live = record(tmp_path / "a.mcap", session(400), CaptureLimits(rotate_bytes=10_000))
    files = in_order(tmp_path)
    assert [path.name for path in files[:3]] == ["a.mcap", "a.001.mcap", "a.002.mcap"]
    assert replay(read_chain([CaptureReader(path) for path in files])) == flat(live)


def test_files_that_do_not_follow_each_other_are_refused(tmp_path: Path) -> None:
    """A chain with a file left out says between which files the hole is."""
    record(tmp_path / "a.mcap", session(400), CaptureLimits(rotate_bytes=10_000))
    with pytest.raises(RecordingError, match=r"a\.002\.mcap begins with input \d+, but .*a\.mcap ends with input \d+"):
        replay(read_chain([CaptureReader(tmp_path / "a.mcap"), CaptureReader(tmp_path / "a.002.mcap")]))


def test_a_file_cut_anywhere_gives_a_prefix(tmp_path: Path) -> None:
    """At every byte a cut file either says that it holds no input, or replays to a prefix of the live records."""
    path, cut = tmp_path / "a.mcap", tmp_path / "cut.mcap"
    # One chunk for every few inputs, so that there are many borders to cut at.
    live = flat(record(path, session(60), CaptureLimits(sync_s=0.0)))
    whole = path.read_bytes()
    lengths = set()
    borders = {edge + delta for chunk in chunks(path) for edge in chunk for delta in (-1, 0, 1)}
    for size in sorted({*range(0, len(whole), 97), *borders, len(whole) - 1, len(whole)}):
        cut.write_bytes(whole[:size])
        try:
            records = replay(entries(cut))
        except RecordingError as error:
            assert size < chunks(path)[0][1], error  # noqa: PT017  (an error may come, it need not)
            continue
        assert records == live[: len(records)]
        lengths.add(len(records))
    assert len(live) in lengths
    assert len(lengths) > 5
