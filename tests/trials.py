"""How often trials at random are repeated: enough for every change, and as often as is asked for by `make trials`."""

from __future__ import annotations

import os


def repeated(full: int, few: int) -> int:
    """Return `full` under `make trials` (ANKLED_TRIALS=full), else `few`."""
    return full if os.environ.get("ANKLED_TRIALS") == "full" else few
