"""Whether the date can be believed, for what cannot be undone: a recording that is removed for its age is gone.

A Raspberry Pi without a clock of its own begins in 1970, or at its last shutdown, until the network tells; a wrong
answer of a time server may leap a year ahead. So the date is believed only after it went along with the host's clock,
which never steps, for long enough that somebody would have set it right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ankled.daemon.live.clock import Clock

_NS: Final = 1_000_000_000
_STEP_NS: Final = 2 * _NS
"""What a clock that is only slewed does not do between two looks: at 500 ppm that would take over an hour."""
_PATIENCE_S: Final = 3600.0


class Steady:
    """To be asked every minute or so."""

    def __init__(self, clock: Clock, patience_s: float = _PATIENCE_S) -> None:
        self._clock = clock
        self._patience_ns = round(patience_s * _NS)
        self._offset_ns = clock.utc_ns() - clock.now_ns()
        self._since_ns = clock.now_ns()

    def believed(self) -> bool:
        """Tell whether the wall clock was not set for long, nor since this began."""
        now_ns = self._clock.now_ns()
        offset_ns = self._clock.utc_ns() - now_ns
        if abs(offset_ns - self._offset_ns) > _STEP_NS:
            self._since_ns = now_ns
        self._offset_ns = offset_ns
        return now_ns - self._since_ns >= self._patience_ns
