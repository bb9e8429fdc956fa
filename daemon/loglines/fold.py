"""No flood: a line that repeats is written at once, then once a minute with the number of times it came again.

A repetition has the same logger, level, event and device, and the same texts; numbers beside them may differ. Where
something else was told of the device in between, or by the logger where there is no device, it is news (lost, online,
lost), some times a minute, unless it is an error. Of a kind of line whose texts never repeat, only so many a minute are
written one by one, but of errors all.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from structlog.contextvars import get_contextvars

if TYPE_CHECKING:
    from collections.abc import Callable

_WINDOW_S: Final = 60.0
_MOST: Final = 512
"""Lines remembered; of more the one that was first written longest ago is told, and forgotten."""
_VARIED: Final = 30
_TURNS: Final = 10
_LONGEST: Final = 200
"""Characters of a text by which lines are told apart."""
_MECHANICS: Final = frozenset({"event", "level", "logger", "time", "exc_info", "stack_info"})

_Kind: TypeAlias = tuple[str, int, str, str]
_Key: TypeAlias = tuple[_Kind, tuple[str, ...] | None]


class _Seen:
    """A line that was written at `since_s`, and the latest of those held back since."""

    __slots__ = ("count", "latest", "since_s", "turns")

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        self.count = self.turns = 0
        self.latest: logging.LogRecord | None = None


class Fold(logging.Handler):
    """Stands before a handler. What it holds back is told by a thread that lives only while there is something."""

    def __init__(
        self, target: logging.Handler, *, window_s: float = _WINDOW_S, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Hand on to `target`. A handler is closed by `logging` at the end, and tells then what it holds."""
        super().__init__()
        self.target: Final = target
        self._window_s = window_s
        self._now_s = now_s
        self._seen: dict[_Key, _Seen] = {}  # in the order of `since_s`
        self._kinds: Counter[_Kind] = Counter()
        self._last: dict[str, _Key] = {}  # the line that was last said of each device, or by each logger
        self._held = 0
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or count it. Called with the handler's lock held."""
        _bind(record)
        try:
            key = _key(record)
        except Exception:  # noqa: BLE001  (a value that has no text: whoever writes it tells)
            self.target.handle(record)
            return
        now_s = self._now_s()
        self._tell_due(now_s)
        kind, _ = key
        if key not in self._seen and self._kinds[kind] >= _VARIED and record.levelno < logging.ERROR:
            key = kind, None
        if (seen := self._seen.get(key)) is None:
            if len(self._seen) >= _MOST:
                self._tell(next(iter(self._seen)))
            self._turned(key)
            self._remember(key, now_s)
            self.target.handle(record)
            return
        if self._turned(key) and seen.turns < _TURNS:
            seen.turns += 1
            self.target.handle(record)
            return
        seen.count += 1
        seen.latest = _without_traceback(record)
        self._held += 1
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="log-fold", daemon=True)
            self._thread.start()

    def tell_due(self) -> None:
        """Write of those lines that repeated, whose minute is over, how often they did."""
        with self._locked():
            self._tell_due(self._now_s())

    def flush(self) -> None:
        """Write at once what is held back."""
        with self._locked():
            for key in [key for key, seen in self._seen.items() if seen.count]:
                self._tell(key)
        self.target.flush()

    def close(self) -> None:
        """Write what is held back, and end."""
        with contextlib.suppress(ValueError):  # the stream is closed: whoever closed it is not told any more
            self.flush()
        self._ended.set()
        self.target.close()
        super().close()

    def _locked(self) -> threading.RLock:
        if self.lock is None:  # which `logging` makes for every handler
            self.createLock()
        lock: threading.RLock = self.lock  # type: ignore[assignment]  # the stubs know that it may be missing
        return lock

    def _turned(self, key: _Key) -> bool:
        """Tell whether something else was said last of the device that a line is about, or else by its logger."""
        subject = key[0][3] or key[0][0]
        last = self._last.pop(subject, None)
        if len(self._last) >= _MOST:
            self._last.clear()
        self._last[subject] = key
        return key[0][1] < logging.ERROR and last not in {None, key}

    def _remember(self, key: _Key, now_s: float) -> None:
        self._seen[key] = _Seen(now_s)
        self._kinds[key[0]] += 1

    def _tell_due(self, now_s: float) -> None:
        while self._seen:
            key, seen = next(iter(self._seen.items()))
            if now_s - seen.since_s < self._window_s:
                return
            self._tell(key)
            if seen.count:
                self._remember(key, now_s)

    def _tell(self, key: _Key) -> None:
        """Forget a line, and write how often it came again."""
        seen = self._seen.pop(key)
        self._kinds[key[0]] -= 1
        if not self._kinds[key[0]]:
            del self._kinds[key[0]]
        self._held -= seen.count
        if seen.latest is not None:
            self.target.handle(_summary(seen.latest, seen.count))

    def _watch(self) -> None:
        while True:
            with self._locked():
                self._tell_due(self._now_s())
                if not self._held or self._ended.is_set():
                    self._thread = None
                    return
                due_s = next(iter(self._seen.values())).since_s + self._window_s - self._now_s()
            self._ended.wait(max(0.05, due_s))


def _bind(record: logging.LogRecord) -> None:
    """Give a library's line what is bound where it was said: a thread may write it later."""
    if not isinstance(record.msg, dict):
        for name, value in get_contextvars().items():
            if not hasattr(record, name):
                setattr(record, name, value)


def _key(record: logging.LogRecord) -> _Key:
    said = record.msg
    if isinstance(said, dict):
        event = str(said.get("event", ""))
        device = str(said.get("device", ""))
        others = ((name, value) for name, value in said.items() if name not in _MECHANICS)
        texts = [f"{name}={value}"[:_LONGEST] for name, value in others if not isinstance(value, int | float)]
    else:
        event = str(said)
        device = str(getattr(record, "device", ""))
        texts = [record.getMessage()[:_LONGEST]]
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        texts.append(f"{type(error).__name__}: {error}"[:_LONGEST])
    return (record.name, record.levelno, event[:_LONGEST], device), tuple(texts)


def _without_traceback(record: logging.LogRecord) -> logging.LogRecord:
    """Return what is kept of a line: frames would keep everything alive that they hold."""
    kept = copy.copy(record)
    kept.exc_info = kept.exc_text = None
    if isinstance(kept.msg, dict):
        kept.msg = {name: value for name, value in kept.msg.items() if name != "exc_info"}
    return kept


def _summary(record: logging.LogRecord, count: int) -> logging.LogRecord:
    record.created = time.time()
    if isinstance(record.msg, dict):
        now = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        record.msg = {**record.msg, "time": now, "repeated": count}
    else:
        record.repeated = count
    return record
