"""Which acceleration belongs to which rotation, and what can be known of lost packets.

Packets carry neither time nor number, so one packet alone tells nothing of a loss. But both sensors of a chip run on
one clock and fill their packets at one pace: their packets alternate, and after the start the k-th of one belongs to
the k-th of the other. That gives all there is to know:

* At the start one sensor is ahead, as it woke up earlier. All but its last packet before the other's first are left
  out. What remains is a shift below one packet, 0 to 2 samples, which nobody can see.
* A sensor that is heard twice running shows that the other owes a packet. If the other then sends two in a row it was
  late; if it falls back into step, the packet is lost, and it is reported right before the one that came instead. To
  tell, the first packet of the one that owes is held until the next packet of either.
* Losses that strike both alike leave the balance as it was: they cannot be seen. What is reported is a lower bound.
* If the two changed their order for longer than a moment, that would look like a loss of one, and the way back like a
  loss of the other. On one clock there is no reason for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ankled.drivers.metamotion.wire import Axis3

if TYPE_CHECKING:
    from typing import TypeAlias


class Placed(NamedTuple):
    """A packet whose place is known: `lost` packets of the same sensor are missing right before it."""

    stream: Axis3
    data: bytes
    lost: int


Released: TypeAlias = list[Placed]


class Pairing(msgspec.Struct):
    """What is remembered: who sent last, who owes how many packets, and the packet held until that is settled."""

    begun: bool = False
    last: Axis3 | None = None
    owing: Axis3 | None = None
    owed: int = 0
    held: bytes | None = None

    def take(self, stream: Axis3, data: bytes) -> Released:
        """Take a packet, return those whose place is known now, in their order."""
        if not self.begun:
            return self._begin(stream, data)
        if self.held is not None and self.owing is not None:
            return self._settle(self.owing, self.held, stream, data)
        if stream == self.owing:
            self.held = data
            return []
        if stream == self.last:
            self.owing = "gyr" if stream == "acc" else "acc"
            self.owed += 1
        self.last = stream
        return [Placed(stream, data, 0)]

    def _begin(self, stream: Axis3, data: bytes) -> Released:
        """Wait until both sensors are awake; keep only the newest packet of the one that is ahead."""
        ahead, held = self.last, self.held
        self.last = stream
        if ahead is None or held is None or ahead == stream:
            self.held = data
            return []
        self.begun, self.held = True, None
        return [Placed(ahead, held, 0), Placed(stream, data, 0)]

    def _settle(self, owing: Axis3, held: bytes, stream: Axis3, data: bytes) -> Released:
        """Decide about the held packet by the one that follows it."""
        if stream != owing:
            lost, self.owed = self.owed, 0
        else:
            lost = 0
            self.owed -= 1
        if self.owed:
            self.held = data
            return [Placed(owing, held, lost)]
        self.owing, self.held, self.last = None, None, stream
        return [Placed(owing, held, lost), Placed(stream, data, 0)]
