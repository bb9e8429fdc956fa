"""All checks, in the order in which their lines are shown. Each line is explained in docs/doctor.md."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ankled.daemon.doctor import (
    bluetooth,
    broker,
    clock,
    configuration,
    disk,
    kernels,
    machine,
    service,
    stored,
    switches,
)
from ankled.daemon.doctor.finding import not_tried
from ankled.daemon.doctor.running import Check

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient
    from ankled.daemon.doctor.running import Look

_INSIDE: Final = {"disk", "stored"}
"""The groups that look at what the daemon has written."""
_BUSY: Final = "See what keeps the machine busy: top"
_DISK: Final = "See which disk or network folder does not answer: sudo dmesg | tail -n 30"
_DBUS: Final = "Restart what hangs: sudo systemctl restart bluetooth; if that hangs too, restart the machine."


def _check(group: str, line: str, look: Look, stuck: str = _BUSY, deadline_s: float = 10.0) -> Check:
    return Check(group=group, lines=(line,), look=look, stuck=stuck, deadline_s=deadline_s)


def checks(patient: Patient) -> list[Check]:
    """Return the checks for a patient: one for each of its brokers among them."""
    return [_open(check, patient) for check in _all(patient)]


def _open(check: Check, patient: Patient) -> Check:
    """Return a check, or what tells that it is not for us."""
    closed = patient.closed
    if closed is None or check.group not in _INSIDE:
        return check
    return replace(check, look=lambda _: [not_tried(check.lines[0], closed)])


def _all(patient: Patient) -> list[Check]:
    wait = f"See whether the broker and its name server answer, then look again: ankled doctor --config {patient.shown}"
    return [
        _check("machine", "kernel", machine.kernel),
        _check("machine", "architecture", machine.architecture),
        _check("machine", "python", machine.python),
        _check("machine", "packages", machine.packages),
        _check("machine", "cpu", machine.cpu),
        _check("machine", "memory", machine.memory),
        _check("clock", "synchronised", clock.synchronised),
        _check("clock", "date", clock.date),
        _check("clock", "sleep", clock.sleeps),
        _check("bluetooth", "bluez version", bluetooth.version),
        Check(group="bluetooth", lines=bluetooth.LINES, look=bluetooth.bluez, deadline_s=5.0, stuck=_DBUS),
        _check("bluetooth", "rfkill", switches.rfkill),
        _check("configuration", "configuration", configuration.configuration),
        *(
            Check(group="broker", lines=broker.LINES, look=look, deadline_s=broker.patience_s(patient), stuck=wait)
            for look in broker.looks(patient)
        ),
        _check("disk", "folders", disk.writable, _DISK),
        _check("disk", "space", disk.space, _DISK),
        _check("disk", "file system", disk.kind, _DISK),
        _check("disk", "retention", disk.kept, _DISK),
        Check(
            group="kernels", lines=("numba", "kernels"), look=kernels.cache, deadline_s=kernels.DEADLINE_S, stuck=_BUSY
        ),
        Check(
            group="service",
            lines=("service", "linger"),
            look=service.service,
            deadline_s=15.0,
            stuck="See whether systemd answers, else restart the machine: systemctl is-system-running",
        ),
        _check("stored", "outbox", stored.outbox, _DISK, deadline_s=30.0),
        _check("stored", "changes", stored.changes, _DISK),
    ]
