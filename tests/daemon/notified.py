"""Who listens at NOTIFY_SOCKET in place of systemd: a real datagram socket, and what was said to it."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from tests.daemon.brokers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Listener:
    """Hears what is said. `WATCHDOG_USEC` is `watchdog_s`, and `kept` is what was said beside the beats."""

    def __init__(self, address: str, watchdog_s: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.watchdog_s = watchdog_s
        self.environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": str(round(watchdog_s * 1e6))}
        self.said: list[dict[str, str]] = []

    def next(self, timeout_s: float = PATIENCE_S) -> dict[str, str] | None:
        """Return what is said next; None where nothing is within that time."""
        self._socket.settimeout(timeout_s)
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return None
        told = dict(line.split("=", 1) for line in data.decode().splitlines())
        self.said.append(told)
        return told

    def until(self, name: str, text: str = "") -> dict[str, str]:
        """Return the next that says `name` with this text in it."""
        while (told := self.next()) is not None:
            if name in told and text in told[name]:
                return told
        message = f"nobody says {name} with {text!r}; said was {self.said}"
        raise AssertionError(message)

    def waiting(self) -> list[dict[str, str]]:
        """Return what has been said and not been heard yet."""
        return list(iter(lambda: self.next(0.001), None))

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


@contextlib.contextmanager
def listening(folder: Path, watchdog_s: float = 3.0) -> Iterator[Listener]:
    """Listen at a socket in this folder."""
    listener = Listener(str(folder / "notify"), watchdog_s)
    try:
        yield listener
    finally:
        listener.close()
