"""The bundle for a bug report: what the doctor found and what explains it, less what is private. Never sent."""

from __future__ import annotations

import gzip
import io
import os
import platform
import tarfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.doctor.disk import captures
from ankled.daemon.doctor.journal import last_lines
from ankled.daemon.doctor.machine import installed
from ankled.daemon.doctor.report import as_json
from ankled.daemon.doctor.scrub import Scrubber
from ankled.daemon.doctor.secrets import private
from ankled.daemon.errors import AnkledError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ankled.daemon.doctor.finding import Finding
    from ankled.daemon.doctor.patient import Patient

ENDING: Final = ".tar.gz"
_UNKNOWN: Final = "left out: no configuration could be read, so nobody knows what is to be removed from it\n"
_ABOUT: Final = """A bundle of ankled doctor for a bug report.

Look through every file before you pass it on: it was made to hold no password, no name of an athlete and no address of
a device, but only you know what else is private. The same stand-in (device-1, athlete-1, host-1) means the same one in
all files; [bytes] stands for rows of bytes.
"""


def prepare(path: Path) -> None:
    """Raise UsageError for a file that cannot be the bundle, before anything is examined."""
    if not path.name.endswith(ENDING):
        msg = f"--bundle is {path}; allowed is a name that ends with {ENDING}"
        raise UsageError(msg)
    if path.exists():
        msg = f"--bundle is {path}, which is there already; name another, or remove it"
        raise UsageError(msg)
    if not path.absolute().parent.is_dir():
        msg = f"--bundle is {path}, and there is no folder {path.absolute().parent}; make it, or name another"
        raise UsageError(msg)


def contents(patient: Patient, findings: Sequence[Finding], *, keep_hosts: bool) -> dict[str, bytes]:
    """Return the files of the bundle, scrubbed. Raises AnkledError rather than let anything private out."""
    layers = patient.layers()
    known = patient.path is not None and bool(layers)
    texts = {
        "README.txt": _ABOUT,
        "doctor.jsonl": as_json(findings),
        "versions.json": _json({**installed()[0], "python": platform.python_version(), "system": _system()}),
        "configuration.json": _json([{"source": one.name, "data": one.data} for one in layers]) if known else _UNKNOWN,
        "captures.json": _json([_capture(*one) for one in captures(patient)]) if known else _UNKNOWN,
        "journal.log": (last_lines() or "the journal holds nothing that this user may read\n") if known else _UNKNOWN,
    }
    for name, payload in patient.heard.items():
        texts[f"bridge-{name}.json"] = _pretty(payload) if known else _UNKNOWN
    scrubber = Scrubber(private(patient, keep_hosts=keep_hosts), keep_hosts=keep_hosts)
    for text in texts.values():
        scrubber.learn(text)
    files = {name: scrubber.scrub(text).encode(errors="replace") for name, text in texts.items()}
    for name, data in files.items():
        if left := scrubber.leaks(data):
            msg = f"no bundle was written: {name} would have held what {', '.join(left)} stands for"
            raise AnkledError(msg)
    return files


def write(path: Path, files: dict[str, bytes]) -> None:
    """Write the bundle, for its owner's eyes alone. Raises OSError, and leaves nothing half done."""
    packed = io.BytesIO()
    # neither the name of this file nor that of its owner is in it
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w") as archive,
    ):
        for name, data in files.items():
            entry = tarfile.TarInfo(f"ankled-doctor/{name}")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(data))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(packed.getvalue())
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise


def listing(path: Path, files: dict[str, bytes]) -> str:
    """Return what the user is told of it."""
    rows = "".join(f"  {name:<20} {len(data):>9} bytes\n" for name, data in files.items())
    return f"{path} holds:\n{rows}Nothing was sent. Look through it before you pass it on: tar -xOzf {path} | less\n"


def _capture(name: str, size_bytes: int, changed_s: float) -> dict[str, object]:
    moment = f"{datetime.fromtimestamp(changed_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {"file": name, "bytes": size_bytes, "changed_utc": moment}


def _system() -> str:
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=str)).decode() + "\n"


def _pretty(payload: bytes) -> str:
    try:
        return msgspec.json.format(payload).decode() + "\n"
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return payload.decode(errors="replace")
