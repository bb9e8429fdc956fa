"""Captures and CSV recordings: valid files with bits, records and inputs changed, lost, doubled and out of order."""

from __future__ import annotations

import atexit
import contextlib
import io
import shutil
import struct
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ankled.daemon.capture import form
from ankled.daemon.capture.file import CaptureFile
from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.capture.repair import repair, repair_folder
from ankled.daemon.capture.report import describe, examine
from ankled.daemon.csvfile import read_csv
from ankled.daemon.decoded import Decoder
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs_codec import encode
from tests.daemon.recordings import ORIGIN, CountingCore, session
from tests.fuzz.mutate import mutated

if TYPE_CHECKING:
    import random

_FRAME: Final = struct.Struct("<BQ")
_MAGIC: Final = 8
_INPUTS: Final = 60
_WORDS: Final = (
    b"nan", b"inf", b"-inf", b"1e999", b"1e308", b"-1e308", b"", b'"', b'"\n"', b"1_0", b"0x1", b" ", b"\r", b"\n\n",
    b"\t", b";", "\u0661".encode(), b"\xff", b"1" * 5000, b"9.3e9", b"-9.3e9", b"t", b"gz,gz", b"\xef\xbb\xbf", b"\0",
)  # fmt: skip


class Recordings:
    """Draws files and reads them in every way there is."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="fuzz")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self._path = Path(folder)

    @cached_property
    def _encoded(self) -> list[tuple[str, int, bytes]]:
        items = session(_INPUTS)
        return [(form.topic(item), item.host_ns, encode(item)) for item in items]

    @cached_property
    def _csv(self) -> bytes:
        rows = np.random.default_rng(1).normal(size=(60, 6)).round(4)
        lines = [f"{number / 100:.2f}," + ",".join(map(str, row)) for number, row in enumerate(rows)]
        return "\n".join(["t,ax,ay,az,gx,gy,gz", *lines, ""]).encode()

    def draw(self, rng: random.Random) -> bytes:
        """Return a file."""
        match rng.randrange(6):
            case 0:
                return self._table(rng)
            case 1:
                return mutated(rng, self._written(rng, spoil=False))
            case 2:
                return _reframed(rng, self._written(rng, spoil=rng.random() < 0.3))
            case 3:
                return _garbage(rng)
            case 4:
                return mutated(rng, self._written(rng, spoil=True)) if rng.random() < 0.3 else self._written(rng)
            case _:
                return self._written(rng)

    def _table(self, rng: random.Random) -> bytes:
        data = self._csv
        if rng.random() < 0.5:
            fields = data.split(b",")
            for _ in range(rng.choice((1, 1, 3))):
                fields[rng.randrange(len(fields))] = rng.choice(_WORDS)
            data = b",".join(fields)
        return mutated(rng, data) if rng.random() < 0.6 else data

    def _written(self, rng: random.Random, *, spoil: bool = True) -> bytes:
        """Return a whole capture, every checksum in order, of inputs that are spoilt before they are stored."""
        stream = io.BytesIO()
        given = list(self._encoded[: rng.randrange(2, _INPUTS)])
        first = rng.choice((0, 0, 0, 7, 2**32 - 3))
        capture = CaptureFile(stream, ORIGIN, first_number=first, utc_offset_ns=rng.choice((None, 0, 2**62)))
        numbers = list(range(first, first + len(given)))
        for _ in range(rng.choice((1, 1, 2, 5)) if spoil else 0):
            at = rng.randrange(len(given))
            topic, host_ns, data = given[at]
            match rng.randrange(5):
                case 0 | 1:
                    given[at] = (topic, host_ns, mutated(rng, data, [one for _, _, one in given]))
                case 2:
                    given[at] = (rng.choice(("/opening/config", "/opening/state", "/x", "")), host_ns, data)
                case 3:
                    numbers[at] = rng.choice((0, numbers[at - 1], 2**31, 2**32 - 1, rng.randrange(2**32)))
                case _:
                    given[at] = (topic, rng.choice((0, 2**63, 2**64 - 1)), data)
        for number, (topic, host_ns, data) in zip(numbers, given, strict=True):
            capture.add(topic, number, data, host_ns=host_ns, utc_offset_ns=None)
            if rng.random() < 0.1:
                capture._writer.flush()  # type: ignore[no-untyped-call]  # a chunk ends; there is no disk to sync
        capture._writer.finish()  # type: ignore[no-untyped-call]  # the library leaves it without types
        return stream.getvalue()

    def run(self, data: bytes) -> None:
        """Read a file as a table and as a capture, repair it, and read what came of that."""
        table, capture, whole = (self._path / name for name in ("x.csv", "x.mcap", "y.mcap"))
        table.write_bytes(data)
        with contextlib.suppress(RecordingError):
            found = read_csv(table)
            assert np.isfinite(found.time_s).all()
            assert (np.diff(found.time_s) >= 0.0).all()
            assert np.isfinite(found.acc).all()
            assert np.isfinite(found.gyr).all()
        capture.write_bytes(data)
        with contextlib.suppress(RecordingError):
            _replayed(capture)
        with contextlib.suppress(RecordingError):
            report = examine(capture)
            describe(report)
            assert report.inputs >= 0
        with contextlib.suppress(RecordingError):
            done = repair(capture, whole, overwrite=True)
            report = examine(whole)
            assert report.finished
            assert not report.damage
            assert report.inputs == done.inputs
            with contextlib.suppress(RecordingError):  # what replays must not bear what is not in the file
                _replayed(whole)
        assert capture.read_bytes() == data, "what is read stays as it is"
        repair_folder(self._path)
        for path in self._path.iterdir():
            path.unlink()


def _replayed(path: Path) -> None:
    """Decode every input, and feed them to a core."""
    decode = Decoder()
    dispatcher = Dispatcher(CountingCore())
    for entry in CaptureReader(path):
        for samples in decode(entry.item):
            assert len(samples.acc) < 1 << 20
        for _ in dispatcher.replay([entry]):
            pass


def _reframed(rng: random.Random, data: bytes) -> bytes:
    """Return a file whose records are lost, doubled or in another order, or whose lengths are wrong."""
    frames, at = [], _MAGIC
    while at + _FRAME.size <= len(data) - _MAGIC:
        _, length = _FRAME.unpack_from(data, at)
        frames.append(data[at : at + _FRAME.size + length])
        at += _FRAME.size + length
    for _ in range(rng.choice((1, 1, 2, 4))):
        one, two = rng.randrange(len(frames)), rng.randrange(len(frames))
        match rng.randrange(6):
            case 0:
                frames[one], frames[two] = frames[two], frames[one]
            case 1:
                frames.insert(one, frames[two])
            case 2 if len(frames) > 1:
                del frames[one]
            case 3:
                length = rng.choice((0, 1, 2**16, 2**32, 2**63, 2**64 - 1, rng.randrange(1000)))
                frames[one] = frames[one][:1] + length.to_bytes(8, "little") + frames[one][_FRAME.size :]
            case 4:
                frames[one] = bytes((rng.randrange(256),)) + frames[one][1:]
            case _:
                body = mutated(rng, frames[one][_FRAME.size :])
                frames[one] = _FRAME.pack(frames[one][0], len(body)) + body
    return data[:_MAGIC] + b"".join(frames) + data[-_MAGIC:]


def _garbage(rng: random.Random) -> bytes:
    """Return garbage behind the bytes that mark an MCAP file."""
    return b"\x89MCAP0\r\n" + rng.randbytes(rng.randrange(400))
