"""The dispatcher: the one synchronous place where inputs get their numbers, are recorded, and reach the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Config, Input, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ankled.daemon.capture.form import Entry
    from ankled.daemon.records import Record


class Core(Protocol):
    """What the dispatcher feeds: everything between inputs and records, without a clock and without I/O."""

    @property
    def version(self) -> str:
        """Whose snapshots it can take over: those that bear the same."""

    def feed(self, item: Input, /) -> list[Record]:
        """Take one input, never a State, and return the records it completes."""

    def snapshot(self) -> bytes:
        """Return the whole state, such that a core restored from it gives the same records from here on."""

    def restore(self, data: bytes, /) -> None:
        """Take over a snapshot; the Config that holds with it was fed before."""


class Capture(Protocol):
    """Who records the inputs; see `capture.writer.CaptureWriter`."""

    @property
    def due(self) -> bool:
        """Whether a new file begins before the next input."""

    def begin(self, number: int, opening: Sequence[Input], /) -> None:
        """Open a new file before input `number`, with what restates the settings and the state."""

    def write(self, number: int, item: Input, /) -> None:
        """Record one input."""


class Dispatcher:
    """Numbers inputs from 0, hands each to the capture, then to the core.

    A State among the inputs is restored into the core. At each new capture file the core is asked for its state,
    which opens the file together with the newest Config and takes no number.
    """

    def __init__(self, core: Core, capture: Capture | None = None) -> None:
        self._core: Final = core
        self._capture = capture
        self._number = 0
        self._host_ns = 0
        self._config: Config | None = None

    @property
    def number(self) -> int:
        """The number of the next input."""
        return self._number

    def record_to(self, capture: Capture | None) -> None:
        """Record from the next input on, also in mid-session; None ends recording. Closing is the caller's."""
        self._capture = capture

    def feed(self, item: Input) -> list[Record]:
        """Give one input its number, record it, process it; return the records it completed.

        Raises RecordingError, and changes nothing, for an input that cannot be recorded or a state of another version.
        """
        if isinstance(item, State):
            self._check(item)
        if self._capture is not None:
            if self._capture.due:
                self._capture.begin(self._number, self._opening())
            self._capture.write(self._number, item)
        self._number += 1
        return self._process(item)

    def replay(self, entries: Iterable[Entry]) -> Iterator[Record]:
        """Feed the entries of a capture under their own numbers and yield the records.

        An opening is what the core starts from: it is not numbered, and what it might complete was published before.
        """
        for entry in entries:
            if self._config is None and not isinstance(entry.item, Config):
                raise RecordingError(f"the recording begins with input {entry.number}, without its settings.")
            if entry.opening:
                if isinstance(entry.item, State):
                    self._check(entry.item)
                self._number = entry.number
                self._process(entry.item)
                continue
            self._number = entry.number
            yield from self.feed(entry.item)

    def _process(self, item: Input) -> list[Record]:
        self._host_ns = item.host_ns
        if isinstance(item, State):
            self._core.restore(item.data)
            return []
        if isinstance(item, Config):
            self._config = item
        return self._core.feed(item)

    def _opening(self) -> list[Input]:
        if self._config is None:
            return []
        return [self._config, State(host_ns=self._host_ns, version=self._core.version, data=self._core.snapshot())]

    def _check(self, state: State) -> None:
        if state.version != self._core.version:
            raise RecordingError(
                f"the recording begins in mid-session with a state of ankled {state.version}: only that version, "
                f"with the same kernels, can take it over; this is {self._core.version}."
            )
