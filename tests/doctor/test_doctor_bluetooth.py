"""The doctor on a real D-Bus: without bluetoothd, with a stand-in of it in several states, and with one that hangs."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

import pytest
from dbus_fast import Variant

from ankled.daemon.doctor import bluetooth
from tests.doctor.examined import by_line, configured, examined, with_dbus
from tests.drivers.bluez_double import ADAPTER_ADDRESS, CONFIGURATION, bluetoothd, system_bus

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.doctor.finding import Finding

ADAPTER = "/org/bluez/hci3"
PROPERTIES = "org.bluez.Adapter1"


async def look(folder: Path, bus: str, monkeypatch: pytest.MonkeyPatch, text: str = "") -> list[Finding]:
    """Examine Bluetooth by this bus."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
    return await examined(configured(folder, text), "bluetoothd")


async def test_no_dbus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both D-Bus and bluetoothd are told, with what to install; what needs them was not tried."""
    found = await look(tmp_path, f"unix:path={tmp_path / 'none'}", monkeypatch)
    assert [(one.line, one.verdict) for one in found] == [
        ("d-bus", "bad"),
        ("bluetoothd", "bad"),
        ("d-bus policy", "not tried"),
        ("adapters", "not tried"),
        ("others", "not tried"),
    ]
    assert "apt install dbus" in str(found[0].do)


@with_dbus
async def test_no_bluetoothd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without BlueZ is told to install it; one where it does not run, to start it."""
    monkeypatch.setenv("PATH", f"/usr/bin:{tmp_path / 'bin'}")
    async with system_bus(tmp_path) as bus:
        without = await look(tmp_path, bus, monkeypatch)
        program = tmp_path / "bin" / "bluetoothd"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\necho 5.66\n")
        program.chmod(0o755)
        stopped = await look(tmp_path, bus, monkeypatch)
        (version,) = await examined(configured(tmp_path), "bluez version")
    assert without[0].verdict == "ok"
    assert "BlueZ is not installed" in without[1].told
    assert "sudo apt install bluez" in str(without[1].do)
    assert stopped[1].told == "bluetoothd does not run"
    assert "systemctl enable --now bluetooth" in str(stopped[1].do)
    assert (version.verdict, version.told) == ("ok", "BlueZ 5.66")


@with_dbus
async def test_all_is_well_and_nothing_is_altered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One question is all that bluetoothd is asked."""
    async with system_bus(tmp_path) as bus, bluetoothd(bus) as daemon:
        found = await look(tmp_path, bus, monkeypatch)
        assert daemon.calls == ["GetManagedObjects"]
    assert [one.verdict for one in found] == ["ok"] * 5
    assert by_line(found, "adapters") == [("ok", f"hci3 ({ADAPTER_ADDRESS}) is switched on, roles central, peripheral")]


@with_dbus
@pytest.mark.parametrize(
    ("changed", "verdict", "told"),
    [
        ({"Powered": Variant("b", False)}, "bad", "is switched off"),
        ({"Roles": Variant("as", ["peripheral"])}, "bad", "no Bluetooth Low Energy as a central"),
    ],
    ids=["off", "no central"],
)
async def test_an_adapter_of_no_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Variant], verdict: str, told: str
) -> None:
    """The only adapter must be on, and a central."""
    async with system_bus(tmp_path) as bus, bluetoothd(bus) as daemon:
        daemon.objects[ADAPTER][PROPERTIES] |= changed
        ((found, words),) = by_line(await look(tmp_path, bus, monkeypatch), "adapters")
    assert found == verdict
    assert told in words


@with_dbus
async def test_no_adapter_and_the_wrong_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None at all, and one that the configuration names and nobody has plugged in."""
    async with system_bus(tmp_path) as bus, bluetoothd(bus) as daemon:
        text = '[radio]\nadapters = ["00:11:22:33:44:55"]\n'
        named = by_line(await look(tmp_path, bus, monkeypatch, text), "adapters")
        del daemon.objects[ADAPTER]
        none = by_line(await look(tmp_path, bus, monkeypatch), "adapters")
    assert ("bad", "there is no adapter 00:11:22:33:44:55") in named
    assert none == [("bad", "bluetoothd knows no adapter")]


@with_dbus
async def test_others_who_use_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan and a connection of somebody else, while no daemon runs; then two daemons."""
    patient = configured(tmp_path)
    async with system_bus(tmp_path) as bus, bluetoothd(bus) as daemon:
        daemon.objects[ADAPTER][PROPERTIES]["Discovering"] = Variant("b", True)
        daemon.hold()
        notes = by_line(await look(tmp_path, bus, monkeypatch), "others")
        for number in ("100", "200"):
            process = patient.root / "proc" / number
            process.mkdir(parents=True)
            (process / "cmdline").write_bytes(b"python3\0/opt/ankled/bin/ankled\0run\0--config\0x.toml\0")
        two = by_line(await look(tmp_path, bus, monkeypatch), "others")
    assert [verdict for verdict, _ in notes] == ["note", "note"]
    assert "another program scans on hci3" in notes[0][1]
    assert "1 device is connected for others" in notes[1][1]
    assert [verdict for verdict, _ in two] == ["bad"]
    assert "processes 100, 200" in two[0][1]


@with_dbus
async def test_a_policy_that_says_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """D-Bus itself refuses a user who is not in the group: told, with the command that lets them in."""
    strict = CONFIGURATION.replace(
        "</policy>", '<deny send_destination="org.bluez" send_interface="org.freedesktop.DBus.ObjectManager"/></policy>'
    )
    monkeypatch.setattr("tests.drivers.bluez_double.CONFIGURATION", strict)
    async with system_bus(tmp_path) as bus, bluetoothd(bus):
        found = await look(tmp_path, bus, monkeypatch)
    assert [one.verdict for one in found] == ["ok", "ok", "bad", "not tried", "not tried"]
    assert "may not speak to bluetoothd" in found[2].told
    assert "usermod -aG bluetooth" in str(found[2].do)


@with_dbus
async def test_a_bluetoothd_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not answer: the deadline of its own check ends that, and other checks are whole."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "")
    async with system_bus(tmp_path) as bus, bluetoothd(bus) as daemon:
        daemon.mute.add("GetManagedObjects")
        from ankled.daemon.doctor.checks import checks  # noqa: PLC0415 - beside its use
        from ankled.daemon.doctor.running import examine  # noqa: PLC0415 - the same

        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
        patient = configured(tmp_path)
        chosen = [one for one in checks(patient) if {"bluetoothd", "kernel", "date"} & set(one.lines)]
        found, hung = await examine(patient, chosen)
    assert hung
    assert [(one.line, one.verdict) for one in found] == [("kernel", "ok"), ("date", "ok"), ("d-bus", "bad")]
    assert "no answer within 5 s" in found[2].told


async def test_a_bus_that_hangs_ends_the_command_all_the_same(tmp_path: Path) -> None:
    """Whoever listens at the bus's socket and says nothing: the command reports and leaves."""
    path = tmp_path / "bus"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        from tests.daemon.commands import PROGRAM  # noqa: PLC0415 - beside its use

        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            "doctor",
            "--json",
            stdout=asyncio.subprocess.PIPE,
            cwd=tmp_path,
            env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={path}"},
        )
        out, _ = await asyncio.wait_for(process.communicate(), 120.0)
    assert process.returncode == 1
    assert b'"line":"d-bus","verdict":"bad","told":"no answer within 5 s"' in out
    assert b'"line":"changes"' in out


@pytest.mark.parametrize(
    ("number", "verdict"), [((5, 50), "bad"), ((5, 64), "note"), ((5, 66), "ok"), ((5, 87), "note")]
)
def test_versions_of_bluez(number: tuple[int, int], verdict: str) -> None:
    """Too old, known for trouble, or well."""
    assert bluetooth.of_version(number).verdict == verdict


@pytest.mark.parametrize(
    ("kind", "soft", "hard", "verdict", "told"),
    [
        ("bluetooth", 0, 0, "ok", "is not blocked"),
        ("bluetooth", 1, 0, "bad", "blocked by software"),
        ("bluetooth", 0, 1, "bad", "blocked by a switch of the machine"),
        ("wlan", 1, 1, "not tried", "no switch of a Bluetooth adapter"),
    ],
)
async def test_rfkill(tmp_path: Path, kind: str, soft: int, hard: int, verdict: str, told: str) -> None:
    """As the kernel shows its switches in /sys."""
    patient = configured(tmp_path)
    switch = patient.root / "sys" / "class" / "rfkill" / "rfkill0"
    switch.mkdir(parents=True)
    for name, value in (("type", kind), ("name", "hci0"), ("soft", soft), ("hard", hard)):
        (switch / name).write_text(f"{value}\n")
    (one,) = await examined(patient, "rfkill")
    assert (one.verdict, told in one.told) == (verdict, True)
