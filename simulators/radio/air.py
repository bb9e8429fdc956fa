"""The air between the controllers: who hears whom, how loudly, and the connections there are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bumble import link, ll

from ankled.simulators.radio.connection import Link, Timing

if TYPE_CHECKING:
    from bumble import controller as bumble_controller

    from ankled.simulators.radio.controller import AirController


@dataclass
class Advert(ll.AdvInd):
    """A connectable advertisement with the answer that an active scanner gets."""

    scan_response: bytes
    sender: AirController


class Air(link.LocalLink):
    """Carries advertisements to all who hear them, and connections between two. Order is that of arrival, always.

    `paced` makes every packet wait for the next connection event, as on a real link; without it only what a device
    measures comes at connection events, and requests are answered at once.
    """

    def __init__(self, *, paced: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Bumble's types have a gap there
        self.paced = paced
        self.epoch_s = asyncio.get_running_loop().time()
        self.links: list[Link] = []
        self._members: list[AirController] = []
        self._apart: set[frozenset[int]] = set()

    @property
    def now_s(self) -> float:
        """The radio's time, s: 0 when the air came to be."""
        return asyncio.get_running_loop().time() - self.epoch_s

    def add_controller(self, controller: bumble_controller.Controller) -> None:
        """Bumble's controllers enter by this, ours by `enter`."""

    def enter(self, controller: AirController) -> None:
        """Let a controller take part."""
        self._members.append(controller)

    def leave(self, controller: AirController) -> None:
        """Take a controller away without a word: its peers find out by their supervision timeout."""
        controller.silence()
        if controller in self._members:
            self._members.remove(controller)

    def separate(self, one: AirController, other: AirController, *, apart: bool) -> None:
        """Put two controllers out of each other's range, or back into it."""
        pair = frozenset((id(one), id(other)))
        (self._apart.add if apart else self._apart.discard)(pair)

    def hears(self, one: AirController, other: AirController) -> bool:
        """Tell whether two controllers are within range of each other."""
        if one.away or other.away:
            return False
        return not self._apart or frozenset((id(one), id(other))) not in self._apart

    def advertise(self, advert: Advert) -> None:
        """Bring an advertisement to everybody who listens and hears it."""
        loop = asyncio.get_running_loop()
        for member in self._members:
            if member is not advert.sender and member.listens and self.hears(member, advert.sender):
                loop.call_soon(member.on_advert, advert)

    def connect(self, central: AirController, advert: Advert, timing: Timing) -> bool:
        """Make a connection to whoever has just advertised; False if it has stopped or is gone by now."""
        peripheral = advert.sender
        if not peripheral.le_legacy_advertiser.enabled or not self.hears(central, peripheral):
            return False
        asked = peripheral.asks_interval_s
        self.links.append(Link(self, central, peripheral, timing if asked is None else timing.with_interval(asked)))
        return True
