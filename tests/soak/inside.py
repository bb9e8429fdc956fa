"""`python -m tests.soak.inside FILE WORDS`: `ankled WORDS`, which adds what it holds to FILE at every SIGUSR2."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import msgspec

from ankled.daemon.cli import main
from tests.soak.held import held

if __name__ == "__main__":
    into = Path(sys.argv[1])

    def tell(*_: object) -> None:
        """Add a line."""
        with into.open("ab") as file:
            file.write(msgspec.json.encode(held()) + b"\n")

    signal.signal(signal.SIGUSR2, tell)
    sys.exit(main(sys.argv[2:]))
