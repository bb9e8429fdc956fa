"""Examining in tests: findings by their line, of a machine and a configuration that the test makes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.doctor.checks import checks
from ankled.daemon.doctor.patient import Patient
from ankled.daemon.doctor.running import examine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ankled.daemon.doctor.finding import Finding

with_dbus = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed")


def by_line(findings: Sequence[Finding], line: str) -> list[tuple[str, str]]:
    """Return verdict and words of the findings of a line; every `bad` says what to do, with a full word to begin."""
    for one in findings:
        assert one.verdict != "bad" or (one.do and one.do[0].isupper()), one
    return [(one.verdict, one.told) for one in findings if one.line == line]


async def examined(patient: Patient, *lines: str) -> list[Finding]:
    """Run the checks that make these lines."""
    chosen = [check for check in checks(patient) if set(check.lines) & set(lines)]
    assert chosen
    found, hung = await examine(patient, chosen)
    assert not hung
    named = {line for check in chosen for line in check.lines}
    assert {one.line for one in found} <= named
    assert all(one.group for one in found)
    return found


def configured(folder: Path, text: str = "") -> Patient:
    """Return a patient with this configuration, whose folders are in `folder`."""
    path = folder / "ankled.toml"
    if "[state]" not in text:
        text += f'\n[state]\nfolder = "{folder / "state"}"\n'
    if "[capture]" not in text:
        text += f'\n[capture]\nfolder = "{folder / "captures"}"\n'
    path.write_text(text, encoding="utf-8")
    return Patient(path, root=folder / "root")
