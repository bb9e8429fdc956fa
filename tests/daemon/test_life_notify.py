"""The words that systemd hears, where it listens, and how its watchdog is asked for."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.life.notify import Notifier, watchdog_s
from tests.daemon.notified import Listener

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("abstract", [False, True])
def test_it_speaks_to_sockets_with_a_path_and_without(abstract: bool, tmp_path: Path) -> None:
    """The address is a path or, with an @, a name of the abstract kind; all assignments come in one datagram."""
    address = f"@ankled-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with closing(Listener(address, 1.0)) as listener:
        notifier = Notifier.of(listener.environ)
        assert notifier.heard
        assert notifier.say(READY=1, STATUS="2 of 2 sensors streaming")
        assert listener.next() == {"READY": "1", "STATUS": "2 of 2 sensors streaming"}


def test_what_is_said_cannot_become_another_word(tmp_path: Path) -> None:
    """A line feed in an adapter's error would begin the next assignment: it is a space in the sentence."""
    with closing(Listener(str(tmp_path / "notify"), 1.0)) as listener:
        Notifier.of(listener.environ).say(STATUS="no adapter (bad\nMAINPID=1)")
        assert listener.next() == {"STATUS": "no adapter (bad MAINPID=1)"}


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234", "relative"])
def test_without_a_socket_nothing_is_said_and_nothing_fails(address: str | None) -> None:
    """Started by hand there is nobody to tell, which is no failure."""
    notifier = Notifier.of({} if address is None else {"NOTIFY_SOCKET": address})
    assert not notifier.heard
    assert notifier.say(READY=1)


def test_a_socket_that_nobody_reads_is_told_of(tmp_path: Path) -> None:
    """Who says READY must know that it was not taken, so as to say it again; it raises nothing."""
    assert not Notifier(str(tmp_path / "nobody")).say(READY=1)


@pytest.mark.parametrize(
    ("given", "wanted_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_asked_for_by_the_environment(given: dict[str, str], wanted_s: float | None) -> None:
    """Only the process that systemd watches is to beat, and not a child that has inherited its environment."""
    assert watchdog_s(given) == wanted_s
