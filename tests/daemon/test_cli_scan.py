"""`ankled scan`: who is near, by the radio of software and by BlueZ; and what stands in the way of looking."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from tests.daemon.commands import PROGRAM, Done, started
from tests.drivers.bluez_double import ADDRESS, bluetoothd, system_bus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.commands import Shell

with_dbus = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed")


@pytest.fixture(scope="module")
def radio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Have a Polar sensor and a footpod on the air of another process."""
    spec = f"unix:{tmp_path_factory.mktemp('air') / 'radio'}"
    sensors = ("--sensor", "left=polar", "--sensor", "right=rsc")
    with started("simulate", "--scenario", "stand", *sensors, "--radio", spec) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while not (line := process.stdout.readline()).startswith("radio at "):
            assert line, process.stderr.read()
        yield spec
        process.send_signal(signal.SIGINT)
        assert process.wait(60.0) == 0


def test_the_table(radio: str, shell: Shell) -> None:
    """Each device has a line: address, name, signal, the driver that takes it, and its battery if asked for."""
    done = shell("scan", "--radio", radio, "--duration-s", "1", "--battery")
    assert (done.code, done.err) == (0, "")
    head, *rows = [line.split("  ") for line in done.out.splitlines()]
    assert [cell.strip() for cell in head if cell] == ["address", "name", "signal", "driver", "battery"]
    cells = [[cell.strip() for cell in row if cell] for row in rows]
    assert sorted(row[2:] for row in cells) == [["-60 dBm", "polar", "87 %"], ["-60 dBm", "rsc", "87 %"]]
    assert len(shell("scan", "--radio", radio, "--duration-s", "1").out.splitlines()[0].split()) == 4


def test_a_line_of_json_for_each(radio: str, shell: Shell) -> None:
    """Everything that was heard, for programs; batteries are not asked for unless wanted."""
    found = shell("scan", "--radio", radio, "--duration-s", "1", "--json").records
    assert {tuple(one) for one in found} == {
        (
            "address",
            "name",
            "rssi_dbm",
            "services",
            "manufacturer",
            "drivers",
            "adapter",
            "connected",
            "battery_percent",
            "problem",
        )
    }
    (polar,) = (one for one in found if one["drivers"] == ["polar"])
    assert str(polar["name"]).startswith("Polar ")
    assert "0x006b" in json.dumps(polar["manufacturer"])
    assert (polar["adapter"], polar["battery_percent"], polar["problem"]) == (radio, None, None)


async def scan(bus: str, *words: str) -> Done:
    """Scan in a process of its own, whose system bus is this one."""
    environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": bus}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "scan", "--duration-s", "0.5", *words, stdout=pipe, stderr=pipe, env=environment
    )
    out, complaints = await asyncio.wait_for(process.communicate(), 60.0)
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), complaints.decode())


def refusal(done: Done) -> str:
    """Return the one sentence of a scan that could not be made."""
    assert (done.code, done.out) == (6, "")
    assert done.err.startswith("ankled: ")
    assert done.err.count("\n") == 1
    return done.err


async def test_a_machine_without_dbus(tmp_path: Path) -> None:
    """There is no BlueZ: say what to install and start."""
    assert "no bluetoothd answers" in refusal(await scan(f"unix:path={tmp_path / 'nothing'}"))


@with_dbus
async def test_a_bus_without_bluetoothd(tmp_path: Path) -> None:
    """The same sentence: to the user it is the same."""
    async with system_bus(tmp_path) as bus:
        assert "no bluetoothd answers" in refusal(await scan(bus))


@with_dbus
async def test_who_bluez_hears(tmp_path: Path) -> None:
    """By the adapter of the machine; nobody is connected to unless the battery is wanted."""
    async with system_bus(tmp_path) as bus, bluetoothd(bus) as daemon:
        done = await scan(bus)
        assert "Connect" not in daemon.calls
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[1].split() == [ADDRESS, "Tiny", "-61", "dBm", "-"]


@with_dbus
async def test_nobody_is_near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty room is no failure, and no table."""
    async with system_bus(tmp_path) as bus, bluetoothd(bus) as daemon:
        monkeypatch.setattr(daemon, "change", lambda *_: None)
        done = await scan(bus)
    assert (done.code, done.out, done.err) == (0, "", "ankled: nobody was heard within 0.5 s\n")


@with_dbus
async def test_an_adapter_that_is_off_or_not_there(tmp_path: Path) -> None:
    """Each has its own advice."""
    async with system_bus(tmp_path) as bus, bluetoothd(bus) as daemon:
        daemon.switch_off()
        assert "the Bluetooth adapter is off; switch it on" in refusal(await scan(bus))
        daemon.objects = {}
        assert "there is no Bluetooth adapter that can be used" in refusal(await scan(bus))


@with_dbus
async def test_a_user_who_may_not(tmp_path: Path) -> None:
    """The bus forbids it: the sentence names the group that is allowed."""
    async with system_bus(tmp_path) as bus, bluetoothd(bus) as daemon:
        daemon.errors["StartDiscovery"] = ("org.freedesktop.DBus.Error.AccessDenied", "not yours")
        assert "a member of the group bluetooth" in refusal(await scan(bus))
