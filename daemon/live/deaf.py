"""When a scanner is restarted, and when its adapter needs more than that."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ankled.daemon.live.options import Limits


_MOST: Final = 16
"""Doublings, which keeps numbers small."""


class Cure(Enum):
    """What a scanner that hears nothing needs."""

    NONE = "none"
    RESTART = "restart"
    POWER_CYCLE = "power cycle"


class Deaf:
    """Watches one scanner. All times are of one clock, in s.

    Hearing nothing for `Limits.deaf_s` is a fault (BlueZ before 5.88 can believe that it scans while the kernel does
    not), or an empty room: whoever is connected does not advertise. So the scanner is restarted, which costs nothing.
    Links prove that the adapter works, and would be lost by more than that: then it is restarted ever more rarely.
    Without any, after so many restarts in vain, the adapter is switched off and on, which is all that helps then; and
    again ever more rarely, for most rooms are empty at night.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._heard_s: float | None = None
        self._restarts = 0
        self._in_vain = 0
        self._cycles = 0
        self._cycled_s: float | None = None

    def started(self, now_s: float) -> None:
        """Note that the scanner runs from now on."""
        self._heard_s = now_s

    def stopped(self) -> None:
        """Note that it does not."""
        self._heard_s = None

    def heard(self, now_s: float) -> None:
        """Note an advertisement, of whomever."""
        self._heard_s = now_s
        self._restarts = self._in_vain = self._cycles = 0

    @property
    def patience_s(self) -> float:
        """How long hearing nothing is borne."""
        return min(self._limits.deaf_s * 2.0 ** min(self._restarts, _MOST), self._limits.deaf_most_s)

    def due_s(self, now_s: float) -> float:
        """Return how long the scanner may go on unheard."""
        return self.patience_s if self._heard_s is None else self._heard_s + self.patience_s - now_s

    def cure(self, now_s: float, *, links: int) -> Cure:
        """Tell what is to be done now; every cure is told once and taken for done. `links` are those there are."""
        if self._heard_s is None or self.due_s(now_s) > 0.0:
            return Cure.NONE
        self._heard_s = now_s
        if links:
            self._restarts += 1
            self._in_vain = 0
            return Cure.RESTART
        self._restarts = 0
        self._in_vain += 1
        rest_s = min(
            self._limits.power_cycle_s * 2.0 ** min(max(0, self._cycles - 1), _MOST), self._limits.power_cycle_most_s
        )
        rested = self._cycled_s is None or now_s - self._cycled_s >= rest_s
        if self._in_vain <= self._limits.deaf_restarts or not rested:
            return Cure.RESTART
        self._cycles += 1
        self._cycled_s = now_s
        return Cure.POWER_CYCLE
