"""How the service does: what systemd says, the daemon's own sentence, and the last results, with or without systemd."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.live.launch import OUTBOX
from ankled.daemon.service import manager
from ankled.daemon.service.files import UNIT

if TYPE_CHECKING:
    from pathlib import Path

_LAST: Final = 3
_RUNS: Final = frozenset({"active", "reloading", "activating"})
_PID: Final = slice(1, 16)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it runs, and lines that tell more."""

    runs: bool
    lines: tuple[str, ...]


class _Result(msgspec.Struct):
    """Of a result what is shown."""

    known_at_utc: str | None = None


def look(state: Path | None) -> Seen:
    """Look at the service whose results are in this folder; None where it keeps none. Raises ServiceError."""
    seen = _by_systemd() if manager.running() else _by_lock(state)
    return Seen(runs=seen.runs, lines=(*seen.lines, *_results(state)))


def _by_systemd() -> Seen:
    told = manager.properties()
    if told.get("LoadState") != "loaded":
        return Seen(
            runs=False, lines=(f"not installed: systemd knows no {UNIT}; ankled service install puts it there",)
        )
    state, sub = told.get("ActiveState", "unknown"), told.get("SubState", "")
    runs = state in _RUNS and sub != "auto-restart"
    lines = [f"{state} ({sub}), {told.get('UnitFileState', 'unknown')} at boot"]
    if runs:
        since = told.get("ActiveEnterTimestamp") or "not ready yet"
        lines.append(f"process {told.get('MainPID')}, since {since}, restarted {told.get('NRestarts')} times")
    else:
        lines.append(f"result: {told.get('Result')}; journalctl -u {UNIT} -n 50 tells more")
    if text := told.get("StatusText"):
        lines.append(text)
    return Seen(runs=runs, lines=tuple(lines))


def _by_lock(state: Path | None) -> Seen:
    """Without systemd: who has the outbox runs."""
    why = "systemd does not run this machine"
    if state is None:
        return Seen(runs=False, lines=(f"{why}, and the configuration keeps no state that would tell of a daemon",))
    with contextlib.suppress(OSError):
        lock = os.open(state / f"{OUTBOX}.lock", os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            process = os.pread(lock, 16, 0)[_PID].decode("ascii", "replace").strip()
            return Seen(runs=True, lines=(f"{why}; process {process} is an ankled that uses {state}",))
        finally:
            os.close(lock)
    return Seen(runs=False, lines=(f"{why}, and no ankled uses {state}",))


def _results(state: Path | None) -> tuple[str, ...]:
    """Return the last results of the outbox, newest first, without disturbing who writes it."""
    if state is None or not (path := state / OUTBOX).exists():
        return ("no results yet",)
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=2.0)) as db:
            (waiting,) = db.execute("SELECT count(*) FROM results WHERE acknowledged_s IS NULL").fetchone()
            rows = db.execute("SELECT topic, payload FROM results ORDER BY number DESC LIMIT ?", (_LAST,)).fetchall()
    except sqlite3.Error as error:
        return (f"the results in {path} cannot be read: {error}",)
    if not rows:
        return ("no results yet",)
    return (f"{waiting} results wait for the broker; the last ones:", *(f"  {_line(*row)}" for row in rows))


def _line(topic: str, payload: bytes) -> str:
    try:
        when = msgspec.json.decode(payload, type=_Result).known_at_utc
    except msgspec.DecodeError:
        when = None
    return f"{when or 'no time'}  {topic}"
