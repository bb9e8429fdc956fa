"""The journal of systemd: a datagram socket stands for journald, and what comes there is read as journald reads it."""

from __future__ import annotations

import array
import asyncio
import io
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog

from ankled.daemon import logs
from ankled.daemon.loglines import journald

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.stdlib.get_logger("ankled.daemon.live.x")


class Journald:
    """Receives entries."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(path))
        self.from_files = 0

    def entry(self) -> dict[str, str]:
        """Return the next entry, be it a datagram or a sealed file."""
        data, ancillary, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
        for _, _, handles in ancillary:
            self.from_files += 1
            (handle,) = array.array("i", handles)
            with os.fdopen(handle, "rb") as file:
                file.seek(0)
                data = file.read()
        return parsed(data)

    def entries(self) -> list[dict[str, str]]:
        """Return all entries that have come."""
        found = []
        while True:
            try:
                found.append(self.entry())
            except BlockingIOError:
                return found


def parsed(data: bytes) -> dict[str, str]:
    """Read an entry by the documented format: NAME=value lines, or NAME, a length of eight bytes, and the value."""
    stream, fields = io.BytesIO(data), {}
    while line := stream.readline():
        name, equals, value = line[:-1].partition(b"=")
        if not equals:
            value = stream.read(int.from_bytes(stream.read(8), "little"))
            assert stream.read(1) == b"\n"
        assert name.decode().isidentifier()
        assert name.isupper()
        fields[name.decode()] = value.decode()
    return fields


@pytest.fixture
def journal() -> Iterator[Journald]:
    """Return a journal that runs."""
    with tempfile.TemporaryDirectory(prefix="ankled-") as folder:  # a socket's path must be short
        made = Journald(Path(folder) / "socket")
        yield made
        logs.unconfigure()
        made.socket.close()


def test_values_are_fields(journal: Journald) -> None:
    """What `journalctl ANKLED_DEVICE=left` looks for; the message is for people; where it was said stands too."""
    logs.configure("debug", "journal", io.StringIO(), journal=journal.path)
    log.warning("link", device="left", rssi_dbm=-70, reason="two\nlines", what={"a": 1}, **{"odd name": "é"})
    log.debug("seen")
    logging.getLogger("bleak").error("no %s", "adapter")
    first, second, third = journal.entries()
    assert first["MESSAGE"] == 'link device=left rssi_dbm=-70 reason=two\nlines what={"a": 1} odd name=é'
    assert (first["PRIORITY"], first["LOGGER"], first["SYSLOG_IDENTIFIER"]) == ("4", "ankled.daemon.live.x", "ankled")
    assert (first["ANKLED_EVENT"], first["ANKLED_DEVICE"], first["ANKLED_RSSI_DBM"]) == ("link", "left", "-70")
    assert (first["ANKLED_REASON"], first["ANKLED_ODD_NAME"]) == ("two\nlines", "é")
    assert Path(first["CODE_FILE"]).name == Path(__file__).name
    assert first["CODE_FUNC"] == "test_values_are_fields"
    assert (second["MESSAGE"], second["PRIORITY"]) == ("seen", "7")
    assert (third["MESSAGE"], third["PRIORITY"], third["LOGGER"]) == ("no adapter", "3", "bleak")


def test_an_entry_too_long_for_a_datagram_comes_as_a_file(journal: Journald) -> None:
    """Nothing is cut off: a sealed file in memory carries it."""
    logs.configure("info", "journal", io.StringIO(), journal=journal.path)
    text = "x" * 3_000_000
    log.info("long", text=text)
    assert journal.entry()["ANKLED_TEXT"] == text
    assert journal.from_files == 1


def test_a_traceback_stands_below_the_message(journal: Journald) -> None:
    """With its frames, without values of local variables: they may be secrets."""
    logs.configure("info", "journal", io.StringIO(), journal=journal.path)
    password = "pa55-w0rd"  # noqa: S105 - of nobody
    try:
        int(f"no number {len(password)}")
    except ValueError:
        log.exception("defect")
    entry = journal.entry()
    assert entry["MESSAGE"].startswith("defect\nTraceback")
    assert "no number 9" in entry["ANKLED_EXCEPTION"]
    assert not [value for value in entry.values() if password in value]


def test_repetitions_say_so(journal: Journald) -> None:
    """Folded before they are sent."""
    logs.configure("info", "journal", io.StringIO(), journal=journal.path)
    for _ in range(58):
        log.warning("link", device="left")
    logs.unconfigure()
    first, last = journal.entries()
    assert first["MESSAGE"] == "link device=left"
    assert last["MESSAGE"] == "link device=left (repeated 57 times)"
    assert last["ANKLED_REPEATED"] == "57"


def test_a_journal_that_hangs_holds_nobody_up_and_what_it_lost_is_told(journal: Journald) -> None:
    """A full socket takes no more: the lines are counted, and the count is told when it reads again."""
    logs.configure("info", "journal", io.StringIO(), journal=journal.path)
    said = 5000
    for number in range(said):
        log.error("busy", reason=str(number))
    taken = len(journal.entries())
    assert taken < said
    log.info("back")
    back, lost = journal.entries()
    assert back["MESSAGE"] == "back"
    assert int(lost["ANKLED_LOST"]) == said - taken


def test_without_a_journal_the_stream_has_the_lines(tmp_path: Path) -> None:
    """A journal that is away or restarted: the lines are JSON on standard error, and in it again when it is back."""
    stream, path = io.StringIO(), Path(tempfile.mkdtemp(prefix="ankled-")) / "socket"
    try:
        logs.configure("info", "journal", stream, journal=path)
        log.info("away")
        assert json.loads(stream.getvalue())["event"] == "away"
        journal = Journald(path)
        log.info("there")
        assert journal.entry()["MESSAGE"] == "there"
        journal.socket.close()
        path.unlink()
        log.info("away again")
        assert json.loads(stream.getvalue().splitlines()[1])["event"] == "away again"
    finally:
        logs.unconfigure()
        shutil.rmtree(path.parent)


@pytest.mark.parametrize(("fmt", "native"), [("auto", True), ("journal", True), ("json", False)])
def test_under_systemd(journal: Journald, tmp_path: Path, fmt: str, native: bool) -> None:
    """A standard error that systemd has connected to the journal stands for it; JSON there has its priority before."""
    program = (
        "import logging, pathlib, structlog\nfrom ankled.daemon import logs\n"
        f"logs.configure('info', {fmt!r}, journal=pathlib.Path({str(journal.path)!r}))\n"
        "structlog.stdlib.get_logger('ankled').warning('hello', device='left')\n"
    )
    with (tmp_path / "stream").open("wb") as stream:
        status = os.fstat(stream.fileno())
        env = {**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        subprocess.run([sys.executable, "-c", program], stderr=stream, env=env, check=True, timeout=60)
    text = (tmp_path / "stream").read_text()
    if native:
        assert journal.entry()["ANKLED_DEVICE"] == "left"
        assert not text
    else:
        assert text.startswith('<4>{"')
        assert json.loads(text[3:])["device"] == "left"


def test_a_stream_that_is_not_the_journal_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable inherited from elsewhere does not count: the stream must be the very one that it names."""
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    with tempfile.TemporaryFile("w") as stream:
        assert not journald.is_journal(stream)
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert journald.is_journal(stream)
    assert not journald.is_journal(io.StringIO())


async def test_what_is_bound_to_a_task_stands_in_every_line_about_it() -> None:
    """Device and session, in our lines and in a library's, also where two tasks take turns; others have neither."""
    stream = io.StringIO()
    logs.configure("info", "json", stream)

    async def work(slug: str) -> None:
        structlog.contextvars.bind_contextvars(device=slug)
        for number in range(2):
            log.info("working", number=number)
            await asyncio.sleep(0)
            logging.getLogger("bleak").warning("odd")

    logs.bind_session("20260101T000000Z")
    async with asyncio.TaskGroup() as group:
        group.create_task(work("left"))
        group.create_task(work("right"))
    log.info("elsewhere")
    logs.unconfigure()
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    told = {(one["event"], one.get("device"), one.get("session")) for one in found}
    about = {(event, slug, "20260101T000000Z") for event in ("working", "odd") for slug in ("left", "right")}
    assert told == {*about, ("elsewhere", None, None)}


def test_levels_of_parts() -> None:
    """One part says more, another less; a library follows its own; without a level each is as before."""
    stream = io.StringIO()
    logs.configure("info", "json", stream, levels={"mqtt": "debug", "live": "error", "bleak": "info"})

    def heard() -> list[str]:
        stream.seek(0)
        stream.truncate()
        for name in ("daemon.mqtt.publisher", "daemon.live.service", "daemon.outbox.store"):
            for level in ("debug", "info", "error"):
                getattr(structlog.stdlib.get_logger(f"ankled.{name}"), level)("said")
        logging.getLogger("bleak.backends").info("said")
        logging.getLogger("asyncio").info("said")
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [f"{one['logger'].split('.')[-1]} {one['level']}" for one in lines]

    assert heard() == [
        "publisher debug",
        "publisher info",
        "publisher error",
        "service error",
        "store info",
        "store error",
        "backends info",
    ]
    logs.configure("warning", "json", stream, levels={})
    assert heard() == ["publisher error", "service error", "store error"]
    logs.unconfigure()
