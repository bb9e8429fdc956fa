"""The log over MQTT: bounded, folded, clean, and never about itself."""

from __future__ import annotations

import io
import logging
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest
import structlog

from ankled.daemon import logs
from ankled.daemon.bridge.journal import Journal, LogLine

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.stdlib.get_logger("ankled.daemon.live.service")


@pytest.fixture
def journal() -> Iterator[Journal]:
    """Return a journal that listens from warnings on, beside the usual log."""
    logs.configure("debug", "json", io.StringIO())
    made = Journal("warning")
    logs.listen(made)
    yield made
    logs.unlisten(made)
    logs.unconfigure()


def sent(journal: Journal, now_s: float) -> list[LogLine]:
    """Return what is sent at this moment."""
    lines: list[LogLine] = []
    journal.flush_to(lines.append, now_s)
    return lines


def test_lines_come_with_their_values_from_the_level_on(journal: Journal) -> None:
    """Words and values of our own lines, the message of a library's; nothing below the level."""
    log.info("not told")
    log.warning("link", device="left", rssi_dbm=-70, ok=False, none=None)
    logging.getLogger("bleak").error("no %s", "adapter")
    first, second = sent(journal, 0.0)
    assert (first.level, first.logger, first.event) == ("warning", "ankled.daemon.live.service", "link")
    assert first.values == {"device": "left", "rssi_dbm": -70, "ok": False, "none": None}
    assert (second.level, second.logger, second.event) == ("error", "bleak", "no adapter")
    assert sent(journal, 1.0) == []


def test_repeated_lines_are_folded_into_one_with_a_count(journal: Journal) -> None:
    """The first is told at once, the others together after ten seconds; a line with other values is another."""
    for _ in range(50):
        log.warning("link", device="left")
    log.warning("link", device="right")
    assert [(one.values["device"], one.repeated) for one in sent(journal, 0.0)] == [("left", 0), ("right", 0)]
    for _ in range(7):
        log.warning("link", device="left")
    assert sent(journal, 5.0) == []
    assert [(one.values["device"], one.repeated) for one in sent(journal, 10.5)] == [("left", 56)]
    log.warning("link", device="left")
    assert sent(journal, 12.0) == []
    assert [one.repeated for one in sent(journal, 21.0)] == [1]
    assert sent(journal, 40.0) == []
    log.warning("link", device="left")
    assert [one.repeated for one in sent(journal, 60.0)] == [0]


def test_a_flood_is_held_to_a_rate_and_what_is_dropped_is_counted(journal: Journal) -> None:
    """However much is logged, a burst and then five lines a second leave; the queue does not grow without end."""
    for number in range(2000):
        log.warning("odd", number=number)
    told = sent(journal, 0.0)
    assert len(told) == 20
    for second in range(1, 60):
        more = sent(journal, float(second))
        assert len(more) <= 5
        told += more
    assert [one.values["number"] for one in told] == list(range(256))
    assert sum(one.dropped for one in told) == 2000 - 256


def test_what_leads_to_the_broker_is_not_told_there(journal: Journal) -> None:
    """A publisher that fails, an outlet that is full, or the client's library: telling it would make more of it."""
    for name in ("ankled.daemon.mqtt.publisher", "ankled.daemon.bridge.bridge", "ankled.daemon.live.outlet"):
        structlog.stdlib.get_logger(name).error("broker away")
    for name in ("mqtt", "aiomqtt", "paho.mqtt.client"):
        logging.getLogger(name).error("failed to receive")
    assert sent(journal, 0.0) == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"reason": "mqtts://kim:pa55@host:8883 refused"}, {"reason": "mqtts://***@host:8883 refused"}),
        ({"password": "pa55"}, {"password": "***"}),
        ({"api_key": "pa55", "auth_token": "pa55"}, {"api_key": "***", "auth_token": "***"}),
        ({"reason": "password=pa55 is wrong"}, {"reason": "password=*** is wrong"}),
        ({"reason": "/var/lib/ankled/captures/a.mcap is full"}, {"reason": ".../a.mcap is full"}),
        ({"url": "https://host/a/b"}, {"url": "https://host/a/b"}),
        ({"text": "x" * 600}, {"text": "x" * 497 + "..."}),
    ],
)
def test_secrets_and_paths_stay_on_the_machine(
    journal: Journal, said: dict[str, object], told: dict[str, object]
) -> None:
    """Whatever somebody writes into a log line, credentials and folders do not leave by it."""
    log.warning("odd", **said)
    assert [one.values for one in sent(journal, 0.0)] == [told]


def test_a_traceback_is_told_as_one_sentence(journal: Journal) -> None:
    """The type and the words of an exception, without the frames and their files."""
    try:
        dict[str, int]()["no such thing"]
    except KeyError:
        log.exception("defect")
    (line,) = sent(journal, 0.0)
    assert line.values == {"exception": "KeyError: 'no such thing'"}
    assert "Traceback" not in str(line)


def test_lines_come_from_any_thread(journal: Journal) -> None:
    """The recorder and the outbox log from threads of their own."""
    threads = [threading.Thread(target=log.warning, args=("odd",), kwargs={"number": n}) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(str(one.values["number"]) for one in sent(journal, 0.0)) == sorted(map(str, range(8)))


def test_a_line_that_cannot_be_told_harms_nobody(journal: Journal) -> None:
    """A value whose text raises is counted as dropped with the next line."""

    class Broken:
        def __str__(self) -> str:
            message = "no text"
            raise RuntimeError(message)

        __repr__ = __str__

    journal.emit(logging.LogRecord("ankled.x", logging.ERROR, "", 0, {"event": "odd", "value": Broken()}, None, None))
    log.warning("next")
    assert [(one.event, one.dropped) for one in sent(journal, 0.0)] == [("next", 1)]


def test_a_path_that_is_no_text_is_told_as_json(journal: Journal) -> None:
    """A folder may be called by any bytes: the line is told without them."""
    log.warning("odd", folder="/srv/\udcff\udcfe", count=2**70)
    (line,) = sent(journal, 0.0)
    assert msgspec.json.decode(msgspec.json.encode(line))["values"] == {"folder": "/srv/??", "count": 2**70}
