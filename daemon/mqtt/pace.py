"""A bound on how many results go out in a second, so that a broker that comes back is not flooded."""

from __future__ import annotations

import asyncio
from typing import Final

_BREATH_S: Final = 0.02
"""Some results at a time, after so long, instead of a timer for each; sooner where the bucket would overflow."""


class Pace:
    """A bucket that `rate_per_s` turns a second flow into, up to `burst`. It begins full. None: no bound."""

    def __init__(self, rate_per_s: float | None, burst: int) -> None:
        """Begin with a full bucket."""
        self._rate_per_s = rate_per_s
        self._burst = max(1, burst)
        self._turns = float(self._burst)
        self._counted_s = asyncio.get_running_loop().time()

    async def turn(self) -> None:
        """Wait for a turn."""
        if self._rate_per_s is None:
            return
        while not self._taken(self._rate_per_s):
            breath_s = min(_BREATH_S, self._burst / (2.0 * self._rate_per_s))
            await asyncio.sleep(max(breath_s, (1.0 - self._turns) / self._rate_per_s))

    def _taken(self, rate_per_s: float) -> bool:
        now_s = asyncio.get_running_loop().time()
        self._turns = min(self._burst, self._turns + (now_s - self._counted_s) * rate_per_s)
        self._counted_s = now_s
        if self._turns < 1.0:
            return False
        self._turns -= 1.0
        return True
