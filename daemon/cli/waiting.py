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
def waiting(what: str | None, brief: str | None = None) -> Iterator[None]:
    """Show on standard error that `what` is going on; without it, and on a terminal only, what `brief` says.

    The work stays in the calling thread, so that Ctrl-C ends it; the spinner turns in a thread of its own.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        if what is not None:
            sys.stderr.write(f"ankled: {what}\n")
            sys.stderr.flush()
        yield
    elif (text := what or brief) is None:
        yield
    else:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            progress.add_task(text, total=None)
            yield
