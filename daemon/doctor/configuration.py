"""The configuration: everything `ankled check-config` tells, and what it makes the daemon do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.doctor.finding import Finding, bad, note, ok
from ankled.daemon.errors import AnkledError

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient


def configuration(patient: Patient) -> list[Finding]:
    """Return one finding for each problem."""
    if patient.path is None and not patient.problems:
        do = "Name one, with your sensors in it: ankled doctor --config FILE.toml"
        return [note("configuration", "no file is named and none is installed: the defaults were examined", do)]
    correct = f"Correct the file, then see that nothing is left: ankled check-config {patient.shown}"
    if patient.problems:
        return [bad("configuration", str(problem), correct) for problem in patient.problems]
    config = patient.config
    try:
        found = [note("configuration", str(told), correct) for told in (*patient.warnings, *config.mqtt.warnings())]
    except AnkledError as error:
        return [bad("configuration", f"{patient.path}: {error}", correct)]
    if not config.devices and config.adopt == "none":
        do = f'See who is near with ankled scan, then add [[devices]], or adopt = "known-drivers", to {patient.path}'
        found.append(note("configuration", "no sensor will be connected to: none is configured, and adopt is none", do))
    if not config.capture.enabled:
        found.append(note("configuration", "nothing is recorded: capture.enabled is false"))
    return found or [ok("configuration", f"{patient.path}: node {config.node}, {len(config.devices)} devices")]
