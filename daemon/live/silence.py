"""Whether a link that claims to be up is alive: data is the proof, and a read is asked for when data stay away."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ankled.daemon.live.options import Limits

_INTERVALS: Final = 3.0
"""So many packet intervals without a packet are silence."""
_LEARNED: Final = 16
"""So many packets teach the interval; it then follows their mean, over about as many."""


class Verdict(Enum):
    """What is to be done now."""

    WAIT = "wait"
    PROBE = "probe"
    DROP = "drop"


class Silence:
    """Watches one connection. All times are of one clock, in s.

    Silent is a sensor without a packet for three packet intervals, at least `Limits.silent_s`; before its first packet
    it is not online either, but has `Limits.start_s` to begin. It is then probed at once. Without an answer the link is
    dropped. A sensor that answers and sends nothing is asleep, or its stream has died on the way: it is kept for
    `Limits.asleep_s`, then the link is made anew, which starts the stream again.
    """

    def __init__(self, limits: Limits, longest_gap_s: float, now_s: float) -> None:
        self._limits = limits
        self._longest_gap_s = longest_gap_s
        self._interval_s = 0.0
        self._packets = 0
        self._last_s = now_s
        self._asked_s: float | None = None
        self._found_s: float | None = None

    @property
    def packets(self) -> int:
        """How many there were."""
        return self._packets

    @property
    def last_s(self) -> float:
        """When the last packet came; before the first, when the watch began."""
        return self._last_s

    @property
    def patience_s(self) -> float:
        """How long without a packet is no silence."""
        if self._packets == 0:
            return max(self._limits.start_s, _INTERVALS * self._longest_gap_s)
        if self._packets < _LEARNED:
            return max(self._limits.silent_s, _INTERVALS * self._longest_gap_s)
        return max(self._limits.silent_s, _INTERVALS * self._interval_s, self._longest_gap_s)

    def online(self, now_s: float) -> bool:
        """Tell whether data prove the link to be alive."""
        return self._packets > 0 and now_s - self._last_s < self.patience_s

    def packet(self, now_s: float) -> None:
        """Note a packet."""
        passed_s = now_s - self._last_s
        if self._packets > 0 and passed_s < self.patience_s:  # a silence is no interval
            self._interval_s += (passed_s - self._interval_s) / min(self._packets, _LEARNED)
        self._packets += 1
        self._last_s = now_s
        self._asked_s = self._found_s = None

    def answered(self, now_s: float) -> None:
        """Note that the device answered a request, which proves the link and not the stream."""
        self._asked_s = now_s

    def check(self, now_s: float) -> Verdict:
        """Tell what is to be done. After PROBE the answer is noted by `answered`; without one the link is dropped.

        Silence counts from when it was found: a host that was suspended looks late.
        """
        if now_s - self._last_s < self.patience_s:
            return Verdict.WAIT
        if self._found_s is None:
            self._found_s = now_s
        if now_s - self._found_s >= self._limits.asleep_s:
            return Verdict.DROP
        if self._asked_s is None or now_s - self._asked_s >= self._limits.probe_every_s:
            return Verdict.PROBE
        return Verdict.WAIT

    def next_s(self, now_s: float) -> float:
        """Return how long nothing needs to be checked, if no packet comes."""
        silent_s = self._last_s + self.patience_s - now_s
        if silent_s > 0.0:
            return silent_s
        if self._found_s is None or self._asked_s is None:
            return 0.0
        return max(0.0, min(self._asked_s + self._limits.probe_every_s, self._found_s + self._limits.asleep_s) - now_s)
