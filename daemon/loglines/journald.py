"""The journal of systemd, by its native protocol: every value of a line is a field that journalctl can ask for.

Own code instead of a binding: both that are kept need libsystemd's headers to install, and this is all there is to it
(https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
"""

from __future__ import annotations

import array
import errno
import fcntl
import json
import logging
import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import MutableMapping

SOCKET: Final = Path("/run/systemd/journal/socket")
_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG: Final = 7
_HEAD: Final = frozenset({"event", "level", "logger", "time", "message"})
_MECHANICS: Final = _HEAD | {"exception", "stack", "repeated"}
_UNFIT: Final = re.compile(r"[^A-Z0-9_]")
_LONGEST_NAME: Final = 64
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def is_journal(stream: TextIO) -> bool:
    """Tell whether a stream leads to the journal: systemd names the device and inode of the one that it gave."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def priority(level: int) -> int:
    """Return the priority of syslog for a level of `logging`."""
    return next((number for least, number in _PRIORITIES if level >= least), _DEBUG)


def render(_logger: object, _name: str, event: MutableMapping[str, Any]) -> str:
    """Return an entry as it is sent, one character a byte: the last processor of a formatter."""
    record: logging.LogRecord = event.pop("_record")
    event.pop("_from_structlog", None)
    fields = {
        "MESSAGE": _message(event),
        "PRIORITY": str(priority(record.levelno)),
        "SYSLOG_IDENTIFIER": "ankled",
        "SYSLOG_PID": str(record.process),
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName,
        "THREAD_NAME": record.threadName or "",
        "LOGGER": record.name,
        "ANKLED_EVENT": str(event.get("event", "")),
    }
    for name, value in event.items():
        if name not in _HEAD:
            fields[f"ANKLED_{_UNFIT.sub('_', name.upper())}"[:_LONGEST_NAME]] = _text(value)
    return b"".join(_field(name, text) for name, text in fields.items()).decode("latin-1")


class JournalHandler(logging.Handler):
    """Sends to the journal and never waits: what a journal that hangs does not take is counted and told afterwards.

    Where there is no journal, `fallback` has the lines.
    """

    def __init__(self, fallback: logging.Handler, path: Path = SOCKET) -> None:
        """Prepare; nothing is opened that a journal restarted would close."""
        super().__init__()
        self._fallback = fallback
        self._path = str(path)
        self._lost = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line."""
        try:
            self._send(self.format(record).encode("latin-1"))
            if self._lost:
                lost, self._lost = self._lost, 0
                text = f"{lost} log lines were lost: the journal did not take them"
                fields = {"MESSAGE": text, "PRIORITY": "4", "SYSLOG_IDENTIFIER": "ankled", "ANKLED_LOST": str(lost)}
                self._send(b"".join(_field(name, value) for name, value in fields.items()))
        except BlockingIOError:
            self._lost += 1
        except OSError:
            self._fallback.handle(record)
        except Exception:  # noqa: BLE001  (as every handler: a line that cannot be written harms nobody)
            self.handleError(record)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendto(data, self._path)
        except OSError as error:
            if error.errno not in {errno.EMSGSIZE, errno.ENOBUFS}:
                raise
            self._send_large(data)

    def _send_large(self, data: bytes) -> None:
        """Send what is too long for a datagram as a sealed file in memory."""
        handle = os.memfd_create("ankled-log", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        with os.fdopen(handle, "wb", buffering=0) as file:
            file.write(data)
            fcntl.fcntl(handle, fcntl.F_ADD_SEALS, _SEALS)
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [handle]))]
            self._socket.sendmsg([], ancillary, 0, self._path)


class PrefixedFormatter(logging.Formatter):
    """Puts `<N>` before each line of another formatter: by it the journal knows the priority of a line on a stream."""

    def __init__(self, inner: logging.Formatter) -> None:
        """Wrap `inner`."""
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Return the line with its priority."""
        mark = f"<{priority(record.levelno)}>"
        return "\n".join(f"{mark}{line}" for line in self._inner.format(record).splitlines())


def _message(event: MutableMapping[str, Any]) -> str:
    """Return a line for people: the event and its values, and a traceback below."""
    values = [f"{name}={_text(value)}" for name, value in event.items() if name not in _MECHANICS]
    text = " ".join([str(event.get("event", "")), *values])
    if "repeated" in event:
        text += f" (repeated {event['repeated']} times)"
    below = [str(event[name]) for name in ("stack", "exception") if name in event]
    return "\n".join([text, *below])


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _field(name: str, text: str) -> bytes:
    data = text.encode(errors="backslashreplace")
    if b"\n" in data:
        return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
    return name.encode() + b"=" + data + b"\n"
