"""The service: whether systemd has it, how it stands, and whether it is one of the system or of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ankled.daemon.doctor.finding import Finding, bad, not_tried, note, ok
from ankled.daemon.doctor.patient import user
from ankled.daemon.doctor.running import output

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient

UNIT: Final = "ankled.service"
_ASKED: Final = (
    "LoadState,ActiveState,SubState,UnitFileState,StatusText,Result,ExecMainCode,ExecMainStatus,NRestarts,User,MainPID"
)


def service(patient: Patient) -> list[Finding]:
    """Ask systemd, that of the system and then that of the user."""
    if not (patient.root / "run/systemd/system").is_dir():
        return [not_tried("service", "systemd does not run this machine")]
    for scope in ((), ("--user",)):
        told = shown(*scope)
        if told and told.get("LoadState") not in {None, "", "not-found"}:
            return [*of_service(told, scope), *(_linger(patient) if scope else ())]
    return [
        note("service", f"{UNIT} is not installed: nobody starts the daemon", "Install it: sudo ankled service install")
    ]


def shown(*scope: str) -> dict[str, str]:
    """Return what systemd says of the service; nothing where it does not answer."""
    said = output("systemctl", *scope, "show", UNIT, "--no-pager", f"--property={_ASKED}")
    pairs = (line.partition("=") for line in (said or "").splitlines())
    return {name: value for name, mark, value in pairs if mark}


def of_service(told: dict[str, str], scope: tuple[str, ...] = ()) -> list[Finding]:
    """Return the findings for what systemd says."""
    ctl = "systemctl --user" if scope else "sudo systemctl"
    journal = f"journalctl {'--user ' if scope else ''}-u {UNIT} -n 50 --no-pager"
    state = f"{told.get('ActiveState')} ({told.get('SubState')})"
    status = f": {told['StatusText']}" if told.get("StatusText") else ""
    last = f"{told.get('Result')}, exit status {told.get('ExecMainStatus')}"
    found = []
    if told.get("LoadState") != "loaded":
        do = f"Look at the unit, then load it anew: {ctl} cat {UNIT}; {ctl} daemon-reload"
        found.append(bad("service", f"{UNIT} cannot be loaded: {told.get('LoadState')}", do))
    elif told.get("ActiveState") in {"active", "reloading", "activating"}:
        found.append(ok("service", f"{state}{status}"))
    elif told.get("ActiveState") == "failed":
        found.append(bad("service", f"{state}, last exit: {last}", f"Read why it failed: {journal}"))
    else:
        do = f"Start it: {ctl} enable --now {UNIT}"
        found.append(note("service", f"{state}, last exit: {last}", do))
    if told.get("UnitFileState") not in {"enabled", "enabled-runtime", "static", "generated"}:
        do = f"Have it started with the machine: {ctl} enable {UNIT}"
        found.append(note("service", f"it is {told.get('UnitFileState') or 'not enabled'}", do))
    restarts = told.get("NRestarts", "0")
    if restarts not in {"0", ""}:
        found.append(note("service", f"systemd has restarted it {restarts} times", f"Read why: {journal}"))
    who = told.get("User") or ("" if scope else "root")
    if who and who != user():
        do = f"Examine what the service may do as it does: sudo -u {who} ankled doctor"
        found.append(note("service", f"it runs as {who}, and this examination as {user()}", do))
    return found


def _linger(patient: Patient) -> list[Finding]:
    """Tell whether a service of a user outlives the user's session."""
    if (patient.root / "var/lib/systemd/linger" / user()).exists():
        return [ok("linger", f"services of {user()} run without a login")]
    do = f"Let them run on: sudo loginctl enable-linger {user()}"
    return [note("linger", f"the service ends when {user()} logs out", do)]
