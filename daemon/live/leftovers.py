"""What a broker still holds of devices that nobody wants any more, and of those whose end nobody could tell.

The broker itself is the list: each connection brings the availabilities that are retained. A device that left the
configuration while the daemon was stopped is let go of, and one that is away since a crash is told to be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ankled.daemon.errors import UsageError
from ankled.daemon.live.state import OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ankled.daemon.live.outlet import Outlet
    from ankled.daemon.mqtt.connection import Message
    from ankled.daemon.mqtt.topics import Topics

log = structlog.stdlib.get_logger(__name__)


class Leftovers:
    """`wants` tells whether a device belongs here or may come, `there` who is here now, `forget` lets go of one."""

    def __init__(
        self,
        topics: Topics,
        outlet: Outlet,
        *,
        wants: Callable[[str], bool],
        there: Callable[[], Collection[str]],
        forget: Callable[[str], None],
    ) -> None:
        self._topics = topics
        self._outlet = outlet
        self._wants = wants
        self._there = there
        self._forget = forget

    def listen(self, listen: Callable[[str, Callable[[Message], None]], None]) -> None:
        """Have `hear` called with what is on the availability of every device."""
        listen(f"{self._topics.root}/+/availability", self.hear)

    def hear(self, message: Message) -> None:
        """Look at an availability that the broker holds. What comes later is our own."""
        slug = message.topic.split("/")[-2]
        if not message.retain or not message.payload:
            return
        try:
            topic = self._topics.device(slug, "availability")
        except UsageError:  # no device can be called so: it is of somebody else
            return
        if not self._wants(slug):
            log.info("device let go", device=slug, reason="it is not wanted any more")
            self._forget(slug)
        elif slug not in self._there():
            self._outlet.keep(topic, OFFLINE)
