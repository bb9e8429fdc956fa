"""The architecture in one test: what a recording replays to is, byte for byte, what was published live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from ankled.daemon.capture.form import Entry, origin
from ankled.daemon.capture.reader import CaptureReader, read_chain
from ankled.daemon.capture.writer import CaptureLimits, CaptureWriter
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Config, State, Stop, Tick
from ankled.daemon.inputs_codec import decode, encode
from ankled.daemon.pipeline import Core
from tests.daemon.recordings import chunks
from tests.daemon.wearers import (
    BOOT_NS,
    SECOND,
    WALK_LIFT_WALK,
    Recording,
    changed,
    events,
    legs,
    lines,
    packets,
    pairs,
    reps,
    run,
    session,
    sessions,
    sets,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ankled.daemon.inputs import Input


def _worn() -> dict[str, Recording]:
    """Return two legs that walk and lift, the left one with a gap in mid-walk, the right one silent in a rest."""
    recordings = legs(*WALK_LIFT_WALK)
    last_s = float(recordings["left"].time_s[-1])
    return {
        "left": recordings["left"].without(5.02, 5.6),
        "right": recordings["right"].without(last_s - 13.0, last_s - 5.9),
    }


def _inputs() -> list[Input]:
    """Return a session in which much happens: gaps, rests, ticks, a reload; inputs after its end; a second session."""
    items = session(_worn())
    reload = Config(host_ns=BOOT_NS + 12 * SECOND, settings=changed(settings(), "right", mass_kg=2.0))
    at = next(i for i, item in enumerate(items) if item.host_ns >= reload.host_ns)
    monday = [*items[:at], reload, *items[at:]]
    late = [items[-2], Tick(host_ns=items[-1].host_ns + SECOND)]
    tuesday = Config(host_ns=BOOT_NS + 100 * SECOND, settings=settings(session="tuesday"))
    walk = [
        msgspec.structs.replace(item, host_ns=item.host_ns + 100 * SECOND)
        for item in packets("left", legs(*WALK_LIFT_WALK)["left"].until(9.0))
    ]
    return [*monday, *late, tuesday, *walk, Stop(host_ns=BOOT_NS + 110 * SECOND, reason="asked")]


INPUTS = _inputs()
BETWEEN = next(i for i, item in enumerate(INPUTS) if isinstance(item, Stop)) + 1
"""The first input after the end of the first session."""


def _live(items: Sequence[Input]) -> list[list[bytes]]:
    """Return what each input gave, as published."""
    dispatcher = Dispatcher(Core())
    return [lines(dispatcher.feed(item)) for item in items]


LIVE = _live(INPUTS)


def _flat(published: Iterable[Iterable[bytes]]) -> list[bytes]:
    return [line for of_one in published for line in of_one]


def _replayed(entries: Iterable[Entry]) -> list[bytes]:
    return lines(Dispatcher(Core()).replay(entries))


def _record(path: Path, limits: CaptureLimits | None = None) -> None:
    """Feed the session live into a real recorder; what it publishes is what it would without one."""
    writer = CaptureWriter(path, origin("gym", "monday"), limits)
    dispatcher = Dispatcher(Core(), writer)
    assert [lines(dispatcher.feed(item)) for item in INPUTS] == LIVE
    writer.close()


def test_the_session_of_these_tests_has_something_of_everything() -> None:
    """The identity below is about strides, repetitions, each way a set closes, pairs, events and totals."""
    records = run(INPUTS)
    assert {rep.kind for rep in reps(records)} == {"stride", "rep"}
    assert {closed.closed_by for closed in sets(records)} == {"rest", "movement", "stop", "request"}
    assert {event.event for event in events(records)} == {"axis_settled", "interrupted"}
    assert {pair.of for pair in pairs(records)} == {"stride", "rep"}
    assert [total.session for total in sessions(records)] == ["monday", "tuesday"]
    assert any(rep.retroactive for rep in reps(records))


def test_live_equals_replay(tmp_path: Path) -> None:
    """Simulated legs, live dispatcher, capture file, replay into a fresh core: the same bytes."""
    _record(tmp_path / "a.mcap")
    assert _replayed(CaptureReader(tmp_path / "a.mcap")) == _flat(LIVE)


def test_every_rotated_file_replays_to_the_records_of_its_own_inputs(tmp_path: Path) -> None:
    """A file that begins in mid-session opens with the state there, so it gives what was published from there on."""
    _record(tmp_path / "a.mcap", CaptureLimits(rotate_s=2.5))
    files = sorted(tmp_path.iterdir(), key=lambda path: (len(path.name), path.name))
    assert len(files) > 8
    for index, path in enumerate(files):
        reader = CaptureReader(path)
        published = _replayed(reader)
        assert reader.first is not None
        assert reader.last is not None
        assert published == _flat(LIVE[reader.first : reader.last + 1])
        later = [CaptureReader(file) for file in files[index:]]
        assert _replayed(read_chain(later)) == _flat(LIVE[reader.first :])


@limits(max_examples=40)
@given(number=st.integers(1, len(INPUTS) - 1))
@example(number=BETWEEN)
def test_a_recording_that_begins_anywhere_replays_identically(number: int) -> None:
    """Whatever is open there, the state holds it: a set, a stride, axes not settled, strides that wait for a pair."""
    core = Core()
    newest: Input = INPUTS[0]
    for item in INPUTS[:number]:
        core.feed(item)
        newest = item if isinstance(item, Config) else newest
    state = State(host_ns=INPUTS[number - 1].host_ns, version=core.version, data=core.snapshot())
    # Through bytes and back, as a file would hold them.
    tape = [Entry(number, decode(encode(item)), opening=True) for item in (newest, state)]
    tape += [Entry(number + i, decode(encode(item)), opening=False) for i, item in enumerate(INPUTS[number:])]
    assert _replayed(tape) == _flat(LIVE[number:])


def test_a_snapshot_taken_over_is_the_same_snapshot() -> None:
    """Nothing is lost in a state: what restored from it says of itself is the same bytes, at every tenth input."""
    core = Core()
    config = INPUTS[0]
    for number, item in enumerate(INPUTS):
        core.feed(item)
        config = item if isinstance(item, Config) else config
        if number % 10 == 0:
            data = core.snapshot()
            twin = Core()
            twin.feed(config)
            twin.restore(data)
            assert twin.snapshot() == data


def test_a_file_cut_anywhere_gives_a_prefix(tmp_path: Path) -> None:
    """A kill at any byte loses the end and alters nothing before it."""
    path, cut = tmp_path / "a.mcap", tmp_path / "cut.mcap"
    _record(path, CaptureLimits(sync_s=0.0))
    whole = path.read_bytes()
    spans = chunks(path)
    some = [edge + delta for span in spans[:: len(spans) // 6] for edge in span for delta in (-1, 0)]
    seen = set()
    for size in [*some, *range(0, len(whole), len(whole) // 12), len(whole)]:
        cut.write_bytes(whole[:size])
        try:
            published = _replayed(CaptureReader(cut))
        except RecordingError as error:
            assert size < spans[0][1], error  # noqa: PT017  (before the first chunk there is nothing to read)
            continue
        assert published == _flat(LIVE)[: len(published)]
        seen.add(len(published))
    assert len(_flat(LIVE)) in seen
    assert len(seen) > 5


@limits(max_examples=20)
@given(sizes=st.lists(st.integers(1, 120), min_size=1, max_size=6), other=st.lists(st.integers(1, 9), min_size=1))
def test_how_a_stream_is_cut_into_packets_alters_nothing(sizes: list[int], other: list[int]) -> None:
    """One device's records, sets closed by rest included, do not depend on its packets, and two devices' not at all."""
    worn = _worn()
    config = Config(host_ns=BOOT_NS, settings=settings())
    stop = Stop(host_ns=BOOT_NS + 60 * SECOND, reason="asked")

    def alone(slug: str, cut: Sequence[int]) -> list[bytes]:
        return lines(run([config, *packets(slug, worn[slug], cut), stop]))

    assert alone("left", sizes) == alone("left", other)


def test_the_state_bears_the_version_of_the_core(tmp_path: Path) -> None:
    """A state belongs to the kernels that wrote it: their digest is in its version, and another one is refused."""
    _record(tmp_path / "a.mcap", CaptureLimits(rotate_s=10.0))
    entries = list(CaptureReader(tmp_path / "a.001.mcap"))
    state = next(entry.item for entry in entries if isinstance(entry.item, State))
    assert state.version == Core.version
    assert "+" in state.version
    other = State(host_ns=state.host_ns, version=state.version.split("+", maxsplit=1)[0], data=state.data)
    tape = [entry._replace(item=other) if isinstance(entry.item, State) else entry for entry in entries]
    with pytest.raises(RecordingError, match="with the same kernels"):
        _replayed(tape)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xc1", b"nonsense"])
def test_a_state_that_cannot_be_read_is_a_sentence(data: bytes) -> None:
    """A damaged opening state is the recording's fault, and said so."""
    core = Core()
    core.feed(INPUTS[0])
    with pytest.raises(RecordingError, match="opening state cannot be read"):
        core.restore(data)
