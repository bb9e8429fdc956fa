"""Small recordings and a small core for the tests of dispatcher and capture."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import msgspec
import numpy as np
from hypothesis import strategies as st
from mcap.reader import make_reader

from ankled.daemon.capture.file import CaptureFile
from ankled.daemon.capture.form import Entry, Origin
from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.capture.writer import CaptureLimits, CaptureWriter
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.inputs import ClockAnchor, Command, Config, Input, Notification, Stop, Tick
from ankled.daemon.records import Event, Record
from ankled.daemon.settings import DeviceSettings, PipelineSettings
from ankled.drivers.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

ORIGIN = Origin(version="0", node="gym", session="monday", cpu="a processor", kernels="0123456789abcdef")
SETTINGS = PipelineSettings(node="gym", session="monday", devices=(DeviceSettings(slug="left", side="left"),))
SECOND = 1_000_000_000


class _State(msgspec.Struct):
    seq: int = 0
    total: float = 0.0
    seen: int = 0
    node: str = ""


class CountingCore:
    """Every third input gives a record that depends on the bytes of every input before it."""

    version = "1"

    def __init__(self) -> None:
        self.state = _State()

    def feed(self, item: Input) -> list[Record]:
        """Fold the input into the state."""
        state = self.state
        if isinstance(item, Config):
            state.node = item.settings.node
        if isinstance(item, Notification):
            state.total = state.total * 0.75 + sum(item.data) / 7
        if isinstance(item, Samples):
            state.total = state.total * 0.5 + float(item.acc.sum())
        state.seen += 1
        if state.seen % 3 and not isinstance(item, Stop):
            return []
        state.seq += 1
        return [
            Event(
                id=f"{state.node}/{state.seq}",
                seq=state.seq,
                session="monday",
                node=state.node,
                device="left",
                event="slip",
                known_at_s=item.host_ns / SECOND,
                detail={"total": state.total, "seen": float(state.seen)},
            )
        ]

    def snapshot(self) -> bytes:
        """Return the whole state."""
        return msgspec.msgpack.encode(self.state)

    def restore(self, data: bytes) -> None:
        """Take over a state."""
        self.state = msgspec.msgpack.decode(data, type=_State)


def session(count: int, *, seed: int = 1) -> list[Input]:
    """Return the inputs of a session: settings, a clock anchor, notifications, commands and ticks, the end."""
    random = np.random.default_rng(seed)
    items: list[Input] = [Config(host_ns=0, settings=SETTINGS)]
    for index in range(1, count - 1):
        now = index * SECOND // 20
        if index == 2:
            items.append(ClockAnchor(host_ns=now, utc_ns=1_700_000_000 * SECOND + now))
        elif index % 7 == 0:
            items.append(Command(host_ns=now, name="mark", device=None, arguments={"label": f"set {index}", "kg": 1.5}))
        elif index % 11 == 0:
            items.append(Tick(host_ns=now))
        else:
            data = random.bytes(int(random.integers(20, 120)))
            device = ("left", "right")[index % 2]
            items.append(Notification(host_ns=now, device=device, epoch=1, characteristic="2a37", data=data))
    return [*items, Stop(host_ns=count * SECOND // 20, reason="asked")]


def record(path: Path, items: Iterable[Input], limits: CaptureLimits | None = None) -> list[list[Record]]:
    """Feed a session through a dispatcher that records to `path`; return what each input gave."""
    writer = CaptureWriter(path, ORIGIN, limits)
    dispatcher = Dispatcher(CountingCore(), writer)
    results = [dispatcher.feed(item) for item in items]
    writer.close()
    return results


def replay(entries: Iterable[Entry]) -> list[Record]:
    """Return the records of a fresh core that is fed the entries."""
    return list(Dispatcher(CountingCore()).replay(entries))


def flat(results: Sequence[Sequence[Record]]) -> list[Record]:
    """Return all records in order."""
    return [record for records in results for record in records]


def entries(path: Path, *, strict: bool = True) -> list[Entry]:
    """Return all entries of a capture file."""
    return list(CaptureReader(path, strict=strict))


def chunks(path: Path) -> list[tuple[int, int]]:
    """Return start and end of every chunk of a whole file, found by its index through the mcap library."""
    with path.open("rb") as stream:
        summary = make_reader(stream).get_summary()
    assert summary is not None
    return [(c.chunk_start_offset, c.chunk_start_offset + c.chunk_length) for c in summary.chunk_indexes]


def store(path: Path, items: Iterable[Input], every: int = 20) -> Path:
    """Write inputs to a whole file with a chunk for every few of them."""
    with path.open("xb") as stream:
        capture = CaptureFile(stream, ORIGIN, first_number=0, utc_offset_ns=None)
        for number, item in enumerate(items):
            capture.add_input(number, item)
            if number % every == every - 1:
                capture.sync()
        capture.finish()
    return path


# --- strategies ---------------------------------------------------------------------------------------------------

_text = st.text(st.characters(codec="utf-8"), max_size=20)
_int = st.integers(-(2**63), 2**64 - 1)
_floats = st.floats(width=64, allow_nan=True)


@st.composite
def _samples(draw: st.DrawFn) -> Samples:
    count = draw(st.integers(0, 4))
    bits = draw(st.binary(min_size=56 * count, max_size=56 * count))  # any bits at all, NaN payloads included
    values = np.frombuffer(bits, dtype=np.float64).reshape(count, 7)
    return Samples(
        device=draw(_text),
        host_ns=draw(_int),
        time_s=values[:, 0].copy() if draw(st.booleans()) else None,
        acc=values[:, 1:4].copy(),
        gyr=values[:, 4:7].copy() if draw(st.booleans()) else None,
        missing=draw(st.integers(0, 1000)),
    )


def any_input() -> st.SearchStrategy[Input]:
    """Return a strategy for every type of input."""
    device = st.builds(
        DeviceSettings,
        slug=st.from_regex(r"\A[a-z0-9_-]{1,64}\Z"),
        side=st.sampled_from(["left", "right", "unknown"]),
        mass_kg=st.floats(0.001, 50.0),
        rate_hz=st.none() | st.floats(10.0, 2000.0),
    )
    settings = st.builds(
        PipelineSettings,
        session=_text,
        set_rest_s=st.floats(1.0, 600.0),
        devices=st.lists(device, max_size=2).map(tuple),
    )
    special: dict[type[Input], st.SearchStrategy[Input]] = {
        Samples: _samples(),
        Config: st.builds(Config, host_ns=_int, settings=settings),
    }
    fields: dict[str, st.SearchStrategy[object]] = {
        "host_ns": _int, "utc_ns": _int, "epoch": _int, "count": _int, "up": st.booleans(), "data": st.binary(),
        "mtu": _int, "services": st.lists(_text, max_size=3).map(tuple),
        "arguments": st.dictionaries(_text, _text | _int | _floats | st.booleans() | st.none(), max_size=4),
    }  # fmt: skip
    optional = {"error", "reason", "device"}

    def of(kind: type[Input]) -> st.SearchStrategy[Input]:
        if kind in special:
            return special[kind]
        chosen = {}
        for field in msgspec.structs.fields(kind):
            strategy = fields.get(field.name, _text)
            nullable = field.name in optional and "None" in str(field.type)
            chosen[field.name] = st.none() | strategy if nullable else strategy
        return st.builds(kind, **chosen)

    return st.one_of(*(of(kind) for kind in get_args(Input)))
