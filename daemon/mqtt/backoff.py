"""How long to wait before the next attempt: doubled each time, up to a limit, and jittered."""

from __future__ import annotations

import random

FIRST_S = 0.25
LAST_S = 30.0


class Backoff:
    """The waits of one series of failures. Jitter keeps many daemons from hitting a restarted broker at once."""

    def __init__(self, *, first_s: float = FIRST_S, last_s: float = LAST_S, seed: int | None = None) -> None:
        """Start at `first_s`; never wait for more than `last_s`."""
        self._first_s = first_s
        self._last_s = last_s
        self._nominal_s = first_s
        self._random = random.Random(seed)  # noqa: S311 - spreads attempts over time, guards nothing

    def next_s(self) -> float:
        """Return the next wait: between half and the whole of 0.25, 0.5, 1 ... 30 s."""
        wait_s = self._random.uniform(0.5, 1.0) * self._nominal_s
        self._nominal_s = min(2.0 * self._nominal_s, self._last_s)
        return wait_s

    def reset(self) -> None:
        """Begin again with the shortest wait."""
        self._nominal_s = self._first_s
