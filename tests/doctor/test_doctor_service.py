"""What systemd tells of the service, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ankled.daemon.doctor import service
from tests.doctor.examined import configured, examined

if TYPE_CHECKING:
    from pathlib import Path

RUNNING = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled"}


@pytest.mark.parametrize(
    ("changed", "verdicts", "told"),
    [
        ({"StatusText": "2 sensors stream"}, ["ok"], "active (running): 2 sensors stream"),
        ({"ActiveState": "failed", "Result": "watchdog"}, ["bad"], "last exit: watchdog"),
        ({"ActiveState": "inactive", "SubState": "dead"}, ["note"], "inactive (dead)"),
        ({"LoadState": "bad-setting"}, ["bad"], "cannot be loaded"),
        ({"UnitFileState": "disabled"}, ["ok", "note"], "it is disabled"),
        ({"NRestarts": "3"}, ["ok", "note"], "restarted it 3 times"),
        ({"User": "ankled"}, ["ok", "note"], "it runs as ankled, and this examination as"),
    ],
)
def test_the_service(changed: dict[str, str], verdicts: list[str], told: str) -> None:
    """What `systemctl show` says, and what to do."""
    found = service.of_service({**RUNNING, "User": machine_user(), **changed})
    assert [one.verdict for one in found] == verdicts
    assert told in "; ".join(one.told for one in found)


def machine_user() -> str:
    """Return who we are, for whom nothing is to be noted."""
    from ankled.daemon.doctor.patient import user  # noqa: PLC0415 - beside its use

    return user()


async def test_systemd_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it runs the machine: a unit of the system, else one of the user, which must outlive the login."""
    patient = configured(tmp_path)
    assert [one.verdict for one in await examined(patient, "service")] == ["not tried"]
    (patient.root / "run" / "systemd" / "system").mkdir(parents=True)
    script = tmp_path / "bin" / "systemctl"
    script.parent.mkdir()
    shown = "\\n".join(f"{name}={value}" for name, value in RUNNING.items())
    script.write_text(f"#!/bin/sh\nif [ $1 = --user ]; then printf '{shown}\\n'; else echo LoadState=not-found; fi\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    found = await examined(patient, "service")
    assert [(one.line, one.verdict) for one in found] == [("service", "ok"), ("linger", "note")]
