"""What is stored: the outbox and what requests have changed. Both are read and never written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from ankled.daemon.doctor.finding import Finding, bad, note, ok
from ankled.daemon.doctor.patient import user
from ankled.daemon.live.changes import NAME, Changes

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient

OUTBOX: Final = "outbox.db"  # that of daemon/live/launch.py, which is not imported here: it would bring the kernels
_READ: Final = 1


def outbox(patient: Patient) -> list[Finding]:
    """Open it for reading, have SQLite look it over, and give its account."""
    if not patient.config.state.enabled:
        return [note("outbox", "unsent results are kept in memory only: state.enabled is false")]
    path = Path(patient.config.state.folder) / OUTBOX
    own = f"Let {user()} read it, or examine as who runs the daemon: ls -l {path}"
    try:
        if not path.exists():
            return [ok("outbox", "there is none yet: the daemon makes it")]
        with path.open("rb"):
            pass
    except OSError as error:
        return [bad("outbox", f"{path} cannot be read: {error.strerror}", own)]
    # Where a daemon works with it there is an index beside it, and we read along. Where there is none SQLite would make
    # one, so the file is read as it lies there.
    along = path.with_name(f"{OUTBOX}-shm").exists()
    uri = f"file:{quote(str(path.absolute()))}?{'mode=ro' if along else 'immutable=1'}"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=2.0)) as db:
            return _account(db, path)
    except sqlite3.OperationalError as error:
        return [bad("outbox", f"{path} cannot be used: {error}", own)]
    except (sqlite3.DatabaseError, ValueError, TypeError) as error:
        return [_damaged(path, str(error))]


def _account(db: sqlite3.Connection, path: Path) -> list[Finding]:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != _READ:
        do = f"Move it away, or use the program that made it: mv {path} {path}.other"
        return [bad("outbox", f"{path} has version {version}; this program reads version {_READ}", do)]
    (fault,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if fault != "ok":
        return [_damaged(path, fault)]
    (pending,) = db.execute("SELECT count(*) FROM results WHERE acknowledged_s IS NULL").fetchone()
    counts = {
        name: int(float(value))
        for name, value in db.execute(
            "SELECT name, value FROM counters WHERE name IN ('stored', 'acknowledged', 'dropped', 'forgotten')"
        )
    }
    told = f"{pending} results wait for the broker; over all runs " + ", ".join(
        f"{n} {name}" for name, n in counts.items()
    )
    if counts.get("dropped"):
        do = "See that the broker can be reached, or raise outbox.size_mb and outbox.pending_days: ankled doctor"
        return [note("outbox", told, do)]
    return [ok("outbox", told)]


def _damaged(path: Path, why: str) -> Finding:
    do = "Restart the daemon, which saves what can be read of it: sudo systemctl restart ankled"
    return bad("outbox", f"{path} is damaged: {why}", do)


def changes(patient: Patient) -> list[Finding]:
    """Read what requests have changed, as the daemon will."""
    if not patient.config.state.enabled:
        return [ok("changes", "what requests change is forgotten at the end: state.enabled is false")]
    path = Path(patient.config.state.folder) / NAME
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Changes)
    except FileNotFoundError:
        return [ok("changes", "no request has changed anything")]
    except OSError as error:
        do = f"Let {user()} read it, or examine as who runs the daemon: ls -l {path}"
        return [bad("changes", f"{path} cannot be read: {error.strerror}", do)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        do = f"Correct it, or move it away and what requests have changed is forgotten: mv {path} {path}.damaged"
        return [bad("changes", f"{path} cannot be used: {error}", do)]
    return [ok("changes", f"requests have changed {len(found.devices)} devices and removed {len(found.removed)}")]
