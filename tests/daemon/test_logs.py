"""Logging: one output for us and for the libraries, readable on a terminal, JSON lines elsewhere, no import effects."""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from ankled.daemon import logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.loglines.parts import Level


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Undo what a test configured."""
    yield
    logs.unconfigure()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the objects of the JSON lines written."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines_where_there_is_no_terminal() -> None:
    """One object a line: event, level, logger, UTC time, and the values given, whatever they are."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    structlog.stdlib.get_logger("ankled.daemon.x").info("broker away", retry_s=0.5, data=b"\x00", text="two\nlines")
    (entry,) = lines(stream)
    assert entry["event"] == "broker away"
    assert (entry["level"], entry["logger"]) == ("info", "ankled.daemon.x")
    assert (entry["retry_s"], entry["data"], entry["text"]) == (0.5, "b'\\x00'", "two\nlines")
    time = dt.datetime.fromisoformat(entry["time"])
    assert time.utcoffset() == dt.timedelta(0)


def test_colour_on_a_terminal_unless_unwanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets coloured lines for people; NO_COLOR takes the colour away."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    logs.configure(stream=stream)
    structlog.stdlib.get_logger("ankled").info("hello", n=1)
    assert "hello" in stream.getvalue()
    assert "\x1b[" in stream.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    logs.configure(stream=plain)
    structlog.stdlib.get_logger("ankled").info("hello", n=1)
    assert "n=1" in plain.getvalue()
    assert "\x1b[" not in plain.getvalue()


def test_the_format_can_be_said() -> None:
    """JSON on a terminal and lines for people in a file, when asked for."""
    terminal, file = Terminal(), io.StringIO()
    logs.configure(fmt="json", stream=terminal)
    structlog.stdlib.get_logger("ankled").info("a")
    assert lines(terminal)[0]["event"] == "a"
    logs.configure(fmt="console", stream=file)
    structlog.stdlib.get_logger("ankled").info("b")
    assert not file.getvalue().startswith("{")
    assert "b" in file.getvalue()


@pytest.mark.parametrize(
    ("level", "heard"),
    [("debug", ["debug", "info", "warning", "error"]), ("info", ["info", "warning", "error"]), ("error", ["error"])],
)
def test_the_level_holds_for_us_and_libraries_are_heard_from_warning_on(level: Level, heard: list[str]) -> None:
    """Our loggers follow the level; aiomqtt, amqtt and bleak only speak up when something is wrong."""
    stream = io.StringIO()
    logs.configure(level, stream=stream)
    ours = structlog.stdlib.get_logger("ankled.daemon.y")
    for name in ("debug", "info", "warning", "error"):
        getattr(ours, name)("x")
        for library in ("aiomqtt", "amqtt.broker", "bleak.backends", "mqtt", "paho"):
            getattr(logging.getLogger(library), name)("%s says %d", library, 1)
    entries = lines(stream)
    assert [entry["level"] for entry in entries if entry["logger"].startswith("ankled")] == heard
    libraries = [entry for entry in entries if not entry["logger"].startswith("ankled")]
    assert {entry["level"] for entry in libraries} == {"warning", "error"}
    assert len(libraries) == 10
    assert libraries[0]["event"] == "aiomqtt says 1"


def test_exceptions_are_structured_and_keep_local_values_out() -> None:
    """An exception is data in JSON, ours or a library's; local variables, which may hold a password, are not in it."""
    stream = io.StringIO()
    logs.configure(stream=stream)

    def fail() -> None:
        password = "open sesame"  # noqa: S105 - it must not be in the output
        raise ValueError(len(password))

    try:
        fail()
    except ValueError:
        structlog.stdlib.get_logger("ankled").exception("failed")
        logging.getLogger("bleak").exception("failed too")
    for entry in lines(stream):
        assert entry["exception"][0]["exc_type"] == "ValueError"
        assert entry["exception"][0]["frames"]
    assert "sesame" not in stream.getvalue()
    console = io.StringIO()
    logs.configure(fmt="console", stream=console)
    try:
        fail()
    except ValueError:
        structlog.stdlib.get_logger("ankled").exception("failed")
    assert "ValueError" in console.getvalue()
    assert "sesame" not in console.getvalue()


def test_configured_twice_it_speaks_once_and_leaves_others_alone() -> None:
    """A reload replaces our handler; handlers that somebody else installed stay."""
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    first, second = io.StringIO(), io.StringIO()
    logs.configure(stream=first)
    logger = structlog.stdlib.get_logger("ankled.z")
    logger.info("one")
    logs.configure(stream=second)
    logger.info("two")
    assert [entry["event"] for entry in lines(first)] == ["one"]
    assert [entry["event"] for entry in lines(second)] == ["two"]
    assert other in logging.getLogger().handlers
    logging.getLogger().removeHandler(other)


def test_importing_changes_nothing_and_logs_go_to_standard_error() -> None:
    """Import has no effect on logging; once configured, standard output stays free for results."""
    program = """
import logging, structlog
import ankled.daemon.logs as logs
assert not structlog.is_configured() and not logging.getLogger().handlers
logs.configure()
structlog.stdlib.get_logger("ankled").info("to the side")
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == ""
    assert json.loads(done.stderr)["event"] == "to the side"
