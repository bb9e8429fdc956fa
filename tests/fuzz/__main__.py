"""`python -m tests.fuzz`: each fuzzer for FUZZ_S seconds (60), from FUZZ_SEED (drawn); or one input again: a FILE."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path

from tests.fuzz.loop import attempt, fuzz
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Fuzz, or try one file again."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("FUZZ_S", "60")), help="for each")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FUZZ_SEED", secrets.randbelow(10**6))))
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"), help="where inputs are saved")
    parser.add_argument("--file", type=Path, help="try the input in this file, and nothing else")
    given = parser.parse_args()
    if strange := [name for name in given.names if name not in TARGETS]:
        parser.error(f"there is no fuzzer {strange[0]}; allowed: {', '.join(TARGETS)}")
    names = given.names or list(TARGETS)
    if given.file is not None:
        if len(names) != 1:
            parser.error("--file goes with one NAME: whose input it is")
        attempt(TARGETS[names[0]](), given.file.read_bytes())
        sys.stdout.write(f"{names[0]}: {given.file} is taken as it should be\n")
        return 0
    found = sum(
        fuzz(name, TARGETS[name](), seconds=given.seconds, seed=given.seed, findings=given.findings) for name in names
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
