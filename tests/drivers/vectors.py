"""Packets of real devices and of the vendors' own tests, from the file that ANKLED_VECTORS names."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

Vector = dict[str, Any]


@cache
def _all() -> tuple[Vector, ...] | None:
    named = os.environ.get("ANKLED_VECTORS")
    if not named:
        return None
    return tuple(json.loads(line) for line in Path(named).read_text(encoding="utf-8").splitlines() if line.strip())


def family(prefix: str) -> list[Vector]:
    """Return the vectors whose id begins so; skips the test that asks where there are none on this machine."""
    known = _all()
    if known is None:
        pytest.skip("ANKLED_VECTORS names no file of packet vectors")
    chosen = [vector for vector in known if vector["id"].startswith(prefix)]
    assert chosen, f"no vector is called {prefix}..."
    return chosen


def ids() -> list[str]:
    """Return the ids of all vectors, in their order; none where the file is not on this machine."""
    return [vector["id"] for vector in _all() or ()]
