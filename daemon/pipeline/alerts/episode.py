"""Episodes: how many in a row make one, how many end it, and that each is told once."""

from __future__ import annotations

from typing import Final

import msgspec

IN_A_ROW: Final = 3
"""So many odd repetitions one after the other make an episode, and so many ordinary ones end it."""


class Episode(msgspec.Struct, kw_only=True):
    """`odd`: ids of the last repetitions out of the ordinary, one after the other; `calm`: ordinary ones since."""

    odd: list[str] = []
    calm: int = 0
    told: bool = False

    def step(self, rep_id: str, *, odd: bool) -> bool:
        """Take in a repetition; return True once, when enough odd ones have come in a row."""
        if not odd:
            self.odd = []
            self.calm += 1
            self.told = self.told and self.calm < IN_A_ROW
            return False
        self.calm = 0
        self.odd = [*self.odd, rep_id][-IN_A_ROW:]
        if self.told or len(self.odd) < IN_A_ROW:
            return False
        self.told = True
        return True

    def end(self) -> None:
        """Forget: a new set begins, or what was compared no longer compares."""
        self.odd, self.calm, self.told = [], 0, False
