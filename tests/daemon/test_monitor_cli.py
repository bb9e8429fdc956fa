"""`ankled monitor` as a user starts it: on a terminal, in a pipe, at a broker that is not there."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Self

import aiomqtt  # noqa: TID251 - tells something, next to the monitor under test
import msgspec
import pytest

from ankled.daemon.monitor.collect import Ordered
from ankled.daemon.monitor.lines import as_json, line
from ankled.daemon.records import Alert, to_json
from tests.daemon.brokers import HOST, PATIENCE_S, Mosquitto, event, free_port
from tests.daemon.commands import PROGRAM, Shell, started
from tests.daemon.desks import ROOT, Node, rep
from tests.daemon.records import make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ankled.daemon.mqtt.broker_url import BrokerAddress


class Terminal:
    """A command on a terminal of its own, and what it writes there."""

    def __init__(self, process: subprocess.Popen[bytes], number: int, theirs: int) -> None:
        self.process = process
        self.number = number
        self.theirs = theirs
        self.before = termios.tcgetattr(theirs)
        self.written = ""

    @classmethod
    @contextlib.contextmanager
    def of(cls, *words: object, columns: int = 80, lines: int = 24) -> Iterator[Self]:
        """Start `ankled WORDS`; it does not outlive the test."""
        number, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONIOENCODING": "utf-8"}
        environment.pop("COLUMNS", None), environment.pop("LINES", None)
        command = [PROGRAM, *map(str, words)]
        process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - a call, and nothing else
        )  # fmt: skip
        self = cls(process, number, theirs)
        try:
            yield self
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            os.close(number)
            os.close(theirs)

    def until(self, pattern: str) -> None:
        """Read until something was written."""
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.written):
            assert time.monotonic() < deadline, self.written
            self._read()

    def ended(self) -> int:
        """Read to the end; return the exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.written
            self._read()
        self._read()
        return self.process.returncode

    def type(self, keys: bytes) -> None:
        """Type."""
        os.write(self.number, keys)

    def _read(self) -> None:
        if select.select([self.number], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):
                self.written += os.read(self.number, 65536).decode(errors="replace")


def broker_option(address: BrokerAddress) -> tuple[str, str]:
    """Return the option that names a broker."""
    return "--broker", address.url


@pytest.mark.parametrize(("keys", "code"), [(b"\x03", 130), (b"q", 0)], ids=["Ctrl-C", "q"])
async def test_a_terminal_shows_the_picture_and_is_given_back(
    mosquitto: Mosquitto, tmp_path: Path, keys: bytes, code: int
) -> None:
    """On a terminal: the picture on a screen of its own; at the end screen, cursor and keyboard are as before."""
    async with Node.at(mosquitto.address, tmp_path) as node:
        await node.make(rep(1, cadence_per_min=14.2), rep(2, cadence_per_min=14.5))
        with Terminal.of("monitor", *broker_option(mosquitto.address)) as terminal:
            await asyncio.to_thread(terminal.until, r"14\.5")
            assert "kim" in terminal.written
            assert termios.tcgetattr(terminal.theirs) != terminal.before
            terminal.type(keys)
            assert await asyncio.to_thread(terminal.ended) == code
            assert terminal.written.rindex("\x1b[?1049l") > terminal.written.rindex("\x1b[?1049h")
            assert terminal.written.rindex("\x1b[?25h") > terminal.written.rindex("\x1b[?25l")
            assert termios.tcgetattr(terminal.theirs) == terminal.before
            assert "Traceback" not in terminal.written


async def test_a_terminal_that_changes_its_size_gets_another_picture(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """From large to narrow the panel becomes a line for each leg, without waiting for news."""
    async with Node.at(mosquitto.address, tmp_path) as node:
        await node.make(rep(1))
        with Terminal.of("monitor", *broker_option(mosquitto.address)) as terminal:
            await asyncio.to_thread(terminal.until, "right vs left")
            fcntl.ioctl(terminal.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 50, 0, 0))
            terminal.process.send_signal(signal.SIGWINCH)
            await asyncio.to_thread(terminal.until, r"cad\.")
            terminal.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(terminal.ended) == 130
            assert termios.tcgetattr(terminal.theirs) == terminal.before


def test_a_broker_that_is_not_there_leaves_no_picture() -> None:
    """One sentence and the exit code of brokers, on a terminal too."""
    with Terminal.of("monitor", "--broker", f"mqtt://{HOST}:{free_port()}") as terminal:
        assert terminal.ended() == 5
        assert terminal.written.startswith("ankled: nobody listens at ")
        assert "\x1b[?1049h" not in terminal.written


async def test_lines_are_json_in_the_order_of_seq(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """In a pipe, `--json` gives every record once as it was published, whatever was lost, repeated or is garbage."""
    async with Node.at(mosquitto.address, tmp_path) as node:
        await node.make(*map(rep, range(1, 21)), publish=False)
        with started("monitor", "--json", *broker_option(mosquitto.address)) as process:
            assert process.stdout is not None
            await node.asked_for(2)
            await node.publish(f"{ROOT}/kim-left/rep", b"\x1b[2J")
            await node.make(*map(rep, range(21, 30)), publish=False)
            await node.make(rep(30), rep(30))
            lines = [await asyncio.to_thread(process.stdout.readline) for _ in range(30)]
            process.send_signal(signal.SIGINT)
            rest, said = await asyncio.to_thread(process.communicate, timeout=PATIENCE_S)
        assert [line.rstrip("\n").encode() for line in lines] == [to_json(rep(seq)) for seq in range(1, 31)]
        assert (rest, said, process.returncode) == ("", "", 130)


async def test_a_replay_is_followed_line_by_line(
    mosquitto: Mosquitto, walk_csv: tuple[Path, Path], shell: Shell
) -> None:
    """What `ankled replay --broker` publishes is what `ankled replay --json` prints, source by source."""
    wanted = (await asyncio.to_thread(shell, "replay", *walk_csv, "--json")).records
    with started("monitor", "--json", "--node", "replay", *broker_option(mosquitto.address)) as process:
        assert process.stdout is not None
        first = asyncio.create_task(asyncio.to_thread(process.stdout.readline))
        # subscribed once it connects, which the broker does not tell: so an event is sent until it arrives
        async with aiomqtt.Client(mosquitto.address.host, mosquitto.address.port) as client:
            while not first.done():
                await client.publish("ankled/replay/bridge/event", to_json(event(1)), qos=1)
                await asyncio.wait({first}, timeout=0.2)
        assert msgspec.json.decode(await first)["event"] == "slip"
        words = ("replay", *walk_csv, *broker_option(mosquitto.address))
        assert (await asyncio.to_thread(shell, *words)).code == 0
        lines = [await asyncio.to_thread(process.stdout.readline) for _ in wanted]
    heard = [msgspec.json.decode(one) for one in lines]
    key = msgspec.json.encode
    sources = {str(record.get("device") or record.get("athlete")) for record in wanted}
    for source in sources:
        of = [record for record in heard if str(record.get("device") or record.get("athlete")) == source]
        seqs = [record["seq"] for record in of]
        assert seqs == sorted(seqs)
    for record in wanted:
        record["node"] = "replay"
    assert sorted(map(key, heard)) == sorted(map(key, wanted))


def test_a_line_is_made_of_words_that_can_be_searched_for() -> None:
    """Time, node, source and kind, then `field=value`; null is left out, text that is no word is quoted."""
    alert = make(
        Alert, id="a", seq=4, device="kim-left", athlete="kim", side="left", alert="slip", message="lean!\x1b[2J\x9b",
        known_at_utc=None, evidence={"value": 0.5}, severity="warning",
    )  # fmt: skip
    assert line(Ordered("gym", alert)) == (
        "- gym kim-left alert seq=4 session=x athlete=kim side=left alert=slip "
        'severity=warning known_at_s=0.5 message="lean!\\u001b[2J\\u009b" value=0.5'
    )
    assert as_json(Ordered("gym", alert)).isprintable()
    assert msgspec.json.decode(as_json(Ordered("gym", alert))) == msgspec.json.decode(to_json(alert))


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--broker", "gym"], 2, "no scheme"),
        (["--broker", "embedded"], 2, "embedded in a daemon"),
        (["--node", "GYM"], 2, "a-z, 0-9"),
        (["--athlete", "kim#"], 2, "a-z, 0-9"),
        (["--base", "ankled/#"], 2, "base topic"),
        (["--last", "-1"], 2, "0 to 4000"),
        (["--config", "nowhere.toml"], 3, "nowhere.toml"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(shell: Shell, words: list[str], code: int, told: str) -> None:
    """What is wrong, and what is allowed."""
    assert told in shell.refused("monitor", *words, code=code)


def test_a_wrong_password_is_told_in_one_sentence(mosquitto_program: str, tmp_path: Path, shell: Shell) -> None:
    """A broker that refuses the user ends the command as in every other one."""
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    broker = Mosquitto(mosquitto_program, tmp_path, "allow_anonymous false", f"password_file {passwords}")
    broker.start()
    try:
        url = f"mqtt://kim:secret@{HOST}:{broker.address.port}"
        said = shell.refused("monitor", "--broker", url, code=5)
    finally:
        broker.kill()
    assert "refused the user name or password" in said
    assert "secret" not in said
