"""The one file that configures logging: structlog for us, the same output for the libraries' own loggers.

Everything goes to standard error, because standard output belongs to results.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

if TYPE_CHECKING:
    from structlog.typing import Processor

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

OWN = "ankled"
"""Loggers below this name follow the configured level; all others are heard from WARNING on."""


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that a second `configure` replaces it and leaves handlers of others alone."""


def configure(level: Level = "info", fmt: Format = "auto", stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (standard error): colour on a terminal, one JSON object a line anywhere else."""
    out = sys.stderr if stream is None else stream
    console = fmt == "console" or (fmt == "auto" and out.isatty())
    shared = _shared()
    handler = _Handler(out)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                *(_console(colours=out.isatty() and not os.environ.get("NO_COLOR")) if console else _json()),
            ],
        )
    )
    unconfigure()
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN).setLevel(level.upper())
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


def unconfigure() -> None:
    """Undo `configure`."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN).setLevel(logging.NOTSET)
    structlog.reset_defaults()


def _shared() -> list[Processor]:
    """Return what happens to every entry, ours or a library's."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
    ]


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
