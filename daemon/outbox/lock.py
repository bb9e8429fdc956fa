"""One process at a time for an outbox, and a mark beside it that what was published may not have been stored."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Final, Self

from ankled.daemon.errors import OutboxError

if TYPE_CHECKING:
    from pathlib import Path

_CLEAR, _MARKED = b"0", b"1"
_WIDTH: Final = 16


class Lock:
    """Held until it is released, or the process ends, however it does. Its file holds the mark and who has it."""

    def __init__(self, path: Path) -> None:
        """Take the lock that belongs to an outbox's file. Raises OutboxError where another process has it."""
        where = path.with_name(f"{path.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"the folder {path.parent} of the outbox cannot be made: {error.strerror or error}"
            raise OutboxError(message) from error
        try:
            self._file = os.open(where, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            message = f"the folder {path.parent} of the outbox cannot be written to: {error.strerror or error}"
            raise OutboxError(message) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            other = os.pread(self._file, _WIDTH, 1).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            message = (
                f"the outbox {path} is in use by another ankled (process {other}); "
                "stop that one, or give each its own state.folder"
            )
            raise OutboxError(message) from error
        with contextlib.suppress(OSError):  # a full disk: nothing is marked, and nobody is named
            self.marked = os.pread(self._file, 1, 0) == _MARKED
            mark = _MARKED if self.marked else _CLEAR
            os.pwrite(self._file, mark + f"{os.getpid()}".ljust(_WIDTH - 1).encode() + b"\n", 0)

    marked = False
    """Whether results may have been published that are not in the file."""

    def mark(self, *, marked: bool) -> None:
        """Note it. The byte is there already, so that a full disk has room for it; a dead one tells nothing anyway."""
        if marked != self.marked:
            self.marked = marked
            with contextlib.suppress(OSError):
                os.pwrite(self._file, _MARKED if marked else _CLEAR, 0)

    def __enter__(self) -> Self:
        """Return the lock itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release it."""
        os.close(self._file)
