"""Which recordings are kept: bounds of size, age and free disk, by which the oldest go. Nobody's file but our own.

Ours is a file by the name that the recorder gives, of this node, that begins as our captures do and that nobody is
recording to. A recording that is to stay is given another name, or another folder.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.capture import form
from ankled.daemon.capture.file import reason
from ankled.daemon.capture.frames import MAGIC
from ankled.daemon.capture.rolls import in_use

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROFILE: Final = form.PROFILE.encode()
# the magic, then the header: its opcode, its length (8 bytes), and the profile with its length (4 bytes)
_HEAD_BYTES: Final = len(MAGIC) + 1 + 8 + 4 + len(_PROFILE)


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept at most, and how much of the disk stays free; 0 sets no bound."""

    size_bytes: int = 0
    age_s: float = 0.0
    min_free_bytes: int = 0


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One of our files. `taken` while somebody records to it."""

    path: Path
    size: int
    changed_s: float
    taken: bool


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed and why, what could not be, and how much of the disk is free now."""

    removed: tuple[tuple[Recording, str], ...]
    failed: tuple[str, ...]
    free_bytes: int


def free_bytes(folder: Path) -> int:
    """Return how much may still be written where a folder is, or would be. Raises OSError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def own(folder: Path, node: str) -> list[Recording]:
    """Return our recordings in a folder, the oldest first."""
    name = re.compile(rf"{re.escape(node)}-\d{{8}}T\d{{6}}Z(-\d+)?(\.\d{{3,}})?\.mcap")
    try:
        paths = [path for path in folder.iterdir() if name.fullmatch(path.name)]
    except OSError:
        return []
    found = (_recording(path) for path in paths)
    return sorted((one for one in found if one is not None), key=lambda one: (one.changed_s, one.path.name))


def sweep(folder: Path, node: str, keep: Keep, now_s: float) -> Swept:
    """Remove what is beyond the bounds; `now_s` is the wall clock's time. Raises OSError where there is no disk."""
    removed, failed = [], []
    for one, why in _surplus(folder, own(folder, node), keep, now_s):
        try:
            one.path.unlink()
            removed.append((one, why))
        except OSError as error:
            failed.append(f"{one.path} cannot be removed: {reason(error)}.")
    return Swept(removed=tuple(removed), failed=tuple(failed), free_bytes=free_bytes(folder))


def _surplus(folder: Path, found: list[Recording], keep: Keep, now_s: float) -> Iterator[tuple[Recording, str]]:
    """Yield what is to go, the oldest first; the one before is gone when the next is asked for."""
    size = sum(one.size for one in found)
    for one in found:
        if one.taken:
            continue
        if keep.age_s and now_s - one.changed_s > keep.age_s:
            why = "older than capture.keep_days"
        elif keep.size_bytes and size > keep.size_bytes:
            why = "the recordings are more than capture.keep_gb"
        elif keep.min_free_bytes and free_bytes(folder) < keep.min_free_bytes:
            why = "less of the disk is free than capture.min_free_gb"
        else:
            continue
        size -= one.size
        yield one, why


def _recording(path: Path) -> Recording | None:
    """Return what a file is, None for one that is not ours."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return None
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
            taken = in_use(stream)
    except OSError:
        return None
    if not head.startswith(MAGIC) or not head.endswith(_PROFILE) or len(head) < _HEAD_BYTES:
        return None
    return Recording(path=path, size=status.st_size, changed_s=status.st_mtime, taken=taken)
