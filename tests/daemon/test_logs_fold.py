"""Repeated lines: the first at once, the others together after a minute, of any logger, from any thread."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from ankled.daemon import logs
from ankled.daemon.loglines import fold
from ankled.daemon.loglines.fold import Fold

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.stdlib.get_logger("ankled.daemon.live.x")


class Clock:
    """A clock that is set."""

    now_s = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


class Written:
    """The usual log in JSON, with a clock of its own."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.clock = Clock()
        logs.configure("debug", "json", self._stream)
        (self.fold,) = (one for one in logging.getLogger().handlers if isinstance(one, Fold))
        self.fold._now_s = self.clock

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now_s += seconds
        self.fold.tell_due()

    def lines(self) -> list[dict[str, Any]]:
        """Return what was written since the last call."""
        text = self._stream.getvalue()
        self._stream.seek(0)
        self._stream.truncate()
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def written() -> Iterator[Written]:
    """Return the log of a test."""
    yield Written()
    logs.unconfigure()


def told(written: Written) -> list[tuple[str, Any, int]]:
    """Return event, device and count of what was written."""
    return [(one["event"], one.get("device"), one.get("repeated", 0)) for one in written.lines()]


def test_the_first_at_once_then_a_line_a_minute(written: Written) -> None:
    """Each device is counted apart; numbers beside the words may differ; after a quiet minute all begins anew."""
    for number in range(58):
        log.warning("link lost", device="left", rssi_dbm=-number)
    log.warning("link lost", device="right")
    assert told(written) == [("link lost", "left", 0), ("link lost", "right", 0)]
    written.pass_time(59.0)
    assert told(written) == []
    written.pass_time(2.0)
    assert told(written) == [("link lost", "left", 57)]
    log.warning("link lost", device="left")
    written.pass_time(61.0)
    assert told(written) == [("link lost", "left", 1)]
    written.pass_time(61.0)
    log.warning("link lost", device="left")
    assert told(written) == [("link lost", "left", 0)]


def test_turns_are_no_repetitions(written: Written) -> None:
    """A sensor that is lost, back and lost again is told each time, until that is a flood of its own."""
    for _ in range(5):
        log.info("sensor online", device="left")
        log.warning("sensor offline", device="left")
        log.info("sensor online", device="right")
    told = written.lines()
    assert [line["event"] for line in told if line["device"] == "left"] == ["sensor online", "sensor offline"] * 5
    assert len([line for line in told if line["device"] == "right"]) == 1
    for _ in range(50):
        log.info("sensor online", device="left")
        log.warning("sensor offline", device="left")
    assert len(written.lines()) == 2 * (11 - 5)


def test_another_text_is_another_line(written: Written) -> None:
    """A reason, a level, a logger or an exception that was not told yet is told at once."""
    log.error("failed", reason="no space")
    log.error("failed", reason="no power")
    log.warning("failed", reason="no power")
    structlog.stdlib.get_logger("ankled.daemon.other").warning("failed", reason="no power")
    for text in ("a", "b", "a"):
        try:
            int(text)
        except ValueError:
            log.exception("defect")
    assert [one["event"] for one in written.lines()] == ["failed"] * 4 + ["defect"] * 2


def test_lines_of_libraries_are_folded_too(written: Written) -> None:
    """By their text as it is written: bleak, aiomqtt and amqtt know nothing of us."""
    for library in ("bleak.backends.bluezdbus", "aiomqtt", "amqtt.broker"):
        for number in (1, 1, 1, 2):
            logging.getLogger(library).warning("no answer from %d", number)
    assert [one["event"] for one in written.lines()] == ["no answer from 1", "no answer from 2"] * 3
    written.pass_time(61.0)
    assert [(one["event"], one["repeated"]) for one in written.lines()] == [("no answer from 1", 2)] * 3


def test_a_kind_of_line_that_is_new_each_time_is_held_to_a_number_a_minute(written: Written) -> None:
    """Texts that never repeat do not flood either; errors are told one by one whatever their number."""
    for number in range(500):
        log.warning("odd packet", device="left", data=f"{number:x}")
    for number in range(fold._MOST - fold._VARIED - 1):
        log.error("defect", reason=f"{number:x}")
    events = [one["event"] for one in written.lines()]
    assert events.count("odd packet") == fold._VARIED + 1
    assert events.count("defect") == fold._MOST - fold._VARIED - 1
    written.pass_time(61.0)
    last = [one for one in written.lines() if one["event"] == "odd packet"]
    assert [(one["data"], one["repeated"]) for one in last] == [("1f3", 500 - fold._VARIED - 1)]


def test_memory_is_bounded_and_nothing_uncounted(written: Written) -> None:
    """Of too many different lines the oldest is told and forgotten; every line said is written or counted."""
    said = 0
    for number in range(4 * fold._MOST):
        for _ in range(2):
            log.error("defect", reason=f"{number}")
            said += 1
    assert len(written.fold._seen) <= fold._MOST
    written.fold.flush()
    lines = written.lines()
    assert sum(one.get("repeated", 1) for one in lines) == said


def test_what_is_held_is_told_at_the_end() -> None:
    """Undoing the configuration, and the end of a process, tell what was counted."""
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    for _ in range(3):
        log.info("again")
    logs.unconfigure()
    assert [json.loads(line).get("repeated") for line in stream.getvalue().splitlines()] == [None, 2]
    program = (
        "import structlog\nfrom ankled.daemon import logs\nlogs.configure('info', 'json')\n"
        "for _ in range(4): structlog.stdlib.get_logger('ankled').info('again')\n"
    )
    in_haste = "from ankled.daemon.live.ending import Ending\nending = Ending()\nending.begin()\nending.closed(0)\n"
    for text in (program, program + in_haste):
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=60)
        assert [json.loads(line).get("repeated") for line in done.stderr.splitlines()] == [None, 3]


def test_a_count_is_told_though_nobody_logs_any_more() -> None:
    """A thread of its own tells it when its time is over, and ends."""
    heard: list[logging.LogRecord] = []
    came = threading.Event()

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)
            if hasattr(record, "repeated"):
                came.set()

    one = Fold(Heard(), window_s=0.2)
    for _ in range(5):
        one.handle(logging.LogRecord("bleak", logging.WARNING, "", 0, "again", (), None))
    thread = one._thread
    assert thread is not None
    assert came.wait(30.0)
    thread.join(30.0)
    assert not thread.is_alive()
    assert sum(getattr(record, "repeated", 1) for record in heard) == 5
    one.close()


def test_threads_lose_no_line(written: Written) -> None:
    """The recorder's, the outbox's and the loop's lines at the same time are all counted."""

    def say() -> None:
        for _ in range(500):
            log.warning("busy")

    threads = [threading.Thread(target=say) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    written.fold.flush()
    assert sum(one.get("repeated", 1) for one in written.lines()) == 3000


def test_a_repeated_traceback_keeps_nothing_alive(written: Written) -> None:
    """A count names the error; frames with all that they hold are not kept for a minute."""

    def fail() -> None:
        message = "broken"
        raise RuntimeError(message)

    for _ in range(3):
        try:
            fail()
        except RuntimeError:
            log.exception("defect")
    kept = [seen.latest for seen in written.fold._seen.values() if seen.latest is not None]
    assert [(one.exc_info, one.exc_text) for one in kept] == [(None, None)]
    written.pass_time(61.0)
    first, last = written.lines()
    assert "exception" in first
    assert (last["event"], last["repeated"], "exception" in last) == ("defect", 2, False)
