"""`ankled warm`: compile the kernels and leave them in the cache."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ankled.kernels.jit import CACHE_DIR

if TYPE_CHECKING:
    import argparse


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no options of its own."""


def warm() -> None:
    """Compile, or load from the cache, everything that runs per sample."""
    # Imported here: importing the chain is part of what takes long.
    from ankled.kernels.chain import warm_up  # noqa: PLC0415  (see above)

    warm_up()


def run(_arguments: argparse.Namespace) -> int:
    """Compile and say where the result is."""
    sys.stderr.write("compiling the kernels, about a minute the first time ...\n")
    warm()
    sys.stdout.write(f"kernels ready in {CACHE_DIR}\n")
    return 0
