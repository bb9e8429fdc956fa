"""Reading captures in any state, and what is told about each."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.writer import CompressionType, Writer

from ankled.daemon.capture.file import CaptureFile
from ankled.daemon.capture.form import full_number
from ankled.daemon.capture.frames import MAGIC
from ankled.daemon.capture.reader import CaptureReader, read_inputs
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs_codec import SCHEMA_NAME, encode
from tests.daemon.recordings import ORIGIN, chunks, entries, record, session, store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Return a whole recording of 200 inputs in many chunks."""
    return store(tmp_path / "a.mcap", session(200))


def flip(path: Path, position: int) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[position] ^= 0xFF
    path.write_bytes(data)


def test_a_whole_file_gives_back_its_inputs(whole: Path) -> None:
    """Numbers, inputs, no notes."""
    reader = CaptureReader(whole)
    assert [(entry.number, entry.item) for entry in reader] == list(enumerate(session(200)))
    assert (reader.finished, reader.notes, reader.first, reader.last) == (True, [], 0, 199)
    assert reader.origin == ORIGIN
    assert list(read_inputs(whole)) == list(enumerate(session(200)))


def test_progress_ends_at_the_size_of_the_file(whole: Path) -> None:
    """A progress bar sees bytes done grow towards all bytes."""
    seen: list[tuple[int, int]] = []
    list(read_inputs(whole, progress=lambda done, size: seen.append((done, size))))
    assert len(seen) > 10
    assert seen == sorted(seen)
    assert {size for _, size in seen} == {whole.stat().st_size}


def _finish(writer: Writer) -> None:
    writer.finish()  # type: ignore[no-untyped-call]  # the library leaves it without types


def _foreign(path: Path) -> None:
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start(profile="ros2")
        schema = writer.register_schema("std_msgs/String", "ros2msg", b"string data")
        writer.add_message(writer.register_channel("/chatter", "cdr", schema), 1, b"hello", 1)
        _finish(writer)


def _of_form(path: Path, name: str) -> None:
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start(profile="ankled")
        schema = writer.register_schema(name, "jsonschema", b"{}")
        writer.add_message(writer.register_channel("/inputs/tick", "msgpack", schema), 1, b"\xc1", 1)
        _finish(writer)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"t,ax,ay,az\n1,2,3,4\n"), "is not an MCAP file"),
        (lambda path: path.write_bytes(MAGIC[:5]), "ends after 5 bytes"),
        (lambda path: path.write_bytes(MAGIC), "has no header that can be read"),
        (lambda path: path.write_bytes(MAGIC + b"\1" * 500), "has no header that can be read"),
        (_foreign, f"not a recording of ankled: it holds no schema {SCHEMA_NAME}"),
        (lambda path: _of_form(path, "ankled.input/9"), "is of form 9: this ankled reads form 1"),
        (lambda path: _of_form(path, SCHEMA_NAME), r"the message at byte \d+ is not an input of form 1"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda _: None, "cannot be read: No such file"),
    ],
)
def test_what_is_no_recording_is_told_in_one_sentence(tmp_path: Path, make: object, told: str) -> None:
    """Each kind of wrong file has its own sentence, which names the file."""
    path = tmp_path / "a.mcap"
    make(path)  # type: ignore[operator]  # a parameter
    with pytest.raises(RecordingError, match=told) as caught:
        entries(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_cut_file_is_readable_up_to_its_last_chunk(whole: Path) -> None:
    """The note names the last input; nothing raises."""
    start, end = chunks(whole)[4]
    whole.write_bytes(whole.read_bytes()[: (start + end) // 2])
    reader = CaptureReader(whole)
    assert [entry.number for entry in reader] == list(range(80))
    assert reader.notes == [
        f"{whole} was not finished: it is readable up to input 79, its last {(end - start) // 2} bytes cannot be read."
    ]


@pytest.mark.parametrize("tail", [b"\0" * 3000, os.urandom(3000), b"\x06" * 3000], ids=["zeros", "noise", "sixes"])
def test_what_a_power_cut_leaves_behind_the_last_chunk_is_a_cut(whole: Path, tail: bytes) -> None:
    """File systems may leave zeros or old blocks at the end of a file that was growing."""
    whole.write_bytes(whole.read_bytes()[: chunks(whole)[4][0]] + tail)
    reader = CaptureReader(whole)
    assert [entry.number for entry in reader] == list(range(80))
    assert not reader.finished


def test_a_damaged_chunk_stops_a_replay_and_says_what_is_lost(whole: Path) -> None:
    """Results after a hole would not be those published: the sentence names byte and inputs."""
    start, end = chunks(whole)[3]
    flip(whole, (start + end) // 2)
    with pytest.raises(RecordingError, match=rf"damaged at byte {start} \(.*\) and inputs 60 to 79 are lost"):
        entries(whole)
    reader = CaptureReader(whole, strict=False)
    assert [entry.number for entry in reader] == [*range(60), *range(80, 200)]
    assert reader.missing == 20
    assert [damage.start for damage in reader.damage] == [start]


def test_damage_in_the_first_chunk_is_no_start(whole: Path) -> None:
    """Without its first inputs a recording has no settings: also that is told as damage."""
    start, end = chunks(whole)[0]
    flip(whole, (start + end) // 2)
    with pytest.raises(RecordingError, match="inputs 0 to 19 are lost"):
        entries(whole)


@pytest.mark.parametrize("offset", [0, 1, 3, 8], ids=["opcode", "length", "high length", "highest length"])
def test_a_damaged_frame_costs_one_chunk_only(whole: Path, offset: int) -> None:
    """A wrong opcode or length does not lead the reader away from the chunks behind it."""
    flip(whole, chunks(whole)[3][0] + offset)
    reader = CaptureReader(whole, strict=False)
    assert [entry.number for entry in reader] == [*range(60), *range(80, 200)]
    assert reader.missing == 20


def test_a_wrong_length_between_chunks_costs_nothing(whole: Path) -> None:
    """The index behind a chunk says nothing that inputs need: its damage does not swallow the next chunk."""
    index = chunks(whole)[3][1]
    start, end = chunks(whole)[4]
    data = bytearray(whole.read_bytes())
    data[index + 1 : index + 9] = ((start + end) // 2 - index - 9).to_bytes(8, "little")
    whole.write_bytes(data)
    assert [entry.number for entry in entries(whole)] == list(range(200))


@functools.cache
def _small(folder: Path) -> bytes:
    """Return a whole recording of 40 inputs in eight chunks."""
    return store(folder / "small.mcap", session(40), every=5).read_bytes()


@settings(max_examples=150)
@given(data=st.data())
def test_any_damage_gives_true_inputs_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Wherever bytes are overwritten: every input that comes out is the one that went in, or RecordingError."""
    items = session(40)
    content = bytearray(_small(tmp_path_factory.getbasetemp()))
    path = tmp_path_factory.getbasetemp() / "damage.mcap"
    position = data.draw(st.integers(0, len(content) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=40))
    content[position : position + len(noise)] = noise
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    for strict in (True, False):
        try:
            for entry in CaptureReader(path, strict=strict):
                assert entry.item == items[entry.number]
        except RecordingError as error:
            assert str(error).startswith(str(path))  # noqa: PT017  (an error may come, it need not)


def test_a_missing_input_without_damage_is_a_note(tmp_path: Path) -> None:
    """A repaired recording has a hole that is known: it can be replayed, and the note says which inputs are missing."""
    path = tmp_path / "a.mcap"
    items = session(10)
    with path.open("xb") as stream:
        capture = CaptureFile(stream, ORIGIN, first_number=0, utc_offset_ns=None)
        for number in (0, 1, 2, 4, 5, 9):
            capture.add_input(number, items[number])
        capture.finish()
    reader = CaptureReader(path)
    assert len(list(reader)) == 6
    assert reader.notes == [f"{path}: input 3 is missing.", f"{path}: inputs 6 to 8 are missing."]


def test_inputs_out_of_order_are_refused(tmp_path: Path) -> None:
    """Some tools sort messages by time: such a file is no longer what was heard."""
    path = tmp_path / "a.mcap"
    with path.open("xb") as stream:
        capture = CaptureFile(stream, ORIGIN, first_number=0, utc_offset_ns=None)
        for number in (0, 2, 1):
            capture.add_input(number, session(5)[number])
        capture.finish()
    with pytest.raises(RecordingError, match="out of order: input 1 comes after input 2"):
        entries(path)


@pytest.mark.parametrize("compression", list(CompressionType))
@pytest.mark.parametrize("chunked", [True, False])
def test_files_rewritten_by_other_tools_are_read(tmp_path: Path, compression: CompressionType, chunked: bool) -> None:
    """Any compression MCAP knows, and messages outside of chunks."""
    path = tmp_path / "a.mcap"
    items = session(30)
    with path.open("wb") as stream:
        writer = Writer(stream, compression=compression, use_chunking=chunked)
        writer.start(profile="ankled")
        schema = writer.register_schema(SCHEMA_NAME, "jsonschema", b"{}")
        if not chunked:
            writer.add_metadata("other", {"key": "value"})  # lets go of the schema
        channel = writer.register_channel("/inputs/all", "msgpack", schema)
        for number, item in enumerate(items):
            writer.add_message(channel, item.host_ns, encode(item), item.host_ns, number)
        _finish(writer)
    reader = CaptureReader(path)
    assert [entry.item for entry in reader] == items
    assert reader.finished


@given(number=st.integers(0, 2**40), step=st.integers(-(2**30), 2**30))
def test_numbers_go_on_beyond_32_bits(number: int, step: int) -> None:
    """MCAP keeps the low 32 bits of a number; the one near the last is meant."""
    assert full_number((number + step) & 0xFFFF_FFFF, number) == number + step


def test_a_file_may_begin_beyond_32_bits(tmp_path: Path) -> None:
    """The file itself says at which number it begins."""
    path = tmp_path / "a.mcap"
    with path.open("xb") as stream:
        capture = CaptureFile(stream, ORIGIN, first_number=2**33 + 7, utc_offset_ns=None)
        for index, item in enumerate(session(5)):
            capture.add_input(2**33 + 7 + index, item)
        capture.finish()
    assert [entry.number for entry in entries(path)] == [2**33 + 7 + index for index in range(5)]


def test_a_recording_can_be_read_while_it_grows(tmp_path: Path) -> None:
    """`capture info` and `verify` work on the file that the daemon is writing."""
    record(tmp_path / "a.mcap", session(50))
    data = (tmp_path / "a.mcap").read_bytes()
    growing = tmp_path / "b.mcap"
    growing.write_bytes(data[: chunks(tmp_path / "a.mcap")[-1][1]])
    assert len(entries(growing)) == 50
