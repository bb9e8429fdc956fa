"""Bluetooth: D-Bus, bluetoothd and its version, what it lets us see, adapters, and others who use them."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any, Final

from dbus_fast import AuthError, DBusError

from ankled.daemon.doctor import bus
from ankled.daemon.doctor.finding import Finding, bad, not_tried, note, ok
from ankled.daemon.doctor.patient import user
from ankled.daemon.doctor.processes import daemons
from ankled.daemon.doctor.running import in_thread, output
from ankled.drivers.bluez import system_bus

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient

INSTALL: Final = "Install BlueZ and start it: sudo apt install bluez && sudo systemctl enable --now bluetooth"
_START: Final = "Start it: sudo systemctl enable --now bluetooth"
_PLACES: Final = ("usr/libexec/bluetooth/bluetoothd", "usr/lib/bluetooth/bluetoothd", "usr/sbin/bluetoothd")
_OLDEST: Final = (5, 55)  # what bleak asks for
_TROUBLE: Final = {
    (5, 64): "it ends connections by itself and loses notifications (bluez/bluez#509)",
    (5, 87): "it crashes when scanning with a filter of services (bluez/bluez#2282)",
}
_VERSION: Final = re.compile(r"(\d+)\.(\d+)")
LINES: Final = ("d-bus", "bluetoothd", "d-bus policy", "adapters", "others")


def program(patient: Patient) -> str | None:
    """Return where bluetoothd is, running or not."""
    there = [str(patient.root / place) for place in _PLACES if (patient.root / place).is_file()]
    return shutil.which("bluetoothd") or (there[0] if there else None)


def version(patient: Patient) -> list[Finding]:
    """Ask the program: over D-Bus, bluetoothd does not tell."""
    found = program(patient)
    if found is None:
        return [bad("bluez version", "BlueZ is not installed: there is no bluetoothd", INSTALL)]
    said = output(found, "--version")
    parts = _VERSION.search(said or "")
    if parts is None:
        return [not_tried("bluez version", f"{found} --version does not say")]
    return [of_version((int(parts[1]), int(parts[2])))]


def of_version(number: tuple[int, int]) -> Finding:
    """Return the finding for a version of BlueZ."""
    name = f"BlueZ {number[0]}.{number[1]:02d}"
    update = "Update it, then restart it: sudo apt update && sudo apt install bluez && sudo systemctl restart bluetooth"
    if number < _OLDEST:
        return bad("bluez version", f"{name} is too old; 5.55 or newer is needed", update)
    if number in _TROUBLE:
        return note("bluez version", f"{name} is known for trouble: {_TROUBLE[number]}", update)
    return ok("bluez version", name)


async def bluez(patient: Patient) -> list[Finding]:
    """Ask bluetoothd, if there is one, as far as we get."""
    try:
        async with system_bus() as line:
            reached = ok("d-bus", "the system bus answers")
            if not await bus.owned(line, "org.bluez"):
                return [reached, _absent(patient), *_left_out("bluetoothd does not run", *LINES[2:])]
            running = ok("bluetoothd", "bluetoothd runs")
            try:
                objects = await bus.bluez_objects(line)
            except DBusError as error:
                return [reached, running, _refused(error), *_left_out("bluetoothd does not tell", *LINES[3:])]
    except (AuthError, PermissionError) as error:
        do = f"Run it as a user of this machine who may use D-Bus, such as: sudo -u ankled ankled doctor ({user()} not)"
        return [bad("d-bus", f"the system bus refuses us: {error}", do), *_left_out("there is no D-Bus", *LINES[1:])]
    except (OSError, EOFError) as error:
        do = "Install D-Bus and start it: sudo apt install dbus && sudo systemctl start dbus"
        told = f"no system bus answers: {error.strerror if isinstance(error, OSError) and error.strerror else error}"
        return [bad("d-bus", told, do), _absent(patient), *_left_out("there is no D-Bus", *LINES[2:])]
    allowed = ok("d-bus policy", f"{user()} may speak to bluetoothd")
    here = await in_thread(lambda: daemons(patient))
    return [reached, running, allowed, *of_adapters(objects, patient.config.radio.adapters), *_others(objects, here)]


def _absent(patient: Patient) -> Finding:
    if program(patient) is None:
        return bad("bluetoothd", "BlueZ is not installed, and so bluetoothd does not run", INSTALL)
    return bad("bluetoothd", "bluetoothd does not run", _START)


def _refused(error: DBusError) -> Finding:
    if error.type == bus.DENIED:
        told = f"{user()} may not speak to bluetoothd"
        return bad("d-bus policy", told, f"Let them, then log in anew: sudo usermod -aG bluetooth {user()}")
    told = f"bluetoothd answers with an error: {error.type}"
    return bad("d-bus policy", told, "Restart it: sudo systemctl restart bluetooth")


def _left_out(why: str, *lines: str) -> list[Finding]:
    return [not_tried(line, why) for line in lines]


def of_adapters(objects: dict[str, dict[str, dict[str, Any]]], wanted: tuple[str, ...]) -> list[Finding]:
    """Return the findings for what bluetoothd shows, and the adapters that the configuration names."""
    found = {
        path.rpartition("/")[2]: interfaces["org.bluez.Adapter1"]
        for path, interfaces in sorted(objects.items())
        if "org.bluez.Adapter1" in interfaces
    }
    if not found:
        do = "Plug an adapter in, and see what the kernel makes of it: sudo dmesg | grep -i bluetooth"
        return [bad("adapters", "bluetoothd knows no adapter", do)]
    findings = []
    used = 0
    for name, one in found.items():
        address = str(one.get("Address", ""))
        asked = not wanted or any(each.lower() in {name, address.lower()} for each in wanted)
        findings.append(_adapter(name, one, needed=asked and (bool(wanted) or len(found) == 1)))
        used += asked and findings[-1].verdict == "ok"
    known = {text for name, one in found.items() for text in (name, str(one.get("Address", "")).lower())}
    findings += [
        bad("adapters", f"there is no adapter {each}", "Correct radio.adapters; those here are: bluetoothctl list")
        for each in wanted
        if each.lower() not in known
    ]
    if not used and not any(one.verdict == "bad" for one in findings):
        findings.append(bad("adapters", "no adapter is switched on", "Switch one on: bluetoothctl power on"))
    return findings


def _adapter(name: str, one: dict[str, Any], *, needed: bool) -> Finding:
    shown = f"{name} ({one.get('Address', 'no address')})"
    roles = one.get("Roles")
    if roles is not None and "central" not in roles:
        told = f"{shown} cannot connect to sensors: it has no Bluetooth Low Energy as a central"
        do = "Use an adapter of Bluetooth 4.0 or later that can: bluetoothctl show lists its roles"
        return bad("adapters", told, do) if needed else note("adapters", told, do)
    if not one.get("Powered"):
        told, do = f"{shown} is switched off", "Switch it on: sudo rfkill unblock bluetooth && bluetoothctl power on"
        return bad("adapters", told, do) if needed else note("adapters", told, do)
    which = "" if roles is None else f", roles {', '.join(roles)}"
    return ok("adapters", f"{shown} is switched on{which}")


def _others(objects: dict[str, dict[str, dict[str, Any]]], here: dict[int, str]) -> list[Finding]:
    """Who scans or is connected takes air time and slots; one daemon is as it should be."""
    findings = []
    if len(here) > 1:
        numbers = " ".join(map(str, sorted(here)))
        told = f"{len(here)} daemons run here and take each other's sensors: processes {numbers.replace(' ', ', ')}"
        findings.append(bad("others", told, f"Stop all but one: kill {max(here)}"))
    if here:
        return findings or [ok("others", f"one daemon runs here, process {next(iter(here))}, and it uses Bluetooth")]
    scanning = [
        path for path, interfaces in objects.items() if interfaces.get("org.bluez.Adapter1", {}).get("Discovering")
    ]
    if scanning:
        names = ", ".join(path.rpartition("/")[2] for path in scanning)
        do = "Close Bluetooth settings of the desktop and other scanners, then see that it ends: bluetoothctl show"
        findings.append(note("others", f"another program scans on {names}, which disturbs connections", do))
    held = [path for path, interfaces in objects.items() if interfaces.get("org.bluez.Device1", {}).get("Connected")]
    if held:
        told = (
            f"{len(held)} device{'s are' if len(held) > 1 else ' is'} connected for others, of the few an adapter takes"
        )
        findings.append(note("others", told, "Let go of what is not needed: bluetoothctl devices Connected"))
    return findings or [ok("others", "nobody else scans or is connected")]
