"""`bridge/logging`: what is logged, for those who cannot read the machine's own log.

Lines come from any thread into a bounded queue and leave it in the event loop at a bounded rate, repeated ones folded
into one with a count. What the way to the broker itself has to say stays out: it would feed on itself. So does
everything that only this machine should know: secrets, and tracebacks with their paths.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value: TypeAlias = str | float | bool | None

_QUEUE: Final = 256
_BURST: Final = 20.0
_RATE_HZ: Final = 5.0
"""Lines a second in the long run; what comes faster waits, then is dropped and counted."""
_FOLD_S: Final = 10.0
"""A line that says the same as one sent so long ago is held back, and told with its count after that."""
_KNOWN: Final = 128
_LONGEST: Final = 500
_UNHEARD: Final = ("ankled.daemon.mqtt", "ankled.daemon.bridge", "ankled.daemon.live.outlet", "mqtt", "aiomqtt", "paho")
"""The way to the broker, and us."""
_SECRET: Final = re.compile(r"passw|secret|token|credential|authori[sz]ation|api_?key", re.IGNORECASE)
_CREDENTIALS: Final = re.compile(r"(://)[^/@\s]*@")
_WORDS: Final = re.compile(r"\b(passw\w*|secret|token)(\s*[=:]\s*)\S+", re.IGNORECASE)
_PATH: Final = re.compile(r"(?<![\w.:/~])~?(?:/[\w.+@~-]+){2,}/?")
_MECHANICS: Final = frozenset({"event", "level", "logger", "time", "timestamp", "exc_info", "stack_info", "stack"})

Level: TypeAlias = Literal["debug", "info", "warning", "error"]


class LogLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ankled.log/1"):
    """One line of the log. `repeated`: how often it was said again since it was last told.

    `dropped`: how many lines before this one came faster than they could be sent.
    """

    time_utc: str
    level: Level
    logger: str
    event: str
    values: dict[str, Value]
    repeated: int
    dropped: int


class _Heard(msgspec.Struct, kw_only=True):
    """A line that was sent, and how often it came again since; `at_s` is when it was sent or last looked at."""

    line: LogLine
    at_s: float
    again: int = 0


class Journal(logging.Handler):
    """A handler of `logging`, put beside the others with `logs.listen`; `flush_to` is called in the event loop."""

    def __init__(self, level: Level) -> None:
        super().__init__(level.upper())
        self._lines: deque[LogLine] = deque()
        self._dropped = 0
        self._heard: dict[tuple[object, ...], _Heard] = {}
        self._tokens = _BURST
        self._at_s: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out what the way to the broker says, and what `logs` would not write down either."""
        if any(record.name == one or record.name.startswith(f"{one}.") for one in _UNHEARD):
            return False
        return bool(super().filter(record))

    def emit(self, record: logging.LogRecord) -> None:
        """Take one line, from any thread; never waits and never fails."""
        try:
            line = _line(record)
        except Exception:  # noqa: BLE001  (a line that cannot be told is not worth a failure)
            self._dropped += 1
            return
        if len(self._lines) >= _QUEUE:
            self._dropped += 1
            return
        self._lines.append(line)

    def flush_to(self, show: Callable[[LogLine], None], now_s: float) -> None:
        """Send what may be sent now."""
        passed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        self._tokens = min(_BURST, self._tokens + _RATE_HZ * passed_s)
        for key, heard in list(self._heard.items()):
            if now_s - heard.at_s < _FOLD_S:
                continue
            if heard.again == 0:
                del self._heard[key]
            elif self._send(msgspec.structs.replace(heard.line, repeated=heard.again), show):
                heard.again, heard.at_s = 0, now_s
        while self._lines:
            line = self._lines[0]
            key = line.level, line.logger, line.event, tuple(sorted((k, repr(v)) for k, v in line.values.items()))
            if (known := self._heard.get(key)) is not None:
                known.line, known.again = line, known.again + 1
            elif self._send(line, show):
                if len(self._heard) >= _KNOWN:
                    del self._heard[next(iter(self._heard))]
                self._heard[key] = _Heard(line=line, at_s=now_s)
            else:
                return
            self._lines.popleft()

    def _send(self, line: LogLine, show: Callable[[LogLine], None]) -> bool:
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        dropped, self._dropped = self._dropped, 0
        show(msgspec.structs.replace(line, dropped=dropped))
        return True


def _line(record: logging.LogRecord) -> LogLine:
    """Return what is told of a record: of structlog its words and values, of a library its message."""
    said: Mapping[str, object]
    if isinstance(record.msg, dict):
        said = record.msg
        event = str(said.get("event", ""))
    else:
        said, event = {}, record.getMessage()
    values = {str(name): _value(str(name), value) for name, value in said.items() if name not in _MECHANICS}
    if record.exc_info is not None and record.exc_info[1] is not None:
        error = record.exc_info[1]
        values["exception"] = _clean(f"{type(error).__name__}: {error}")
    return LogLine(
        time_utc=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        level=_level(record.levelno),
        logger=record.name,
        event=_clean(event),
        values=values,
        repeated=0,
        dropped=0,
    )


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"


def _value(name: str, value: object) -> Value:
    if _SECRET.search(name):
        return "***"
    if value is None or isinstance(value, bool | int | float):
        return value
    return _clean(str(value))


def _clean(text: str) -> str:
    """Return a text without what looks like a secret or a path of this machine, and not too long."""
    text = text.encode(errors="replace").decode()  # a path may hold bytes that are no text, which JSON cannot
    text = _CREDENTIALS.sub(r"\1***@", text)
    text = _WORDS.sub(r"\1\2***", text)
    text = _PATH.sub(lambda found: f".../{found[0].rstrip('/').rpartition('/')[2]}", text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
