"""Loops that must turn for the daemon to be alive, and how long each may take for a turn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Heartbeat(NamedTuple):
    """A loop, what tells for how long it has not turned (infinite: never will), and the most that this may be."""

    name: str
    age_s: Callable[[], float]
    most_s: float


def late(beats: Iterable[Heartbeat]) -> tuple[str, ...]:
    """Return which loops stand still, each with for how long and how long it might have."""
    found = ((beat, beat.age_s()) for beat in beats)
    return tuple(_words(beat, age_s) for beat, age_s in found if age_s > beat.most_s)


def _words(beat: Heartbeat, age_s: float) -> str:
    if math.isinf(age_s):
        return f"{beat.name} (it has ended)"
    return f"{beat.name} (for {age_s:.0f} s, at most {beat.most_s:g} s)"
