"""What a check finds: one line with a verdict, what is the case, and what to do about it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Verdict: TypeAlias = Literal["ok", "note", "bad", "not tried"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `line` is its name in docs/doctor.md; `do` is one sentence with the command, where there is one."""

    group: str = ""
    line: str
    verdict: Verdict
    told: str
    do: str | None = None


def ok(line: str, told: str) -> Finding:
    """Return that all is well."""
    return Finding(line=line, verdict="ok", told=told)


def note(line: str, told: str, do: str | None = None) -> Finding:
    """Return what need not be wrong."""
    return Finding(line=line, verdict="note", told=told, do=do)


def bad(line: str, told: str, do: str) -> Finding:
    """Return what keeps the daemon from its work, and the way out."""
    return Finding(line=line, verdict="bad", told=told, do=do)


def not_tried(line: str, told: str) -> Finding:
    """Return why something was not looked at."""
    return Finding(line=line, verdict="not tried", told=told)
