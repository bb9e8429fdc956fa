"""A progress bar on standard error, for anything longer than a second, when that is a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID

_SHOWN_AFTER_S = 1.0
_EVERY_S = 0.1


class Bar:
    """A bar that appears only when the work lasts. Without a terminal it does nothing."""

    def __init__(self, what: str) -> None:
        """Name the work."""
        self._what = what
        self._active = sys.stderr.isatty()
        self._due_s = time.monotonic() + _SHOWN_AFTER_S
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, done: float, total: float) -> None:
        """Say how much is done."""
        if not self._active or time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + _EVERY_S
        if self._progress is None:
            # Imported here: most commands end before a bar is wanted.
            from rich.console import Console  # noqa: PLC0415  (see above)
            from rich.progress import Progress  # noqa: PLC0415  (see above)

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._task = self._progress.add_task(self._what, total=total)
            self._progress.start()
        if self._task is not None:
            self._progress.update(self._task, completed=done, total=total)
