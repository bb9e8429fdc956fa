"""`ankled run` as systemd starts it: what is said at NOTIFY_SOCKET while nothing at all is there, and when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.daemon.brokers import free_port
from tests.daemon.commands import started
from tests.daemon.notified import listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.notified import Listener

PERIODS = 3
BEATS = 3
"""In one period of the watchdog."""
ENOUGH_S = 60.0


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """Listen with a watchdog of six seconds."""
    with listening(tmp_path, 6.0) as found:
        yield found


@pytest.fixture
def process(compiled: None, listener: Listener, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a daemon that wants two sensors, by an adapter that there is none of, for a broker that is not there."""
    path = tmp_path / "ankled.toml"
    lines = ["[mqtt]", f"broker = 'mqtt://127.0.0.1:{free_port()}'", "[radio]", "adapters = ['hci99']"]
    lines += ["[capture]", f"folder = '{tmp_path / 'captures'}'", "[state]", f"folder = '{tmp_path / 'state'}'"]
    for number, side in enumerate(("left", "right")):
        lines += ["[[devices]]", f"slug = '{side}'", f"address = 'C0:11:22:33:44:5{number}'"]
    path.write_text("\n".join(lines))
    environ = os.environ | listener.environ
    with started("run", "--config", path, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        yield child


def test_with_nothing_there_it_is_up_and_says_so(listener: Listener, process: subprocess.Popen[str]) -> None:
    """No sensor, no adapter, no broker for three periods of the watchdog: it beats all along, and was not ended."""
    listener.until("READY")
    for _ in range(PERIODS * BEATS):
        # what systemd does: who says nothing for a whole period is ended
        while (told := listener.next(listener.watchdog_s)) is not None and "WATCHDOG" not in told:
            pass
        assert told is not None, listener.said
    assert process.poll() is None
    sentence = [told["STATUS"] for told in listener.said if "STATUS" in told][-1]
    assert sentence.startswith("no adapter ("), sentence
    assert "; broker mqtt://127.0.0.1:" in sentence
    assert " away since 20" in sentence
    assert sentence.endswith("; 0 of 2 sensors streaming")


def test_it_says_when_it_reloads_and_when_it_stops(listener: Listener, process: subprocess.Popen[str]) -> None:
    """The words of sd_notify in their order: the start is extended before READY, STOPPING is the last."""
    listener.until("READY")
    assert "EXTEND_TIMEOUT_USEC" in listener.said[0]
    process.send_signal(signal.SIGHUP)
    reloading = listener.until("RELOADING")
    assert int(reloading["MONOTONIC_USEC"]) > 0
    listener.until("READY")
    process.send_signal(signal.SIGTERM)
    listener.until("STOPPING")
    _, log = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 0, log
    assert listener.waiting() == []
    states = [name for told in listener.said for name in told if name in {"READY", "RELOADING", "STOPPING"}]
    assert states == ["READY", "RELOADING", "READY", "STOPPING"]


def test_a_process_that_stands_still_does_not_beat(listener: Listener, process: subprocess.Popen[str]) -> None:
    """Stopped by a signal it says nothing for as long as the watchdog waits; it goes on where it was left."""
    listener.until("READY")
    listener.until("WATCHDOG")
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    listener.waiting()
    assert listener.next(listener.watchdog_s) is None
    process.send_signal(signal.SIGCONT)
    listener.until("WATCHDOG")


def test_the_watchdog_leaves_a_trace(listener: Listener, process: subprocess.Popen[str]) -> None:
    """SIGABRT is how systemd ends who does not beat: what every thread was at stands in the journal then."""
    listener.until("WATCHDOG")  # by then every thread has begun, and waits for something to do
    process.send_signal(signal.SIGABRT)
    _, log = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in log
    assert "daemon/outbox/worker.py" in log
