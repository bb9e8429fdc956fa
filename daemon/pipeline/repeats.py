"""What comes more than once: packets that a host delivers twice, and the errors that a bad link brings with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.inputs import Notification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.drivers.messages import Value

_TWICE_NS: Final = 5_000_000
"""What comes again within this time, the same to the last bit, is no new packet."""
_AGAIN_NS: Final = 60_000_000_000
"""How long an error is not told again."""
_MOST_TOLD: Final = 32


class RepeatsState(msgspec.Struct, kw_only=True):
    """The packet before, whether packets hold several samples, and when which error was told last."""

    last: Notification | None = None
    several: bool = False
    told: dict[str, int] = msgspec.field(default_factory=dict)


class Repeats:
    """Remembers what came on one connection."""

    def __init__(self, state: RepeatsState | None = None) -> None:
        self.state = RepeatsState() if state is None else state

    def twice(self, given: Notification) -> bool:
        """Tell whether a packet is the one before once more. Where samples are only counted nothing else would tell.

        Two samples of a sensor at rest may be the same; several in a row are not, with the noise they have.
        """
        last, self.state.last = self.state.last, given
        return (
            self.state.several
            and last is not None
            and last.data == given.data
            and last.characteristic == given.characteristic
            and given.host_ns - last.host_ns < _TWICE_NS
        )

    def is_news(self, error: Mapping[str, Value], host_ns: int) -> bool:
        """Tell whether an error has not been told within the last minute."""
        told, key = self.state.told, repr(error)
        if key in told and host_ns - told[key] < _AGAIN_NS:
            return False
        if len(told) >= _MOST_TOLD:
            told.clear()
        told[key] = host_ns
        return True
