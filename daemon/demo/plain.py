"""The view without a terminal: one line a record, as `ankled replay` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from ankled.daemon.cli.show import describe
from ankled.daemon.demo import words

if TYPE_CHECKING:
    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.records import Record


class Lines:
    """Writes each record when it arrives."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`."""
        self._out = out

    def begin(self, address: BrokerAddress) -> None:
        """Say where the results go."""
        self._write(f"Two simulated sensors, live: {words.sensors()}")
        self._write(f"Through bleak, their drivers and the pipeline to {address.url}")
        self._write(f"Watch them too: {words.subscribing(address)}")

    def heard(self, record: Record) -> None:
        """Write a record."""
        self._write(describe(record))

    def draw(self, time_s: float | None) -> None:
        """Do nothing: lines stay as they are."""

    def end(self) -> None:
        """Do nothing: every line is out."""

    def _write(self, line: str) -> None:
        """Write a line, at once: somebody may be watching through a pipe."""
        self._out.write(f"{line}\n")
        self._out.flush()
