"""When a scanner is restarted, and when its adapter needs more than that."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ankled.daemon.live.options import Limits


class Cure(Enum):
    """What a scanner that hears nothing needs."""

    NONE = "none"
    RESTART = "restart"
    POWER_CYCLE = "power cycle"


class Deaf:
    """Watches one scanner. All times are of one clock, in s.

    Hearing nothing for `Limits.deaf_s` is a fault more often than an empty room (BlueZ before 5.88 can believe that it
    scans while the kernel does not): restart. If that is in vain so many times, and no link would be lost by it, the
    adapter is switched off and on, which is all that helps then.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._heard_s: float | None = None
        self._in_vain = 0
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
        self._in_vain = 0

    def due_s(self, now_s: float) -> float:
        """Return how long the scanner may go on unheard."""
        return self._limits.deaf_s if self._heard_s is None else self._heard_s + self._limits.deaf_s - now_s

    def cure(self, now_s: float, *, links: int) -> Cure:
        """Tell what is to be done now; every cure is told once and taken for done."""
        if self._heard_s is None or self.due_s(now_s) > 0.0:
            return Cure.NONE
        self._in_vain += 1
        self._heard_s = now_s
        rested = self._cycled_s is None or now_s - self._cycled_s >= self._limits.power_cycle_s
        if self._in_vain > self._limits.deaf_restarts and links == 0 and rested:
            self._cycled_s = now_s
            return Cure.POWER_CYCLE
        return Cure.RESTART
