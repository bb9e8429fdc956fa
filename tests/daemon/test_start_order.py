"""`ankled run` on BlueZ, where D-Bus, bluetoothd and the adapter come and go in any order: it stays, and goes on."""

from __future__ import annotations

import asyncio
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from tests.daemon.bluez_machine import Log, Machine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.daemon.commands import Shell

pytestmark = [
    pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed"),
    pytest.mark.usefixtures("compiled"),
]

DOWN = "adapter default: starting to scan"


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """Give a machine on which nothing runs."""
    async with Machine(tmp_path) as found:
        yield found


@pytest.fixture
async def streaming(machine: Machine) -> Log:
    """Have everything run, and both sensors stream."""
    await machine.start_bus()
    await machine.start_bluez()
    log = machine.start_daemon()
    await log.online()
    return log


async def ends_in_order(machine: Machine, log: Log) -> None:
    """Stop the daemon: whatever is the matter it ends with the exit code of success, long before patience is lost."""
    assert machine.daemon is not None
    machine.daemon.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(machine.daemon.wait, 60) == 0
    assert "not ended in time" not in [line["event"] for line in log.lines]


async def test_everything_comes_later_than_the_daemon(machine: Machine) -> None:
    """First D-Bus, then bluetoothd, its adapter and that one's power: each time it says what is missing, and waits."""
    log = machine.start_daemon()
    await log.told(DOWN, "No such file")
    await machine.start_bus()
    await log.told(DOWN, "ServiceUnknown")
    await machine.start_bluez()
    await log.online()
    assert [line for line in log.lines if line["level"] == "error"] == []
    await ends_in_order(machine, log)


async def test_an_adapter_that_is_switched_off_and_on(machine: Machine, streaming: Log) -> None:
    """It is told at once, not after the scanner was deaf for long, and the links come back by themselves."""
    machine.tell_bluez("off")
    await streaming.told(DOWN, "No powered Bluetooth adapters found")
    machine.tell_bluez("on")
    await streaming.online()
    machine.tell_bluez("off")
    await streaming.told(DOWN)
    await ends_in_order(machine, streaming)


async def test_an_adapter_that_is_pulled_out_and_put_in(machine: Machine, streaming: Log) -> None:
    """Its links end without a word of bluetoothd."""
    machine.tell_bluez("remove")
    await streaming.told(DOWN, "No Bluetooth adapters found")
    machine.tell_bluez("add on")
    await streaming.online()
    machine.tell_bluez("remove")
    await streaming.told(DOWN)
    await ends_in_order(machine, streaming)


async def test_a_bluetoothd_that_is_killed_and_started_again(machine: Machine, streaming: Log) -> None:
    """Bleak believes in what was; it is made to begin anew. The second time they follow each other at once."""
    machine.signal_bluez(signal.SIGKILL)
    await streaming.told(DOWN, "ServiceUnknown")
    await machine.start_bluez()
    await streaming.online()
    machine.signal_bluez(signal.SIGKILL)
    await machine.start_bluez()
    await streaming.online()
    machine.signal_bluez(signal.SIGKILL)
    await streaming.told(DOWN)
    await ends_in_order(machine, streaming)


async def test_a_dbus_that_is_restarted(machine: Machine, streaming: Log) -> None:
    """Every connection to the old one is dead for good."""
    machine.kill_bus()
    await streaming.told(DOWN, "Connection refused")
    await machine.start_bus()
    await machine.start_bluez()
    await streaming.online()
    machine.kill_bus()
    await streaming.told(DOWN)
    await ends_in_order(machine, streaming)


async def test_a_bluetoothd_that_is_frozen_for_a_while(machine: Machine, streaming: Log) -> None:
    """What was asked of it meanwhile is done late, and must not stand in the way of what is asked then."""
    machine.signal_bluez(signal.SIGSTOP)
    await streaming.told(DOWN, "no answer within 10 s")
    machine.signal_bluez(signal.SIGCONT)
    await streaming.online()
    machine.signal_bluez(signal.SIGSTOP)
    await ends_in_order(machine, streaming)


async def test_the_links_of_a_killed_daemon_are_taken_over(machine: Machine, streaming: Log) -> None:
    """Bluetoothd holds them, so that no sensor advertises."""
    assert streaming.lines
    assert machine.daemon is not None
    machine.daemon.kill()
    await asyncio.to_thread(machine.daemon.wait, 10)
    log = machine.start_daemon()
    await log.online()


def test_a_recording_without_bluetooth_says_so_and_ends(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody waits at a terminal: one sentence, at once, and no empty file. A service would wait."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")
    sentence = shell.refused("record", path := tmp_path / "set.mcap", "--adopt", code=6)
    assert "no bluetoothd answers" in sentence
    assert not path.exists()
