"""Which daemons run on this machine."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient

_WORDS: Final = ("run", "record")
"""The commands that use the radio for as long as they live."""


def daemons(patient: Patient) -> dict[int, str]:
    """Return the commands of the processes that run as `ankled run` or `ankled record`, by number, but ours."""
    found = {}
    for entry in (patient.root / "proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended, or is not shown to us
            continue
        if int(entry.name) == os.getpid():
            continue
        at = next(
            (i for i, word in enumerate(words[:4]) if PurePath(word).name in {"ankled", "ankled.daemon.cli"}), None
        )
        if at is not None and len(words) > at + 1 and words[at + 1] in _WORDS:
            found[int(entry.name)] = words[at + 1]
    return found
