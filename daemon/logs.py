"""The one file that configures logging: structlog for us, the same output for the libraries' own loggers.

Everything goes to standard error, because standard output belongs to results; under systemd to the journal.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

from ankled.daemon.loglines import journald
from ankled.daemon.loglines.fold import Fold
from ankled.daemon.loglines.parts import PARTS, Level, Levels

if TYPE_CHECKING:
    from pathlib import Path

    from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["auto", "console", "json", "journal"]

OWN = "ankled"
"""Loggers below this name follow the configured level; all others are heard from WARNING on."""


class _Ours(Fold):
    """Ours, so that a second `configure` replaces it and leaves handlers of others alone."""


class _Bound:
    """What every line that is about a sensor says beside: the session that runs."""

    session: str | None = None


def configure(
    level: Level = "info",
    fmt: Format = "auto",
    stream: TextIO | None = None,
    *,
    levels: Levels | None = None,
    journal: Path = journald.SOCKET,
) -> None:
    """Send all logs to `stream` (standard error): colour on a terminal, one JSON object a line anywhere else.

    A stream that leads to the journal of systemd stands for the journal itself, which takes the values as fields.
    """
    out = sys.stderr if stream is None else stream
    shared = _shared()
    to_journal = journald.is_journal(out)
    if fmt == "auto":
        fmt = "console" if out.isatty() else "journal" if to_journal else "json"
    written: logging.Handler = logging.StreamHandler(out)
    lines = _console(colours=out.isatty() and not os.environ.get("NO_COLOR")) if fmt == "console" else _json()
    formatter: logging.Formatter = _formatter(shared, [ProcessorFormatter.remove_processors_meta, *lines])
    written.setFormatter(journald.PrefixedFormatter(formatter) if to_journal and fmt != "console" else formatter)
    if fmt == "journal":
        written = journald.JournalHandler(written, journal)
        written.setFormatter(_formatter(shared, [structlog.processors.format_exc_info, journald.render]))
    handler = _Ours(written)
    unconfigure()
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    set_level(level)
    set_levels(levels or {})
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a cached logger would keep the level and stream of an earlier call
    )


def listen(handler: logging.Handler) -> None:
    """Let somebody else have every line too, as structlog hands it over; `unlisten` ends that."""
    logging.getLogger().addHandler(handler)


def unlisten(handler: logging.Handler) -> None:
    """Undo `listen`."""
    logging.getLogger().removeHandler(handler)


def set_level(level: Level) -> None:
    """Log more from now on, or less."""
    logging.getLogger(OWN).setLevel(level.upper())


def set_levels(levels: Levels) -> None:
    """Log more or less of single parts from now on; of those without a level as of the others."""
    for part, names in PARTS.items():
        level = levels.get(part)
        for name in names:
            logging.getLogger(name).setLevel(logging.NOTSET if level is None else level.upper())


def adjust(level: Level | None, levels: Levels) -> None:
    """Set the levels of single parts, and that of all others where one is given."""
    if level is not None:
        set_level(level)
    set_levels(levels)


def bind_session(name: str | None) -> None:
    """Have every line that is about a sensor say which session it belongs to."""
    _Bound.session = name


def flush() -> None:
    """Write at once what is held back because it repeats."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Ours):
            handler.flush()


def unconfigure() -> None:
    """Undo `configure`."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Ours)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN).setLevel(logging.NOTSET)
    set_levels({})
    bind_session(None)
    structlog.reset_defaults()


def _shared() -> list[Processor]:
    """Return what happens to every entry, ours or a library's."""
    return [
        structlog.contextvars.merge_contextvars,
        _with_session,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
    ]


def _with_session(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    if _Bound.session is not None and "device" in event:
        event.setdefault("session", _Bound.session)
    return event


def _formatter(shared: list[Processor], processors: list[Processor]) -> ProcessorFormatter:
    return ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), _with_session], processors=processors
    )


def _json() -> list[Processor]:
    # values of local variables stay out: they can hold a password
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(frames),
        structlog.processors.JSONRenderer(sort_keys=False, default=str),
    ]


def _console(*, colours: bool) -> list[Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=colours, timestamp_key="time", exception_formatter=structlog.dev.plain_traceback
        )
    ]
