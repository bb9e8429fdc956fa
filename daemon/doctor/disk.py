"""The disk: room, permission and kind of the folders that are written to, and how much lies there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankled.daemon.doctor.finding import Finding, bad, not_tried, note, ok
from ankled.daemon.doctor.patient import user

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient

_MIB: Final = 1024 * 1024
FULL_MIB: Final = 100
LOW_MIB: Final = 1024
_FLEETING: Final = {"tmpfs", "ramfs"}
_FAR: Final = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "fuse.glusterfs"}
_PLAIN: Final = {"vfat", "exfat", "msdos"}


def existing(path: Path) -> Path:
    """Return the folder, or the nearest above it that is there."""
    path = path.absolute()
    # not Path.exists, which raises where a folder above is closed to us
    return next((one for one in (path, *path.parents) if os.access(one, os.F_OK, effective_ids=True)), Path("/"))


def writable(patient: Patient) -> list[Finding]:
    """Each folder can be written to, or made."""
    found = [of_folder(name, path) for name, path in patient.folders().items()]
    return found or [ok("folders", "nothing is kept: neither state nor captures")]


def of_folder(name: str, path: Path) -> Finding:
    """Return the finding for one folder."""
    there = existing(path)
    shown = path.absolute()
    own = f"Give it to who runs the daemon: sudo install -d -o {user()} {shown}"
    if not there.is_dir():
        return bad(
            "folders", f"{name}: {there} is no folder", f"Move that file, or correct {name}.folder: ls -l {there}"
        )
    if not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        what = "cannot be written to" if there == shown else f"cannot be made: {there} cannot be written to"
        read_only = os.statvfs(there).f_flag & os.ST_RDONLY
        if read_only:
            do = f"Mount that file system for writing: sudo mount -o remount,rw $(findmnt -no TARGET -T {there})"
            return bad("folders", f"{name}: {shown} {what}, for the file system is read-only", do)
        return bad("folders", f"{name}: {shown} {what} by {user()}", own)
    return ok("folders", f"{name}: {shown} can be {'written to' if there == shown else 'made'}")


def space(patient: Patient) -> list[Finding]:
    """Each folder has room left."""
    found = [of_space(name, existing(path)) for name, path in patient.folders().items()]
    return found or [not_tried("space", "nothing is kept")]


def of_space(name: str, there: Path) -> Finding:
    """Return the finding for the file system that a folder is on."""
    room = os.statvfs(there)
    free_mib = room.f_bavail * room.f_frsize // _MIB
    told = f"{name}: {free_mib} MiB free"
    do = f"Make room; what takes it shows: sudo du -xh --max-depth=2 {there} | sort -h | tail"
    if free_mib < FULL_MIB:
        return bad("space", f"{told}, less than {FULL_MIB}", do)
    if room.f_files and not room.f_favail:
        return bad("space", f"{told}, but no file can be made: all inodes are taken", do)
    return note("space", told, do) if free_mib < LOW_MIB else ok("space", told)


def kind(patient: Patient) -> list[Finding]:
    """SQLite and hard links want a file system of this machine that lasts."""
    mounts = patient.text("proc/self/mountinfo")
    if mounts is None:
        return [not_tried("file system", "/proc/self/mountinfo cannot be read")]
    found = [of_kind(name, existing(path), mounts) for name, path in patient.folders().items()]
    return found or [not_tried("file system", "nothing is kept")]


def of_kind(name: str, there: Path, mounts: str) -> Finding:
    """Return the finding for a folder, given /proc/self/mountinfo (proc(5))."""
    best, system = "", "unknown"
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), left.split(" ")[4])
        if there.resolve().is_relative_to(point) and len(point) >= len(best):
            best, system = point, right.split(" ")[0]
    told = f"{name}: {system}"
    move = f"Choose a folder on a disk of this machine for {name}.folder; they show: findmnt --real"
    if system in _FLEETING:
        return note("file system", f"{told}, which is gone when the machine restarts", move)
    if system in _FAR:
        return note("file system", f"{told}, over a network: the outbox may get damaged there", move)
    if system in _PLAIN:
        return note(
            "file system", f"{told}, without permissions and links: the pseudonyms' key cannot be kept there", move
        )
    return ok("file system", told)


def kept(patient: Patient) -> list[Finding]:
    """Tell what lies in the folder of the captures, and how much room it takes."""
    config = patient.config.capture
    if not config.enabled:
        return [ok("retention", "nothing is recorded: capture.enabled is false")]
    files = captures(patient)
    size_mib = sum(size for _, size, _ in files) / _MIB
    return [ok("retention", f"{len(files)} captures with {size_mib:.0f} MiB; {bounds(patient)}")]


def bounds(patient: Patient) -> str:
    """Return what will be removed by itself, in words."""
    outbox, capture = patient.config.outbox, patient.config.capture
    limits = [f"up to {capture.keep_gb:g} GB"] if capture.keep_gb else []
    limits += [f"{capture.keep_days:g} days"] if capture.keep_days else []
    limits += [f"until less than {capture.min_free_gb:g} GB are free"] if capture.min_free_gb else []
    return (
        f"the outbox takes up to {outbox.size_mb:g} MiB, unsent results {outbox.pending_days:g} days, "
        f"sent ones {outbox.kept_h:g} h; captures {' and '.join(limits) or 'without a bound'}"
    )


def captures(patient: Patient) -> list[tuple[str, int, float]]:
    """Return name, size in bytes and time of change of each capture, oldest first; nothing where none can be seen."""
    found = []
    try:
        for path in Path(patient.config.capture.folder).glob("*.mcap*"):
            told = path.stat()
            found.append((path.name, told.st_size, told.st_mtime))
    except OSError:
        return found
    return sorted(found, key=lambda one: one[2])
