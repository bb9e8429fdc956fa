"""One connection in the air: packets both ways in order, connection events, and an end when nobody is heard."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bumble import controller as bumble_controller
from bumble import hci, ll
from bumble.core import PhysicalTransport

if TYPE_CHECKING:
    from ankled.simulators.radio.air import Air
    from ankled.simulators.radio.controller import AirController

AclFragment = tuple[bool, bytes]
"""Part of an L2CAP packet, and whether it goes on where the one before ended."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What two ends agree on: time between connection events, and how long nothing may be heard."""

    interval_s: float = 0.03
    supervision_s: float = 2.0

    @property
    def interval(self) -> int:
        """The interval as HCI counts it, in 1.25 ms."""
        return round(self.interval_s / 1.25e-3)

    @property
    def supervision(self) -> int:
        """The supervision timeout as HCI counts it, in 10 ms."""
        return round(self.supervision_s / 10e-3)

    @classmethod
    def from_hci(cls, interval: int, supervision: int) -> Timing:
        """Return what HCI counts mean."""
        return cls(interval * 1.25e-3, supervision * 10e-3)

    def with_interval(self, interval_s: float) -> Timing:
        """Return the same with another interval."""
        return dataclasses.replace(self, interval_s=interval_s)


class End(bumble_controller.Connection):
    """One end of a connection, as its controller keeps it. `queue` holds what this end has sent and nobody got yet."""

    def __init__(self, controller: AirController, peer: AirController, handle: int, role: hci.Role) -> None:
        super().__init__(
            controller=controller,
            handle=handle,
            role=role,
            self_address=controller.random_address,
            peer_address=peer.random_address,
            link=controller.air,
            transport=PhysicalTransport.LE,
            link_type=hci.HCI_Connection_Complete_Event.LinkType.ACL,
        )
        self.station = controller
        self.open = True
        self.queue: deque[AclFragment | ll.ControlPdu] = deque()
        self.way: Link | None = None

    def send(self, packet: AclFragment | ll.ControlPdu) -> None:
        """Put a packet on its way to the other end."""
        self.queue.append(packet)
        if self.way is not None:
            self.way.hasten()

    def send_ll_control_pdu(self, packet: ll.ControlPdu) -> None:
        """Bumble's name for it."""
        self.send(packet)


class Link:
    """The way between two ends. Nothing is lost or doubled on it while it lives; out of range, it holds what it has."""

    def __init__(self, air: Air, central: AirController, peripheral: AirController, timing: Timing) -> None:
        self.timing = timing
        self._air = air
        self._loop = asyncio.get_running_loop()
        self._soon: asyncio.Handle | None = None
        self.central = central.open_end(peripheral, hci.Role.CENTRAL, timing)
        self.peripheral = peripheral.open_end(central, hci.Role.PERIPHERAL, timing)
        self.central.way = self.peripheral.way = self
        self._heard_s = self._next_s = self._loop.time()
        self._plan()

    @property
    def ends(self) -> tuple[End, End]:
        """Central, peripheral."""
        return self.central, self.peripheral

    @property
    def interval_s(self) -> float:
        """Time between connection events as it is now."""
        return self.peripheral.station.stretched_s or self.timing.interval_s

    def retime(self, timing: Timing | None = None) -> None:
        """Change what was agreed on, or take up a stretched interval, of which the hosts hear nothing."""
        self.timing = timing or self.timing
        self._next_s = self._loop.time()
        self._timer.cancel()
        self._plan()

    def hasten(self) -> None:
        """Deliver at once what may be delivered at once."""
        if self._soon is None and not self._air.paced and self.peripheral.station.stretched_s is None:
            self._soon = self._loop.call_soon(self._now)

    def drop(self, reason: int) -> None:
        """End the connection on both sides now."""
        for end in self.ends:
            if end.open:
                end.station.on_le_disconnected(end, reason)
        self._finish()

    def _plan(self) -> None:
        """Set the timer for the next connection event that is not in the past."""
        interval_s = self.interval_s  # it may have changed since the last event
        late = int((self._loop.time() - self._next_s) / interval_s)
        self._next_s += (late + 1) * interval_s
        self._timer = self._loop.call_at(self._next_s, self._event)

    def _event(self) -> None:
        """Both ends meet, if they hear each other."""
        central, peripheral = self.ends
        if self._air.hears(central.station, peripheral.station):
            if central.open and peripheral.open:
                self._heard_s = self._loop.time()
                if peripheral.station.on_event is not None:
                    peripheral.station.on_event()
            self._deliver()
        if self._loop.time() - self._heard_s >= self.timing.supervision_s:
            self.drop(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        elif central.open or peripheral.open:
            self._plan()
        else:
            self._finish()

    def _now(self) -> None:
        self._soon = None
        if self._air.hears(self.central.station, self.peripheral.station):
            self._deliver()

    def _deliver(self) -> None:
        """Hand over what waits, the central's first."""
        for end, other in (self.ends, self.ends[::-1]):
            sent = 0
            while end.queue and other.open and not other.station.congested:
                packet = end.queue.popleft()
                if isinstance(packet, tuple):
                    sent += 1
                    other.station.on_fragment(other, *packet)
                else:
                    other.station.on_control(other, packet)
            if sent and end.open:
                end.station.completed(end, sent)

    def _finish(self) -> None:
        """Let go of everything."""
        self._timer.cancel()
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self in self._air.links:
            self._air.links.remove(self)
