"""Work of unknown length: a spinner with the time so far on a terminal, one sentence anywhere else."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def waiting(what: str | None) -> Iterator[None]:
    """Show on standard error that `what` is going on; nothing where there is nothing to tell.

    The work stays in the calling thread, so that Ctrl-C ends it; the spinner turns in a thread of its own.
    """
    console = Console(stderr=True)
    if what is None:
        yield
    elif not console.is_terminal:
        sys.stderr.write(f"ankled: {what}\n")
        sys.stderr.flush()
        yield
    else:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            progress.add_task(what, total=None)
            yield
