"""How many connections an adapter holds, and how many more it may be asked for."""

from __future__ import annotations

from typing import Final

_REMEMBERED_S: Final = 600.0
"""How long a refusal of the controller is believed: other programs take slots too, and give them back."""


class Slots:
    """The connection slots of one adapter. No controller tells how many it has; it only refuses one too many."""

    def __init__(self, limit: int) -> None:
        self._most = limit
        self._learned: int | None = None
        self._learned_s = 0.0
        self._taken: dict[str, None] = {}

    @property
    def taken(self) -> tuple[str, ...]:
        """By which devices, in order."""
        return tuple(self._taken)

    def limit(self, now_s: float) -> int:
        """Return how many connections the adapter is trusted with."""
        if self._learned is None or now_s - self._learned_s >= _REMEMBERED_S:
            return self._most
        return self._learned

    def free(self, now_s: float) -> int:
        """Return how many more there may be."""
        return max(0, self.limit(now_s) - len(self._taken))

    def take(self, slug: str, now_s: float) -> bool:
        """Take one for a device, if there is one."""
        if slug in self._taken or self.free(now_s) == 0:
            return False
        self._taken[slug] = None
        return True

    def give_back(self, slug: str) -> None:
        """Give back the one of a device, if it has one."""
        self._taken.pop(slug, None)

    def refused(self, slug: str, now_s: float) -> None:
        """Note that the controller had none for this device: what the others hold is all there is."""
        self.give_back(slug)
        self._learned, self._learned_s = max(1, len(self._taken)), now_s
