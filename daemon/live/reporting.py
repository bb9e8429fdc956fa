"""What is told of each sensor: whether it is there, and what is known of it, as that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from ankled.daemon.live.pulse import Pulse
from ankled.daemon.live.state import OFFLINE, ONLINE, Reports

if TYPE_CHECKING:
    from ankled.daemon.live.clock import Clock
    from ankled.daemon.live.outlet import Outlet
    from ankled.daemon.live.status import DeviceStatus
    from ankled.daemon.mqtt.topics import Topics
    from ankled.daemon.pipeline import Core
    from ankled.drivers.messages import Event as SensorEvent

_NS: Final = 1_000_000_000

log = structlog.stdlib.get_logger(__name__)


class Reporting:
    """Puts availability and state of the sensors on their topics."""

    def __init__(self, core: Core, topics: Topics, outlet: Outlet, clock: Clock) -> None:
        self._core = core
        self._topics = topics
        self._outlet = outlet
        self._clock = clock
        self._reports = Reports(core)
        self._awaited: set[str] = set()
        self.pulse: Final = Pulse()
        """Of the loop that tells of all sensors."""

    def tell(self, status: DeviceStatus) -> None:
        """Tell how a device stands, if that is news."""
        if status.online and not self._flows(status.slug):
            self._awaited.add(status.slug)
            status = msgspec.structs.replace(status, state="starting")  # it answers, and has measured nothing yet
        topic = self._topics.device(status.slug, "availability")
        self._outlet.keep(topic, ONLINE if status.online else OFFLINE)
        report = self._reports.fresh(status, self._clock.now_ns() / _NS)
        if report is not None:
            self._outlet.keep(self._topics.device(status.slug, "state"), msgspec.json.encode(report))

    def came(self) -> bool:
        """Tell whether the first measurements have come of a device that was told to be starting."""
        if any(map(self._flows, self._awaited)):
            self._awaited.clear()
            return True
        return False

    def note(self, slug: str, event: SensorEvent) -> None:
        """Take in what a sensor says of itself."""
        self._reports.note(slug, event)
        if event.name == "error":
            log.warning("sensor reports an error", device=slug, said=event.value)

    def forget(self, slug: str) -> None:
        """Know nothing any more of what a sensor has said."""
        self._reports.forget(slug)

    def battery_percent(self, slug: str) -> float | None:
        """Return what the sensor last said of its battery."""
        return self._reports.battery_percent(slug)

    def _flows(self, slug: str) -> bool:
        source = self._core.links.get(slug)
        return source is not None and source.flows
