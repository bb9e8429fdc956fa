"""The compiled kernels: whether numba works here, and whether they lie in the cache for this very version.

Importing the kernels makes their folder and drops old ones. So another process does it, whose cache cannot be made.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.doctor.disk import existing
from ankled.daemon.doctor.finding import Finding, bad, note, ok
from ankled.daemon.doctor.patient import user

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient

DEADLINE_S: Final = 60.0
_ASK: Final = """
import json, os, pathlib, sys
from ankled.kernels import jit
del os.environ["ANKLED_CACHE_DIR"]
if sys.argv[1]:
    os.environ["ANKLED_CACHE_DIR"] = sys.argv[1]
print(json.dumps([str(jit.cache_root()), jit.source_digest(pathlib.Path(jit.__file__).resolve().parent)]))
"""


def cache(patient: Patient) -> list[Finding]:
    """Ask numba, then look into the folder."""
    # below a device no folder can be made, so the kernels are imported without one
    nowhere = f"{os.devnull}/none"
    try:
        done = subprocess.run(  # noqa: S603 - our own Python and words
            [sys.executable, "-B", "-c", _ASK, os.environ.get("ANKLED_CACHE_DIR", "")],
            env={**_of_service(patient), **os.environ, "ANKLED_CACHE_DIR": nowhere},
            capture_output=True,
            timeout=DEADLINE_S - 5.0,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return [bad("numba", "numba does not even load within a minute", "See what keeps the machine busy: top")]
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else f"exit code {done.returncode}"
        do = f"Install it anew: {sys.executable} -m pip install --force-reinstall numba"
        return [bad("numba", f"numba does not load: {why}", do)]
    root, digest = msgspec.json.decode(done.stdout, type=tuple[str, str])
    return [ok("numba", "numba loads"), of_cache(Path(root), digest)]


def _of_service(patient: Patient) -> dict[str, str]:
    """Return the folder that systemd gives the service, where it is that which is examined."""
    folder = patient.root / "var/cache/ankled"
    return {"CACHE_DIRECTORY": str(folder)} if patient.of_service and folder.is_dir() else {}


def of_cache(root: Path, digest: str) -> Finding:
    """Return the finding for the cache of kernels with this digest of their sources."""
    folder = root / "numba" / digest
    there = existing(folder)
    if next(folder.rglob("chain.run-*.nbi"), None) is not None:
        return ok("kernels", f"compiled for this version in {root}")
    if not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        told = f"{root} cannot be written to by {user()}: the kernels are compiled anew at each start"
        do = f"Make it writable for who runs the daemon, or set ANKLED_CACHE_DIR: sudo install -d -o {user()} {root}"
        return note("kernels", told, do)
    return note(
        "kernels", f"not compiled yet in {root}: the first start takes a minute", "Compile them now: ankled warm"
    )
