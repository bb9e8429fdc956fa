"""`ankled warm`: compile the kernels and leave them in the cache."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ankled.kernels.jit import CACHE_DIR, cache_root, is_compiled

if TYPE_CHECKING:
    import argparse


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no options of its own."""


def notice() -> str | None:
    """Return what to tell whoever waits, or None if everything is compiled already."""
    if is_compiled():
        return None
    why = "once" if CACHE_DIR else f"each time, because {cache_root()} cannot be written: set ANKLED_CACHE_DIR"
    return f"compiling the kernels, about a minute, {why}"


def warm() -> None:
    """Compile, or load from the cache, everything that runs per sample; tell whoever waits when that takes long."""
    if told := notice():
        sys.stderr.write(f"ankled: {told}\n")
        sys.stderr.flush()
    compile_all()


def compile_all() -> None:
    """Compile, or load from the cache, everything that runs per sample."""
    # Imported here: importing the chain is part of what takes long.
    from ankled.kernels.chain import warm_up  # noqa: PLC0415  (see above)

    warm_up()


def run(_arguments: argparse.Namespace) -> int:
    """Compile and say where the result is."""
    warm()
    sys.stdout.write(f"kernels ready in {CACHE_DIR}\n" if CACHE_DIR else "kernels ready, for this process only\n")
    return 0
